"""Money: a whole number of minor units in one currency. Never a float, never rounded.

The ``iso4217`` package lists the currencies of today; it follows the standard's maintenance agency.
Only new money must be in one of them. Decimals come from ``currencies``, which keeps withdrawn
currencies, so that stored money in a withdrawn currency still reads as it was written.
"""

from __future__ import annotations

import re
from functools import cache

import iso4217

from groat.kernel.currencies import DECIMALS
from groat.kernel.errors import InvalidRequest
from groat.kernel.value import Value

MAX_AMOUNT = 2**53 - 1
"""Largest amount, in minor units: the largest integer that every JSON reader reads exactly."""

_DECIMAL = re.compile(r"(-?)([0-9]{1,16})(?:\.([0-9]{1,4}))?", re.ASCII)


@cache
def exponent(currency: str) -> int:
    """Return the number of decimals of ``currency``, also of a withdrawn one.

    It is 2 for EUR, 0 for JPY and 3 for BHD.

    Raises:
        InvalidRequest: ``unknown_currency``, also for codes without decimals, such as XAU (gold).
    """
    decimals = DECIMALS.get(currency)
    if decimals is None:
        decimals = _current_exponent(currency)
    if decimals is None:
        raise InvalidRequest(
            "unknown_currency",
            f"{currency[:16]!a} is not the ISO 4217 code of a currency, in capitals.",
        )
    return decimals


@cache
def require_current(currency: str) -> None:
    """Refuse new money in a currency that ISO 4217 does not list today.

    Raises:
        InvalidRequest: ``unknown_currency``.
    """
    exponent(currency)
    if _current_exponent(currency) is None:
        raise InvalidRequest(
            "unknown_currency",
            f"{currency} was withdrawn from ISO 4217. Existing money in it can be refunded and "
            "moved; a new payment needs a current currency.",
        )


def _current_exponent(currency: str) -> int | None:
    """Return the decimals of ``currency`` in today's ISO 4217, or None if it lists no decimals."""
    try:
        decimals = iso4217.Currency(currency).exponent
    except ValueError:
        return None
    return None if decimals is None else int(decimals)


class Money(Value):
    """``amount`` minor units of ``currency``; negative amounts are allowed.

    The currency may be a withdrawn one. For new money, call ``require_current`` as well.

    Raises:
        InvalidRequest: ``unknown_currency``, or ``amount_too_large`` beyond ``MAX_AMOUNT``.
    """

    amount: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)
        if abs(self.amount) > MAX_AMOUNT:
            raise InvalidRequest(
                "amount_too_large", f"An amount is at most {MAX_AMOUNT} minor units."
            )

    def __str__(self) -> str:
        return f"{self.decimal()} {self.currency}"

    def decimal(self) -> str:
        """Return the amount with all decimals of its currency, such as ``10.50``."""
        sign, digits = "-" if self.amount < 0 else "", str(abs(self.amount))
        places = exponent(self.currency)
        if places == 0:
            return sign + digits
        digits = digits.zfill(places + 1)
        return f"{sign}{digits[:-places]}.{digits[-places:]}"

    @classmethod
    def from_decimal(cls, text: str, currency: str) -> Money:
        """Return the money with exactly the amount in ``text``, such as ``10.50`` or ``10``.

        Raises:
            InvalidRequest: ``invalid_amount`` if ``text`` is not a plain decimal or has more
                decimals than the currency; also the errors that ``Money`` raises.
        """
        places = exponent(currency)
        match = _DECIMAL.fullmatch(text)
        fraction = (match[3] or "") if match else ""
        if match is None or len(fraction) > places:
            raise InvalidRequest(
                "invalid_amount",
                f"{text[:32]!a} is not an amount of {currency}, which has {places} decimals.",
            )
        return cls(int(match[1] + match[2] + fraction.ljust(places, "0")), currency)
