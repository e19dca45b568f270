"""Money: a whole number of minor units in one currency. Never a float, never rounded.

The number of decimals comes from ISO 4217 through the ``iso4217`` package, which follows the
standard's maintenance agency.
"""

from __future__ import annotations

import re
from functools import cache

import iso4217

from groat.kernel.errors import InvalidRequest
from groat.kernel.value import Value

MAX_AMOUNT = 2**53 - 1
"""The largest amount, in minor units: the largest integer that every JSON reader keeps exact."""

_DECIMAL = re.compile(r"(-?)([0-9]{1,16})(?:\.([0-9]{1,4}))?", re.ASCII)


@cache
def exponent(currency: str) -> int:
    """Return how many decimals ``currency`` has: 2 for EUR, 0 for JPY, 3 for BHD.

    Raises:
        InvalidRequest: ``unknown_currency``, also for codes that no one pays in, such as gold.
    """
    try:
        decimals = iso4217.Currency(currency).exponent
    except ValueError:
        decimals = None
    if decimals is None:
        raise InvalidRequest(
            "unknown_currency",
            f"{currency[:16]!a} is not the ISO 4217 code of a currency, in capitals.",
        )
    return int(decimals)


class Money(Value):
    """``amount`` minor units of ``currency``; negative amounts are allowed.

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
        """Return the amount as a decimal string with all of the currency's decimals: ``10.50``."""
        sign, digits = "-" if self.amount < 0 else "", str(abs(self.amount))
        places = exponent(self.currency)
        if places == 0:
            return sign + digits
        digits = digits.zfill(places + 1)
        return f"{sign}{digits[:-places]}.{digits[-places:]}"

    @classmethod
    def from_decimal(cls, text: str, currency: str) -> Money:
        """Return the money that ``text`` says exactly, such as ``10.50`` or ``10``.

        Raises:
            InvalidRequest: ``invalid_amount`` where ``text`` is not a plain decimal or has more
                decimals than the currency; besides what ``Money`` itself raises.
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
