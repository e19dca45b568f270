from __future__ import annotations

import httpx

from groat.kernel import ids
from groat.kernel.ids import RefundId
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.providers.domain.facts import Refunded, RefundFailed, RefundReversed, Report
from groat.providers.domain.failures import FailureCode
from groat.providers.port import Answered
from groat.providers.stripe.adapter import StripeProvider
from tests.providers.stripe.shop import AMOUNT, books, facts, keys, order, pull, refund_of


async def test_refunds_add_up_to_the_charge(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    part = await refund_of(shop, order(), Money(50, "EUR"))
    rest = replace(
        part, refund_id=RefundId(ids.uuid7()), amount=Money(1000, "EUR"), idempotency_key="rest"
    )
    replies = [await shop.operations.refund(part), await shop.operations.refund(rest)]
    entries = (await books(control))["refunds"]
    assert [entry["amount"] for entry in entries] == [50, 1000]
    for request, reply, entry in zip((part, rest), replies, entries, strict=True):
        fact = Refunded(entry["id"], request.amount)
        said = Report(
            request.payment_id,
            request.provider_reference,
            fact,
            request.refund_id,
            request.capture_reference,
        )
        assert isinstance(reply, Answered)
        (report,) = reply.reports
        (moved,) = report.movements
        assert replace(report, movements=()) == said
        assert (moved.gross, moved.source) == (-request.amount.amount, entry["id"])
        assert moved.parent == request.capture_reference
        assert await shop.lookups.fetch(request) == reply
        assert entry["reference"] == ids.render("refund", request.refund_id)
        assert request.idempotency_key in await keys(control)


async def test_refunds_cannot_exceed_the_charge(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    refund = await refund_of(shop, order(), Money(1051, "EUR"))
    reply = await shop.operations.refund(refund)
    assert facts(reply) == [RefundFailed(FailureCode.REJECTED_BY_PROVIDER)]
    assert isinstance(reply, Answered)
    (report,) = reply.reports
    assert (report.payment_id, report.refund_id) == (refund.payment_id, refund.refund_id)
    assert report.capture_reference == refund.capture_reference
    assert (await books(control))["refunds"] == []
    assert await shop.lookups.fetch(refund) == Answered(())


async def test_a_pending_refund_succeeds_later(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    refund = await refund_of(shop, order("pm_card_pendingRefund"))
    assert await shop.operations.refund(refund) == Answered(())
    await pull(control, "refund_succeeds", refund.provider_reference)
    (fact,) = facts(await shop.lookups.fetch(refund))
    assert isinstance(fact, Refunded)
    assert fact.amount == AMOUNT


async def test_a_succeeded_refund_can_fail_later(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    refund = await refund_of(shop, order("pm_card_refundFail"))
    (made,) = facts(await shop.operations.refund(refund))
    assert isinstance(made, Refunded)
    await pull(control, "refund_fails", refund.provider_reference)
    reversed_ = RefundReversed(made.reference, made.amount, FailureCode.EXPIRED_CARD)
    assert facts(await shop.lookups.fetch(refund)) == [reversed_]


async def test_a_refund_is_found_among_many(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    refund = await refund_of(shop, order(), Money(1, "EUR"))
    first = await shop.operations.refund(refund)
    form = {"charge": refund.capture_reference, "amount": 1}
    for _ in range(105):
        (await control.post("/v1/refunds", data=form)).raise_for_status()
    assert await shop.lookups.fetch(refund) == first


async def test_a_disputed_charge_is_not_refunded(shop: StripeProvider) -> None:
    refund = await refund_of(shop, order("pm_card_createDispute"))
    assert facts(await shop.operations.refund(refund)) == [
        RefundFailed(FailureCode.REJECTED_BY_PROVIDER)
    ]
