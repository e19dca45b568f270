"""Convert amounts to Stripe's units and back. Pure. Source: docs.stripe.com/currencies."""

from __future__ import annotations

from groat.kernel.money import Money, exponent
from groat.providers.amounts import from_units, to_units

_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Decimals of currencies for which Stripe differs from ISO 4217.

Source: docs.stripe.com/currencies, "Special cases".
"""


def stripe_units(money: Money) -> int:
    """Return the amount of ``money`` in Stripe's minor units.

    Raises:
        InvalidRequest: ``amount_not_supported``; Stripe's units cannot express it exactly.
    """
    return to_units(money, _decimals(money.currency))


def stripe_money(units: int, currency: str) -> Money:
    """Return an amount in Stripe's minor units as money. Stripe's currencies are in lower case.

    Raises:
        InvalidRequest: ``amount_not_supported``; the amount is no whole number of minor units.
    """
    code = currency.upper()
    return from_units(units, code, _decimals(code))


def _decimals(currency: str) -> int:
    return _DECIMALS.get(currency, exponent(currency))
