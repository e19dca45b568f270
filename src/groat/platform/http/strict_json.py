"""A strict JSON parser for request bodies: it reads a body exactly or refuses it with a reason.

It refuses duplicate names, numbers that are not finite, nesting deeper than ``MAX_DEPTH``, and text
that is not UTF-8 or that PostgreSQL cannot store (NUL, lone surrogates). It also refuses values
that look like a card number: Groat is not a gateway and must never store one.
"""

from __future__ import annotations

import json
import math
import re
from typing import TypeAlias

from groat.kernel.errors import BadRequest, InvalidRequest
from groat.platform.http.card_numbers import refuse_card_number

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

MAX_DEPTH = 32

_LEAST_CARD_NUMBER, _GREATEST_CARD_NUMBER = 10**12, 10**19
"""Bounds of JSON numbers that are checked as card numbers. A number of 12 digits is an amount, such
as 670,000,000,000 dong; few card numbers have 12 digits."""

_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")


def read_json(body: bytes) -> Json:
    """Return the JSON value in ``body``.

    Raises:
        BadRequest: ``invalid_json``; the message names the reason or the position.
        InvalidRequest: ``unstorable_text`` or ``pan_detected``; the message does not repeat the
            text.
    """
    try:
        value: Json = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:  # also UnicodeDecodeError, and numbers of thousands of digits
        raise BadRequest("invalid_json", f"The body is not JSON in UTF-8: {_why(error)}.") from None
    _inspect(value, depth=0)
    return value


def _why(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has two members of the same name")
    return found


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large to be stored")
    return value


def _inspect(value: Json, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _too_deep()
    match value:
        case dict():
            for name, member in value.items():
                _inspect_text(name)
                _inspect(member, depth + 1)
        case list():
            for member in value:
                _inspect(member, depth + 1)
        case str():
            _inspect_text(value)
        case bool() | None:
            pass
        case int() | float():
            _inspect_number(value)


def _inspect_number(value: int | float) -> None:  # noqa: PYI041 - a float is told apart below
    if _LEAST_CARD_NUMBER <= abs(value) <= _GREATEST_CARD_NUMBER:
        refuse_card_number(str(value) if isinstance(value, int) else format(value, ".0f"))


def _inspect_text(text: str) -> None:
    if _UNKEEPABLE.search(text):
        raise InvalidRequest(
            "unstorable_text", "A text contains a NUL or a lone surrogate; remove it."
        )
    refuse_card_number(text)


def _too_deep() -> BadRequest:
    return BadRequest("invalid_json", f"The body is nested deeper than {MAX_DEPTH} levels.")
