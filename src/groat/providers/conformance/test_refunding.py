"""Refunding: a capture is refunded in full or in parts."""

from __future__ import annotations

import pytest

from groat.kernel.money import Money
from groat.providers.conformance.shop import AMOUNT, Shop, only, reports
from groat.providers.domain.facts import Refunded, RefundFailed

pytestmark = pytest.mark.asyncio(loop_scope="session")

PART, REST = Money(400, "EUR"), Money(650, "EUR")


@pytest.mark.parametrize("amount", [AMOUNT, PART], ids=["whole", "part"])
async def test_payment_is_refunded(shop: Shop, amount: Money) -> None:
    """The fact carries the refunded amount, which the ledger posts."""
    request = (await shop.pay()).refund(amount)
    assert only(Refunded, await shop.perform(request)).amount == amount
    assert await shop.refunds(request.refund_id) == [amount]


async def test_reports_name_the_refund(shop: Shop) -> None:
    """A payment may have many refunds. The engine applies a fact to the refund that it names."""
    request = (await shop.pay()).refund()
    for report in reports(await shop.perform(request)):
        assert (report.payment_id, report.refund_id) == (request.payment_id, request.refund_id)
        assert report.capture_reference == request.capture_reference


async def test_payment_is_refunded_in_parts(shop: Shop) -> None:
    """Each refund is an effect of its own, with a reference of its own."""
    paid = await shop.pay()
    requests = [paid.refund(PART), paid.refund(REST)]
    facts = [only(Refunded, await shop.perform(request)) for request in requests]
    assert [fact.amount for fact in facts] == [PART, REST]
    assert len({fact.reference for fact in facts} | {paid.captured.reference}) == 3
    assert [await shop.refunds(request.refund_id) for request in requests] == [[PART], [REST]]


async def test_refund_above_the_capture_fails(shop: Shop) -> None:
    """The report names the refund, so the engine can release the amount reserved for it."""
    paid = await shop.pay()
    only(Refunded, await shop.perform(paid.refund(PART)))
    request = paid.refund()
    reply = await shop.perform(request)
    only(RefundFailed, reply)
    assert [report.refund_id for report in reports(reply)] == [request.refund_id]
    assert await shop.refunds(request.refund_id) == []
