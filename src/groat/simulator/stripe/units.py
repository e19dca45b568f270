"""Stripe's units of money, which differ from ISO 4217's minor units in a few currencies."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from groat.kernel.money import Money, exponent

_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Stripe's decimals where they differ from ISO 4217. Source: Stripe, "Supported currencies"."""

_PAYOUT_STEPS = {"HUF": 100, "TWD": 100, "ISK": 100, "UGX": 100}
"""Units of which the amount of a payout is a multiple. Source: Stripe, "Supported currencies"."""


def smallest_step(currency: str) -> int:
    """Return the number of Stripe's units in one minor unit of ``currency``, given in capitals."""
    return int(10 ** max(0, decimals(currency) - exponent(currency)))


def payout_step(currency: str) -> int:
    """Return the number of units of which a payout in ``currency`` is a multiple."""
    return _PAYOUT_STEPS.get(currency, 1)


def decimals(currency: str) -> int:
    """Return the number of decimals of ``currency``, given in capitals, in Stripe's units."""
    return _DECIMALS.get(currency, exponent(currency))


def as_money(amount: int, currency: str) -> Money:
    """Return ``amount``, in Stripe's units of ``currency``, as money."""
    code = currency.upper()
    minor_units = 10 ** max(0, exponent(code) - decimals(code))
    return Money(amount * minor_units // smallest_step(code), code)


def major_units(amount: int, currency: str) -> str:
    """Return ``amount`` as Stripe's reports show it: in major units, such as ``-10.50``."""
    places = decimals(currency.upper())
    return f"{Decimal(amount).scaleb(-places):.{places}f}"


def converted(amount: int, rate: Decimal, target: str) -> int:
    """Return ``amount`` units times ``rate``, rounded to the smallest step of ``target``."""
    step = smallest_step(target.upper())
    return step * int((amount * rate / step).quantize(Decimal(1), ROUND_HALF_EVEN))
