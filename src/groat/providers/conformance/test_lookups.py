"""Look-ups: the adapter reads the outcome of an operation from the provider."""

from __future__ import annotations

import pytest

from groat.kernel.value import replace
from groat.providers.conformance.shop import VERBS, Shop, found, only, reports, wanted
from groat.providers.domain.facts import Captured, Refunded, RefundFailed
from groat.providers.port import FOREIGN, AuthorizeRequest, Lookups, NotOurs, OperationRequest

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _known(request: OperationRequest, reference: str | None) -> OperationRequest:
    """Return ``request`` with the provider's reference, if it can carry one."""
    if isinstance(request, AuthorizeRequest):
        return replace(request, provider_reference=reference)
    return request


@pytest.mark.parametrize("verb", VERBS)
async def test_look_up_reports_the_same_fact_as_the_reply(
    shop: Shop, lookups: Lookups, verb: str
) -> None:
    """The reply and the look-up give equal facts. Otherwise the effect would be posted twice."""
    request = await shop.prepare(verb)
    reply = await shop.perform(request)
    looked_up = await lookups.fetch(_known(request, reports(reply)[0].provider_reference))
    assert only(wanted(request), looked_up) == only(wanted(request), reply)


async def test_look_up_of_an_unknown_payment_reports_nothing(shop: Shop, lookups: Lookups) -> None:
    """An empty answer is no failure. The engine then makes the call with its key."""
    assert reports(await lookups.fetch(shop.order())) == ()


async def test_look_up_of_an_unknown_refund_finds_no_other_refund(
    shop: Shop, lookups: Lookups
) -> None:
    """Another refund of the same payment and the same amount must not be taken for this one."""
    paid = await shop.pay()
    only(Refunded, await shop.perform(paid.refund(replace(paid.captured.amount, amount=1))))
    request = paid.refund(replace(paid.captured.amount, amount=1))
    reply = await lookups.fetch(request)
    named = [report for report in reports(reply) if report.refund_id == request.refund_id]
    assert named == []
    assert not found(RefundFailed, reply)


async def test_unknown_capture_is_foreign(lookups: Lookups) -> None:
    """Other systems may use the same account, and webhooks name their captures too."""
    assert await lookups.fetch_capture("no-such-capture") == FOREIGN


async def test_own_capture_is_reported_with_its_payment(shop: Shop, lookups: Lookups) -> None:
    """A dispute may be the first event about a payment. Its capture must be posted once."""
    paid = await shop.pay()
    reply = await lookups.fetch_capture(paid.captured.reference)
    if isinstance(reply, NotOurs):
        pytest.skip("every event of this provider names Groat's payment")
    assert only(Captured, reply) == paid.captured
    assert {report.payment_id for report in reports(reply)} == {paid.request.payment_id}
