"""Named SQL: each store keeps its queries in a ``.sql`` file beside it.

A file is a row of ``-- name: verb_noun`` headings, each followed by its query. Parameters are
named, as ``%(merchant_id)s``.
"""

from __future__ import annotations

import re
from pathlib import Path

_HEADING = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load_queries(store: str, file: str) -> dict[str, bytes]:
    """Return the queries of ``file``, by name; ``store`` is the ``__file__`` of the store.

    Raises:
        ValueError: two queries share a name, or text stands before the first name.
    """
    text = (Path(store).parent / file).read_text(encoding="utf-8")
    preamble, *parts = _HEADING.split(text)
    names, bodies = parts[::2], parts[1::2]
    if preamble.strip() or len(set(names)) != len(names):
        raise ValueError(f"{file} has a query without a name, or two with the same")
    return {name: body.strip().encode() for name, body in zip(names, bodies, strict=True)}
