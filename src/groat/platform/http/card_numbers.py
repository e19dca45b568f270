"""Finds card numbers in requests, to refuse them: Groat must never store a card number.

A card number has the first digits and a length of an issuer, and a correct check digit (ISO/IEC
7812-1). The search covers any separator, digits of any script, invisible characters between
digits, and a verification code at the end. Its time is linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from groat.kernel.errors import InvalidRequest

LEAST_DIGITS: Final = 12
MOST_DIGITS: Final = 19

_ISSUERS: Final = (
    (range(4000, 5000), (13, 16, 19)),  # Visa
    (chain(range(5100, 5600), range(2221, 2721)), (16,)),  # Mastercard
    (range(2200, 2205), (16,)),  # Mir
    (chain(range(3400, 3500), range(3700, 3800)), (15,)),  # American Express
    (chain(range(3000, 3060), (3095,), range(3600, 3700), range(3800, 4000)), (14,)),  # Diners Club
    (chain((6011,), range(6440, 6600)), (16, 19)),  # Discover
    (range(3500, 3600), (16, 19)),  # JCB
    (range(6200, 6300), (16, 17, 18, 19)),  # UnionPay
    (
        chain(range(5000, 5100), range(5600, 5900), (6304, 6390), range(6700, 6800)),
        range(LEAST_DIGITS, MOST_DIGITS + 1),
    ),  # Maestro
)
_LENGTHS: Final = {str(prefix): lengths for prefixes, lengths in _ISSUERS for prefix in prefixes}
"""Lengths of card numbers by their first four digits."""

_CODES: Final = frozenset({3, 4, 7, 8})
"""Numbers of digits that may follow a card number: a verification code, an expiry date, or both."""

_PRINTED_GROUP: Final = 3
"""Minimum digits of each printed group but the last. Cards show 4-4-4-4, 4-6-5 or 8-8."""

_CARDS_FIRST_GROUP: Final = 4
_LEAST_WITH_CODE: Final = 14
"""Minimum digits of a card number before a code. Visa no longer issues numbers of 13 digits, and
with a code of 3 digits they look like numbers of 16."""

_SEPARATOR: Final = r"[\s\-._/\\|*'`~]"
_ENOUGH: Final = re.compile(rf"[0-9](?:{_SEPARATOR}{{0,5}}[0-9]){{{LEAST_DIGITS - 1}}}", re.ASCII)
_RUN: Final = re.compile(rf"[0-9]+(?:{_SEPARATOR}{{1,5}}[0-9]+)*", re.ASCII)
_GROUP: Final = re.compile(r"[0-9]+", re.ASCII)

_OPAQUE: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"  # RFC 9562
    r"|[a-z]{2,4}_[0-7][0-9a-hjkmnp-tv-z]{25}"  # Groat's ids
    r"|(?=[0-9a-f]*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})"
    r")(?![0-9A-Za-z])",
    re.IGNORECASE,
)
"""UUIDs, digests and Groat's ids. A random one can look like a card number by chance."""

_PLAIN: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))
"""Tables make the check fast: a body full of card-like numbers has some 100,000 to check."""


def refuse_card_number(text: str) -> None:
    """Return if ``text`` contains nothing that looks like a card number.

    Raises:
        InvalidRequest: ``pan_detected``; the message does not repeat the text.
    """
    if looks_like_card_number(text):
        raise InvalidRequest(
            "pan_detected",
            "A value looks like a card number. Groat refuses these; send the provider's token.",
        )


def looks_like_card_number(text: str) -> bool:
    """Tell whether a part of ``text`` could be a card number."""
    if len(text) < LEAST_DIGITS:
        return False
    plain = text if text.isascii() else text.translate(_PLAIN_FORMS)
    if not _ENOUGH.search(plain) or not _has_card_number(plain):
        return False
    return _has_card_number(_OPAQUE.sub("x", plain))


def _has_card_number(plain: str) -> bool:
    return any(
        _is_card_number(digits)
        for run in _RUN.finditer(plain)
        for digits in _candidates(_GROUP.findall(run[0]))
    )


def _candidates(groups: Sequence[str]) -> Iterator[str]:
    """Yield the digits of each sequence of groups that could be the groups of a card number."""
    for first, group in enumerate(groups):
        if len(group) >= LEAST_DIGITS:
            yield from _with_and_without_code(group, "")
        if len(group) >= _PRINTED_GROUP:
            yield from _printed(groups, first)
    if len({len(group) for group in groups[:-1]}) == 1:  # such as 1 2 3 4 ..., or 12 34 ...
        yield "".join(groups[: MOST_DIGITS + 1])


def _printed(groups: Sequence[str], first: int) -> Iterator[str]:
    """Yield the digits from the group ``first`` on, if the groups are like those on cards."""
    digits = groups[first]
    for group in groups[first + 1 : first + MOST_DIGITS // _PRINTED_GROUP + 1]:
        if len(digits) > MOST_DIGITS:
            return
        before, digits = digits, digits + group
        if len(digits) > LEAST_DIGITS:
            yield digits
        if len(groups[first]) == _CARDS_FIRST_GROUP:
            yield from _with_and_without_code(group, before)
        if len(group) < _PRINTED_GROUP:
            return


def _with_and_without_code(group: str, before: str) -> Iterator[str]:
    """Yield the digits up to the end of ``group``, and those without a code at its end."""
    yield before + group
    for code in _CODES:
        if len(group) > code and len(before) + len(group) - code >= _LEAST_WITH_CODE:
            yield before + group[:-code]


def _is_card_number(digits: str) -> bool:
    return len(digits) in _LENGTHS.get(digits[:4], ()) and _passes_luhn(digits.encode())


def _passes_luhn(digits: bytes) -> bool:
    """Tell whether the check digit is correct (ISO/IEC 7812-1, annex B)."""
    plain, doubled = digits[-1::-2].translate(_PLAIN), digits[-2::-2].translate(_DOUBLED)
    return (sum(plain) + sum(doubled)) % 10 == 0


class _PlainForms(dict[int, str]):
    """Translates a character beyond ASCII to the digit, letter or separator that it represents.

    It translates each character by itself. Normalizing a whole text takes quadratic time if the
    text has many combining marks in a row.
    """

    def __missing__(self, code: int) -> str:
        plain = _plain_form(chr(code))
        if len(self) < _MOST_REMEMBERED:
            self[code] = plain
        return plain


def _plain_form(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.category(character) in _INVISIBLE:
        return ""
    form = "".join(_ascii_form(part) for part in unicodedata.normalize("NFKC", character))
    return form if len(form) == 1 or _GROUP.search(form) else "x"


def _ascii_form(character: str) -> str:
    if character.isascii():
        return character
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return "x" if unicodedata.category(character)[0] in "LNM" else " "


_MOST_REMEMBERED: Final = 4096
_INVISIBLE: Final = frozenset({"Cf", "Mn", "Me"})
_PLAIN_FORMS: Final = _PlainForms()
