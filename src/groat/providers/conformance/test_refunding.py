"""What was captured is given back, whole or in parts."""

from __future__ import annotations

import pytest

from groat.kernel.money import Money
from groat.providers.conformance.shop import AMOUNT, Shop, only, reports
from groat.providers.domain.facts import Refunded, RefundFailed

pytestmark = pytest.mark.asyncio(loop_scope="session")

PART, REST = Money(400, "EUR"), Money(650, "EUR")


@pytest.mark.parametrize("amount", [AMOUNT, PART], ids=["whole", "part"])
async def test_a_payment_is_refunded(shop: Shop, amount: Money) -> None:
    """The fact carries what was given back, which is what the ledger posts."""
    request = (await shop.pay()).refund(amount)
    assert only(Refunded, await shop.provider.refund(request)).amount == amount
    assert await shop.refunds(request.refund_id) == [amount]


async def test_what_is_reported_is_about_our_refund(shop: Shop) -> None:
    """A payment has many refunds; the fact is applied to the one that it names."""
    request = (await shop.pay()).refund()
    for one in reports(await shop.provider.refund(request)):
        assert (one.payment_id, one.refund_id) == (request.payment_id, request.refund_id)
        assert one.capture_reference == request.capture_reference


async def test_a_payment_is_refunded_in_parts(shop: Shop) -> None:
    """Each refund is an effect of its own, with a reference of its own."""
    paid = await shop.pay()
    requests = [paid.refund(PART), paid.refund(REST)]
    facts = [only(Refunded, await shop.provider.refund(one)) for one in requests]
    assert [fact.amount for fact in facts] == [PART, REST]
    assert len({fact.reference for fact in facts} | {paid.captured.reference}) == 3
    assert [await shop.refunds(one.refund_id) for one in requests] == [[PART], [REST]]


async def test_no_more_is_refunded_than_was_captured(shop: Shop) -> None:
    """A definite no, about our refund: what was set aside for it is free again."""
    paid = await shop.pay()
    only(Refunded, await shop.provider.refund(paid.refund(PART)))
    request = paid.refund()
    reply = await shop.provider.refund(request)
    only(RefundFailed, reply)
    assert [one.refund_id for one in reports(reply)] == [request.refund_id]
    assert await shop.refunds(request.refund_id) == []
