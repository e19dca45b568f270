"""Payments that wait for the customer, if the provider has such payments."""

from __future__ import annotations

import pytest

from groat.kernel.value import replace
from groat.providers.conformance.harness import Harness
from groat.providers.conformance.shop import AMOUNT, Shop, found, only
from groat.providers.domain.facts import Canceled, Captured, RequiresAction
from groat.providers.port import CancelRequest

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def method(harness: Harness) -> str:
    """A token whose customer has to act before the capture."""
    needed = harness.payment_methods.requires_action
    if needed is None:
        pytest.skip("this provider never asks its customers to act")
    return needed


async def test_customer_gets_an_address_to_act_at(shop: Shop, method: str) -> None:
    """The merchant sends the customer to this address. Nothing is captured before."""
    request = shop.order(method)
    action = only(RequiresAction, await shop.perform(request))
    assert action.url is not None
    assert action.url.startswith(("https://", "http://"))
    assert await shop.charges(request.payment_id) == []


async def test_payment_is_captured_once_after_the_customer_acted(shop: Shop, method: str) -> None:
    """The adapter continues the existing payment. A second payment would charge the card twice."""
    waiting = await shop.await_customer(method)
    await shop.harness.complete_action(waiting.provider_reference)
    continued = replace(waiting.request, provider_reference=waiting.provider_reference)
    assert only(Captured, await shop.perform(continued)).amount == AMOUNT
    assert only(Captured, await shop.perform(continued)).amount == AMOUNT
    assert await shop.charges(waiting.request.payment_id) == [AMOUNT]


async def test_authorizing_again_before_the_customer_acted_captures_nothing(
    shop: Shop, method: str
) -> None:
    """A merchant may authorize again before the customer acts. The payment keeps waiting."""
    waiting = await shop.await_customer(method)
    continued = replace(waiting.request, provider_reference=waiting.provider_reference)
    only(RequiresAction, await shop.perform(continued))
    assert await shop.charges(waiting.request.payment_id) == []


async def test_payment_that_waits_for_its_customer_is_canceled(shop: Shop, method: str) -> None:
    """A customer who acts after the cancellation must not be charged."""
    waiting = await shop.await_customer(method)
    request = CancelRequest(
        waiting.request.idempotency_key + "-cancel",
        waiting.request.payment_id,
        waiting.provider_reference,
        None,
    )
    assert found(Canceled, await shop.perform(request))
    assert await shop.charges(waiting.request.payment_id) == []
