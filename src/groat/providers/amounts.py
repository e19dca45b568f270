"""Amounts as a provider writes them, where that is not how ISO 4217 has them."""

from __future__ import annotations

from groat.kernel.errors import InvalidRequest
from groat.kernel.money import Money, exponent


def to_units(money: Money, decimals: int) -> int:
    """Return ``money`` in units of which ``10**decimals`` make one of the currency.

    Raises:
        InvalidRequest: ``amount_not_supported``; it cannot be said exactly in such units.
    """
    shift = decimals - exponent(money.currency)
    units, rest = _shifted(money.amount, shift)
    if rest:
        raise InvalidRequest(
            "amount_not_supported",
            f"The provider takes {money.currency} with {decimals} decimals; {money} has more.",
        )
    return units


def from_units(units: int, currency: str, decimals: int) -> Money:
    """Return the money that ``units`` of a provider's say: the inverse of ``to_units``.

    Raises:
        InvalidRequest: ``amount_not_supported``; the currency has no such fraction.
    """
    shift = exponent(currency) - decimals
    amount, rest = _shifted(units, shift)
    if rest:
        raise InvalidRequest(
            "amount_not_supported", f"{units} in {decimals} decimals is no amount of {currency}."
        )
    return Money(amount, currency)


def _shifted(amount: int, decimals: int) -> tuple[int, int]:
    """Return ``amount`` with its point moved by ``decimals``, and what cannot be said so."""
    if decimals >= 0:
        return amount * int(10**decimals), 0
    return divmod(amount, int(10**-decimals))
