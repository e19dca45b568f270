"""JSON from strangers: read exactly, or refused with a reason.

Refused are duplicate names, numbers that are not finite, nesting over ``MAX_DEPTH``, text that is
not UTF-8 or that PostgreSQL cannot keep (NUL, lone surrogates), and anything that looks like a card
number: Groat is not a gateway and must never hold one.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from typing import TypeAlias

from groat.kernel.errors import BadRequest, InvalidRequest

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

MAX_DEPTH = 32

_LEAST_CARD_NUMBER, _GREATEST_CARD_NUMBER = 10**11, 10**19

_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")
_CARD_NUMBER = re.compile(r"(?<![0-9])(?:[0-9][ \-.]?){12,18}[0-9](?![0-9])")
_PRINTED = re.compile(
    r"(?<![0-9])(?=([0-9]{13,19}"
    r"|[0-9]{4}([ \-.])[0-9]{4}\2[0-9]{4}\2[0-9]{4}"
    r"|[0-9]{4}([ \-.])[0-9]{6}\3[0-9]{4,5})(?![0-9]))"
)
"""A card number as cards show it, also where more digits follow, such as an expiry date."""

_ISSUER = re.compile(r"4|5[1-5]|2[2-7]|3[47]|3(?:0[0-5]|[689])|6(?:011|4|5)|35|62")
"""First digits of Visa, Mastercard, American Express, Diners, Discover, JCB and UnionPay."""

_WITHOUT_SEPARATORS = str.maketrans("", "", " -.")
_PLAIN = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))
"""Tables, because a body of nothing but such numbers has some 200,000 to check."""


def read_json(body: bytes) -> Json:
    """Return the JSON value that ``body`` holds.

    Raises:
        BadRequest: ``invalid_json``; the message says where.
        InvalidRequest: ``unstorable_text`` or ``pan_detected``; the text itself is not repeated.
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
        raise ValueError("an object has two members of one name")
    return found


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is larger than any that can be kept")
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


def looks_like_card_number(text: str) -> bool:
    """Tell whether there is something in ``text`` that could be a card number."""
    return any(map(_is_card_number, _card_like(text)))


def refuse_card_number(text: str) -> None:
    """Return if ``text`` does not look like a card number.

    Raises:
        InvalidRequest: ``pan_detected``; the text itself is not repeated.
    """
    if looks_like_card_number(text):
        raise InvalidRequest(
            "pan_detected",
            "A value looks like a card number. Groat never takes one; send the provider's token.",
        )


def _inspect_number(value: int | float) -> None:  # noqa: PYI041 - a float is told apart below
    if _LEAST_CARD_NUMBER <= abs(value) <= _GREATEST_CARD_NUMBER:
        refuse_card_number(str(value) if isinstance(value, int) else format(value, ".0f"))


def _inspect_text(text: str) -> None:
    if _UNKEEPABLE.search(text):
        raise InvalidRequest("unstorable_text", "A text has a NUL or half a surrogate pair in it.")
    refuse_card_number(text)


def _card_like(text: str) -> Iterator[str]:
    """Yield what has the shape of a card number; compatibility forms of digits count as digits."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    yield from (match[0] for match in _CARD_NUMBER.finditer(plain))
    yield from (match[1] for match in _PRINTED.finditer(plain))


def _is_card_number(text: str) -> bool:
    digits = text.translate(_WITHOUT_SEPARATORS)
    return _ISSUER.match(digits) is not None and _passes_luhn(digits.encode())


def _passes_luhn(digits: bytes) -> bool:
    """Tell whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    plain, doubled = digits[-1::-2].translate(_PLAIN), digits[-2::-2].translate(_DOUBLED)
    return (sum(plain) + sum(doubled)) % 10 == 0


def _too_deep() -> BadRequest:
    return BadRequest("invalid_json", f"The body is nested deeper than {MAX_DEPTH} levels.")
