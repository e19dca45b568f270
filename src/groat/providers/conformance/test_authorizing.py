"""Authorizing: a payment is authorized, captured at once, or declined."""

from __future__ import annotations

import pytest

from groat.providers.conformance.shop import AMOUNT, Shop, found, only, reports
from groat.providers.domain.facts import Authorized, Captured, Declined
from groat.providers.domain.failures import FailureCode

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_payment_is_captured_at_once(shop: Shop) -> None:
    """The usual payment is one call and one charge, with a fact that the ledger can post."""
    request = shop.order()
    reply = await shop.perform(request)
    captured = only(Captured, reply)
    assert (captured.amount, captured.final) == (AMOUNT, True)
    assert await shop.charges(request.payment_id) == [AMOUNT]


async def test_usable_payment_method_has_no_problem(shop: Shop) -> None:
    """The engine refuses a payment with a method problem before it stores the payment."""
    methods = shop.harness.payment_methods
    for token in (methods.succeeds, *methods.declined):
        assert shop.provider.operations.method_problem(token, None) is None


async def test_reports_name_the_payment(shop: Shop) -> None:
    """The engine applies a fact to the payment that it names, and looks up by its reference."""
    request = shop.order()
    answered = reports(await shop.perform(request))
    assert {report.payment_id for report in answered} == {request.payment_id}
    assert len({report.provider_reference for report in answered} - {None, ""}) == 1


async def test_authorized_payment_captures_nothing(shop: Shop) -> None:
    """An authorized amount must not be posted as captured."""
    request = shop.order(capture=False)
    reply = await shop.perform(request)
    assert only(Authorized, reply).amount == AMOUNT
    assert not found(Captured, reply)
    assert await shop.authorizations(request.payment_id) == [AMOUNT]
    assert await shop.charges(request.payment_id) == []


async def test_each_payment_has_its_own_references(shop: Shop) -> None:
    """The engine identifies an effect by its reference, and posts each reference only once."""
    first, second = await shop.pay(), await shop.pay()
    assert first.captured.reference != second.captured.reference
    assert first.provider_reference != second.provider_reference


@pytest.mark.parametrize("capture", [True, False])
async def test_every_decline_has_a_failure_code_and_captures_nothing(
    shop: Shop, *, capture: bool
) -> None:
    """Routing decides by the code whether the payment may fall back to another provider."""
    declined = shop.harness.payment_methods.declined
    assert {FailureCode.INSUFFICIENT_FUNDS, FailureCode.DO_NOT_HONOR} <= set(declined.values())
    for method, code in declined.items():
        request = shop.order(method, capture=capture)
        reply = await shop.perform(request)
        assert (method, only(Declined, reply).code) == (method, code)
        assert [report.payment_id for report in reports(reply)] == [request.payment_id]
        assert await shop.charges(request.payment_id) == []
        assert await shop.authorizations(request.payment_id) == []


async def test_unknown_token_is_declined(shop: Shop) -> None:
    """A request that can never succeed is declined. An unknown outcome would be looked up."""
    request = shop.order("no_such_token")
    only(Declined, await shop.perform(request))
    assert await shop.charges(request.payment_id) == []
