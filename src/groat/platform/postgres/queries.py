"""Named SQL: each store keeps its queries in a ``.sql`` file beside its module.

A file has a heading ``-- name: verb_noun`` before each query. Parameters are named, such as
``%(merchant_id)s``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple, Self

_HEADING = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_PARAMETER = re.compile(r"%\((\w+)\)s")


class Query(NamedTuple):
    """SQL in PostgreSQL's own form: ``$1`` is the first of ``parameters``, and so on."""

    text: bytes
    parameters: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the query for a ``text`` with named parameters."""
        numbers: dict[str, int] = {}

        def numbered(match: re.Match[str]) -> str:
            return f"${numbers.setdefault(match[1], len(numbers) + 1)}"

        return cls(_PARAMETER.sub(numbered, text).encode(), tuple(numbers))


def load_queries(store: str, file: str) -> dict[str, Query]:
    """Return the queries of ``file``, by name; ``store`` is the ``__file__`` of the store.

    Raises:
        ValueError: two queries share a name, or there is text before the first name.
    """
    text = (Path(store).parent / file).read_text(encoding="utf-8")
    preamble, *parts = _HEADING.split(text)
    names, bodies = parts[::2], parts[1::2]
    if preamble.strip() or len(set(names)) != len(names):
        raise ValueError(f"{file} has a query without a name, or two queries with the same name")
    return {name: Query.of(body.strip()) for name, body in zip(names, bodies, strict=True)}
