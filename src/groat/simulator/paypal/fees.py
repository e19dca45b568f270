"""PayPal's fees, and the conversion of payments in other currencies."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from groat.kernel.money import Money, exponent

_FEE_BASIS_POINTS = 249
_FEE_FIXED = 35


def fee_on(gross: Money) -> Money:
    """Return the fee on a capture.

    It is 2.49 percent, rounded down, plus 35 minor units, and at most the gross amount.
    """
    fee = min(gross.amount, gross.amount * _FEE_BASIS_POINTS // 10_000 + _FEE_FIXED)
    return Money(fee, gross.currency)


def share_of_fee(gross: Money, part: Money) -> Money:
    """Return the share of the fee on ``gross`` that belongs to a refunded ``part`` of it."""
    return Money(fee_on(gross).amount * part.amount // gross.amount, gross.currency)


def exchanged(money: Money, rate: Decimal, currency: str) -> Money:
    """Return ``money`` times ``rate`` in another currency, rounded to its minor unit."""
    scale = Decimal(10) ** (exponent(currency) - exponent(money.currency))
    amount = (money.amount * rate * scale).quantize(Decimal(1), ROUND_HALF_EVEN)
    return Money(int(amount), currency)


def negative(money: Money) -> Money:
    """Return the amount that leaves the balance when ``money`` does."""
    return Money(-money.amount, money.currency)
