"""Money: a whole number of minor units in one currency. Never a float, never rounded.

Which currencies there are today comes from ISO 4217 through the ``iso4217`` package, which follows
the standard's maintenance agency; only new money is held against it. Decimals come from
``currencies``, so that money in a currency that was withdrawn since is read as it was written.
"""

from __future__ import annotations

import re
from functools import cache

import iso4217

from groat.kernel.currencies import DECIMALS
from groat.kernel.errors import InvalidRequest
from groat.kernel.value import Value

MAX_AMOUNT = 2**53 - 1
"""The largest amount, in minor units: the largest integer that every JSON reader keeps exact."""

_DECIMAL = re.compile(r"(-?)([0-9]{1,16})(?:\.([0-9]{1,4}))?", re.ASCII)


@cache
def exponent(currency: str) -> int:
    """Return how many decimals ``currency`` has, or had: 2 for EUR, 0 for JPY, 3 for BHD.

    Raises:
        InvalidRequest: ``unknown_currency``, also for codes that no one pays in, such as gold.
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
    """Refuse new money in a currency that ISO 4217 does not have today.

    Raises:
        InvalidRequest: ``unknown_currency``.
    """
    exponent(currency)
    if _current_exponent(currency) is None:
        raise InvalidRequest(
            "unknown_currency",
            f"{currency} was withdrawn from ISO 4217. What was taken in it can be refunded and "
            "moved; nothing new can be taken.",
        )


def _current_exponent(currency: str) -> int | None:
    """Return how many decimals ``currency`` has today, None if nobody pays in it."""
    try:
        decimals = iso4217.Currency(currency).exponent
    except ValueError:
        return None
    return None if decimals is None else int(decimals)


class Money(Value):
    """``amount`` minor units of ``currency``; negative amounts are allowed.

    The currency may be one that was withdrawn: see ``require_current`` for new money.

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
