"""Convert amounts for providers whose decimals of a currency differ from those of ISO 4217."""

from __future__ import annotations

import re
from functools import lru_cache

from groat.kernel.errors import InvalidRequest
from groat.kernel.money import MAX_AMOUNT, Money, exponent

_MAJOR = re.compile(r"(-?)([0-9]{1,16})(?:\.([0-9]{1,6}))?", re.ASCII)


def to_units(money: Money, decimals: int) -> int:
    """Convert ``money`` to the provider's units. ``10**decimals`` units make one of the currency.

    For example, 10.50 HUF cannot be converted with ``decimals=0``: the provider takes whole
    forints only.

    Raises:
        InvalidRequest: ``amount_not_supported``; the amount is no whole number of such units.
    """
    shift = decimals - exponent(money.currency)
    units, rest = _shifted(money.amount, shift)
    if rest:
        raise InvalidRequest(
            "amount_not_supported",
            f"The provider takes {money.currency} with {decimals} decimals; {money} has more. "
            "Round the amount.",
        )
    return units


def from_units(units: int, currency: str, decimals: int) -> Money:
    """Convert a provider's units to money. This is the inverse of ``to_units``.

    Raises:
        InvalidRequest: ``amount_not_supported``; the amount is no whole number of minor units.
    """
    shift = exponent(currency) - decimals
    amount, rest = _shifted(units, shift)
    if rest:
        raise InvalidRequest(
            "amount_not_supported",
            f"{units} with {decimals} decimals is no whole number of minor units of {currency}.",
        )
    return Money(amount, currency)


@lru_cache(maxsize=1 << 16)
def from_major(text: str, currency: str) -> int:
    """Return the minor units of an amount in major units, such as ``10.50``, with its sign.

    Reports write currencies without decimals as ``100.00`` or ``100``, so zeros after the
    currency's decimals are accepted. Other digits there are refused. Amounts recur in a report, so
    they are remembered.

    Raises:
        InvalidRequest: ``invalid_amount``, ``amount_too_large`` or ``unknown_currency``.
    """
    places = exponent(currency)
    match = _MAJOR.fullmatch(text)
    if match is None:
        raise _not_an_amount(text, currency)
    sign, whole, fraction = match.groups("")
    if len(fraction) > places:
        if fraction[places:].strip("0"):
            raise _not_an_amount(text, currency)
        fraction = fraction[:places]
    amount = int(whole + fraction.ljust(places, "0"))
    if amount > MAX_AMOUNT:
        raise InvalidRequest("amount_too_large", f"An amount is at most {MAX_AMOUNT} minor units.")
    return -amount if sign else amount


def _not_an_amount(text: str, currency: str) -> InvalidRequest:
    return InvalidRequest("invalid_amount", f"{text[:32]!a} is not an amount of {currency}.")


def _shifted(amount: int, decimals: int) -> tuple[int, int]:
    """Move the decimal point of ``amount`` by ``decimals`` places; return the result and the rest.

    The rest is 0 if the result is exact.
    """
    if decimals >= 0:
        return amount * int(10**decimals), 0
    return divmod(amount, int(10**-decimals))
