"""Payments that wait for the customer, where the provider has such."""

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
    """A token whose customer has to do something first."""
    needed = harness.payment_methods.requires_action
    if needed is None:
        pytest.skip("no customer of this provider's has to do anything")
    return needed


async def test_the_customer_is_sent_somewhere(shop: Shop, method: str) -> None:
    """The merchant shows the customer the way; nothing is taken before."""
    request = shop.order(method)
    action = only(RequiresAction, await shop.provider.authorize(request))
    assert action.url is not None
    assert action.url.startswith(("https://", "http://"))
    assert await shop.charges(request.payment_id) == []


async def test_a_payment_is_taken_once_the_customer_was_there(shop: Shop, method: str) -> None:
    """The engine goes on with the payment that there is: a second one would be a second charge."""
    waiting = await shop.await_customer(method)
    await shop.harness.complete_action(waiting.provider_reference)
    going_on = replace(waiting.request, provider_reference=waiting.provider_reference)
    assert only(Captured, await shop.provider.authorize(going_on)).amount == AMOUNT
    assert only(Captured, await shop.provider.authorize(going_on)).amount == AMOUNT
    assert await shop.charges(waiting.request.payment_id) == [AMOUNT]


async def test_going_on_too_early_takes_nothing(shop: Shop, method: str) -> None:
    """A merchant may ask before the customer was there; the payment waits on."""
    waiting = await shop.await_customer(method)
    going_on = replace(waiting.request, provider_reference=waiting.provider_reference)
    only(RequiresAction, await shop.provider.authorize(going_on))
    assert await shop.charges(waiting.request.payment_id) == []


async def test_a_payment_that_waits_can_be_given_up(shop: Shop, method: str) -> None:
    """A merchant who no longer wants the payment must not be charged for by a late customer."""
    waiting = await shop.await_customer(method)
    request = CancelRequest(
        waiting.request.idempotency_key + "-cancel",
        waiting.request.payment_id,
        waiting.provider_reference,
        None,
    )
    assert found(Canceled, await shop.provider.cancel(request))
    assert await shop.charges(waiting.request.payment_id) == []
