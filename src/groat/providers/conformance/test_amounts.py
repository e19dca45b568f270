"""Amounts in currencies that have not two decimals, or not at every provider."""

from __future__ import annotations

import pytest

from groat.kernel.money import Money
from groat.providers.conformance.shop import Shop, found, only
from groat.providers.domain.facts import Captured, Declined, Refunded, RefundFailed

pytestmark = pytest.mark.asyncio(loop_scope="session")

AMOUNTS = [
    *(Money(1050, currency) for currency in ("USD", "JPY", "KRW", "HUF", "ISK", "TWD", "UGX")),
    *(Money(amount, currency) for currency in ("BHD", "KWD", "TND") for amount in (1050, 1055)),
    *(Money(100_000, currency) for currency in ("HUF", "ISK", "MGA", "TWD")),
]


@pytest.mark.parametrize("amount", AMOUNTS, ids=str)
async def test_an_amount_is_taken_exactly_or_not_at_all(shop: Shop, amount: Money) -> None:
    """A point in the wrong place takes a hundred times too much; a refusal takes nothing."""
    request = shop.order(amount=amount)
    reply = await shop.provider.authorize(request)
    if found(Captured, reply):
        assert only(Captured, reply).amount == amount
        assert await shop.charges(request.payment_id) == [amount]
    else:
        only(Declined, reply)
        assert await shop.charges(request.payment_id) == []


@pytest.mark.parametrize("currency", ["JPY", "KWD", "HUF"])
async def test_an_amount_is_given_back_exactly_or_not_at_all(shop: Shop, currency: str) -> None:
    """A refund writes its amount as a payment does, and may do so elsewhere in the adapter."""
    if not found(Captured, await shop.provider.authorize(shop.order(amount=Money(1000, currency)))):
        pytest.skip(f"the provider takes no {currency}")
    paid, amount = await shop.pay(Money(1000, currency)), Money(300, currency)
    request = paid.refund(amount)
    reply = await shop.provider.refund(request)
    if found(Refunded, reply):
        assert only(Refunded, reply).amount == amount
        assert await shop.refunds(request.refund_id) == [amount]
    else:
        only(RefundFailed, reply)
        assert await shop.refunds(request.refund_id) == []
