"""Payments are authorized, captured at once, or declined."""

from __future__ import annotations

import pytest

from groat.providers.conformance.shop import AMOUNT, Shop, found, only, reports
from groat.providers.domain.facts import Authorized, Captured, Declined
from groat.providers.domain.failures import FailureCode

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_payment_is_captured_at_once(shop: Shop) -> None:
    """The usual payment: one call, one charge, and a fact that the ledger can post."""
    request = shop.order()
    reply = await shop.provider.authorize(request)
    captured = only(Captured, reply)
    assert (captured.amount, captured.final) == (AMOUNT, True)
    assert await shop.charges(request.payment_id) == [AMOUNT]


async def test_a_method_that_can_pay_is_no_problem(shop: Shop) -> None:
    """A payment that cannot be asked for at all is refused before it is written down."""
    methods = shop.harness.payment_methods
    for token in (methods.succeeds, *methods.declined):
        assert shop.provider.method_problem(token, None) is None


async def test_what_is_reported_is_about_our_payment(shop: Shop) -> None:
    """A fact is applied to the payment that it names, and an operation found by its reference."""
    request = shop.order()
    told = reports(await shop.provider.authorize(request))
    assert {one.payment_id for one in told} == {request.payment_id}
    assert len({one.provider_reference for one in told} - {None, ""}) == 1


async def test_an_authorized_payment_takes_nothing(shop: Shop) -> None:
    """What is only reserved must not be posted as taken."""
    request = shop.order(capture=False)
    reply = await shop.provider.authorize(request)
    assert only(Authorized, reply).amount == AMOUNT
    assert not found(Captured, reply)
    assert await shop.authorizations(request.payment_id) == [AMOUNT]
    assert await shop.charges(request.payment_id) == []


async def test_payments_have_references_of_their_own(shop: Shop) -> None:
    """An effect is known by its reference: with one for two, the second would never be posted."""
    one, other = await shop.pay(), await shop.pay()
    assert one.captured.reference != other.captured.reference
    assert one.provider_reference != other.provider_reference


@pytest.mark.parametrize("capture", [True, False])
async def test_every_decline_has_our_code_and_takes_nothing(shop: Shop, *, capture: bool) -> None:
    """Routing decides by the code whether another provider may be asked."""
    declined = shop.harness.payment_methods.declined
    assert {FailureCode.INSUFFICIENT_FUNDS, FailureCode.DO_NOT_HONOR} <= set(declined.values())
    for method, code in declined.items():
        request = shop.order(method, capture=capture)
        reply = await shop.provider.authorize(request)
        assert (method, only(Declined, reply).code) == (method, code)
        assert [one.payment_id for one in reports(reply)] == [request.payment_id]
        assert await shop.charges(request.payment_id) == []
        assert await shop.authorizations(request.payment_id) == []


async def test_a_token_that_nobody_knows_is_declined(shop: Shop) -> None:
    """A request that can never succeed is a definite no, not an unknown outcome to ask about."""
    request = shop.order("no_such_token")
    only(Declined, await shop.provider.authorize(request))
    assert await shop.charges(request.payment_id) == []
