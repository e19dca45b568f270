"""Convert amounts for providers whose decimals of a currency differ from those of ISO 4217."""

from __future__ import annotations

from groat.kernel.errors import InvalidRequest
from groat.kernel.money import Money, exponent


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


def _shifted(amount: int, decimals: int) -> tuple[int, int]:
    """Move the decimal point of ``amount`` by ``decimals`` places; return the result and the rest.

    The rest is 0 if the result is exact.
    """
    if decimals >= 0:
        return amount * int(10**decimals), 0
    return divmod(amount, int(10**-decimals))
