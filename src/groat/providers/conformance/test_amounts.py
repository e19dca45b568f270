"""Amounts in currencies without two decimals, or with other decimals at some providers."""

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
async def test_amount_is_captured_exactly_or_declined(shop: Shop, amount: Money) -> None:
    """A misplaced decimal point captures a hundred times too much. A decline captures nothing."""
    request = shop.order(amount=amount)
    reply = await shop.perform(request)
    if found(Captured, reply):
        assert only(Captured, reply).amount == amount
        assert await shop.charges(request.payment_id) == [amount]
    else:
        only(Declined, reply)
        assert await shop.charges(request.payment_id) == []


@pytest.mark.parametrize("currency", ["JPY", "KWD", "HUF"])
async def test_amount_is_refunded_exactly_or_refused(shop: Shop, currency: str) -> None:
    """An adapter may convert the amounts of refunds in other code than those of payments."""
    if not found(Captured, await shop.perform(shop.order(amount=Money(1000, currency)))):
        pytest.skip(f"the provider does not support {currency}")
    paid, amount = await shop.pay(Money(1000, currency)), Money(300, currency)
    request = paid.refund(amount)
    reply = await shop.perform(request)
    if found(Refunded, reply):
        assert only(Refunded, reply).amount == amount
        assert await shop.refunds(request.refund_id) == [amount]
    else:
        only(RefundFailed, reply)
        assert await shop.refunds(request.refund_id) == []
