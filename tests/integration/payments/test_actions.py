"""A customer has to do something first: at the provider's page, whoever tells us of it."""

from __future__ import annotations

import httpx
import pytest

from tests.support.payments import ACTION, DONE, waiting
from tests.support.soundness import assert_sound
from tests.support.world import World


@pytest.mark.parametrize("capture_method", ["automatic", "manual"])
@pytest.mark.parametrize("provider", list(ACTION))
async def test_a_payment_continues_after_the_action_of_the_customer(
    world: World, provider: str, capture_method: str
) -> None:
    payment = await waiting(world, provider, capture_method)
    await world.site(provider).pull(DONE[provider], payment)
    await world.settle()
    found = await world.payment(payment["id"])
    assert found["status"] == {"automatic": "succeeded", "manual": "authorized"}[capture_method]
    assert found["next_action_url"] is None
    if capture_method == "manual":
        assert (await world.command(payment, "capture"))["status"] == "succeeded"
    assert await world.balance(payment["beneficiary"]) == 1050
    assert len(await world.site(provider).charges()) == 1
    await assert_sound(world)


@pytest.mark.parametrize("provider", list(ACTION))
async def test_a_worker_finds_the_action_of_the_customer_without_a_webhook(
    world: World, provider: str
) -> None:
    payment = await waiting(world, provider)
    await world.site(provider).pull(DONE[provider], payment)
    for _ in range(2):  # PayPal says that it was approved, and then takes it
        await world.make_due()
        await world.engine.recovery.recover_batch()
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert len(await world.site(provider).charges()) == 1
    await assert_sound(world)


@pytest.mark.parametrize("provider", list(ACTION))
async def test_the_next_action_is_a_page_with_a_form(world: World, provider: str) -> None:
    payment = await waiting(world, provider)
    async with httpx.AsyncClient() as browser:
        page = await browser.get(payment["next_action_url"])
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<form" in page.text


async def test_a_failed_authentication_asks_for_another_method(world: World) -> None:
    payment = await waiting(world, "stripe")
    await world.stripe.pull("fail_action", payment)
    await world.settle()
    found = await world.payment(payment["id"])
    assert found["status"] == "requires_payment_method"
    assert found["failure_code"] == "authentication_failed"
    await assert_sound(world)


@pytest.mark.parametrize("provider", list(ACTION))
async def test_a_payment_that_waits_for_its_customer_can_be_canceled(
    world: World, provider: str
) -> None:
    payment = await waiting(world, provider)
    assert (await world.command(payment, "cancel"))["status"] == "canceled"
    await world.settle()
    found = await world.payment(payment["id"])
    assert found["status"] == "canceled"
    assert {one["outcome"] for one in found["operations"]} == {"failed", "succeeded"}
    assert await world.site(provider).charges() == []
    await assert_sound(world)


@pytest.mark.parametrize("provider", list(ACTION))
async def test_a_payment_that_waits_for_its_customer_is_no_unknown_outcome(
    world: World, provider: str
) -> None:
    payment = await waiting(world, provider)
    for _ in range(3):
        await world.settle()
    found = await world.payment(payment["id"])
    assert found["status"] == "requires_action"
    assert found["next_action_url"] == payment["next_action_url"]
    assert await world.engine.recovery.open_operations(10) == []
    await assert_sound(world)
