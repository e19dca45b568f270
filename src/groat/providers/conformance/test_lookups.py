"""What the provider knows of an operation is learned by asking."""

from __future__ import annotations

import pytest

from groat.kernel.value import replace
from groat.providers.conformance.shop import VERBS, Shop, found, only, perform, reports, wanted
from groat.providers.domain.facts import Captured, Refunded, RefundFailed
from groat.providers.port import FOREIGN, AuthorizeRequest, NotOurs, OperationRequest

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _known(request: OperationRequest, reference: str | None) -> OperationRequest:
    """Return ``request`` with the provider's reference, as the engine knows it by now."""
    if isinstance(request, AuthorizeRequest):
        return replace(request, provider_reference=reference)
    return request


@pytest.mark.parametrize("verb", VERBS)
async def test_a_look_up_tells_what_was_answered(shop: Shop, verb: str) -> None:
    """Reply and look-up are the same fact, with the same reference, or it would be posted twice."""
    request = await shop.prepare(verb)
    reply = await perform(shop.provider, request)
    looked_up = await shop.provider.fetch(_known(request, reports(reply)[0].provider_reference))
    answered, fact = (only(wanted(request), one) for one in (reply, looked_up))
    assert fact == answered


async def test_a_payment_that_was_never_begun_is_answered_with_nothing(shop: Shop) -> None:
    """Finding nothing is no failure: the engine then makes the call, with its key."""
    assert reports(await shop.provider.fetch(shop.order())) == ()


async def test_a_refund_that_was_never_begun_is_not_another(shop: Shop) -> None:
    """A refund of the same payment, for the same amount, is not the one that was asked about."""
    paid = await shop.pay()
    only(Refunded, await shop.provider.refund(paid.refund(replace(paid.captured.amount, amount=1))))
    request = paid.refund(replace(paid.captured.amount, amount=1))
    reply = await shop.provider.fetch(request)
    named = [one for one in reports(reply) if one.refund_id == request.refund_id]
    assert named == []
    assert not found(RefundFailed, reply)


async def test_a_capture_that_nobody_made_is_not_ours(shop: Shop) -> None:
    """Other systems share the account: what a webhook names may be theirs."""
    assert await shop.provider.fetch_capture("no-such-capture") == FOREIGN


async def test_a_capture_of_ours_is_told_with_its_payment(shop: Shop) -> None:
    """A dispute may be the first that we hear of a payment; its capture is posted once."""
    paid = await shop.pay()
    told = await shop.provider.fetch_capture(paid.captured.reference)
    if isinstance(told, NotOurs):
        pytest.skip("every event of this provider names our payment")
    assert only(Captured, told) == paid.captured
    assert {one.payment_id for one in reports(told)} == {paid.request.payment_id}
