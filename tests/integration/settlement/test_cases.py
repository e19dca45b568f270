"""Messages of providers that broke other integrations, each with the outcome that is right."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.settlement.life import assert_equal_balances
from tests.support.cases import case
from tests.support.feeds import act, fed, read_feeds
from tests.support.pages import pages
from tests.support.payments import pay
from tests.support.soundness import assert_sound
from tests.support.world import World


@pytest.fixture
async def shop(world: World) -> AsyncIterator[World]:
    """A world with simulators of its own, and nothing booked there yet."""
    async with fed(world) as shop:
        yield shop


async def test_a_dashboard_refund_is_learned_from_the_event_of_its_charge(
    shop: World,
) -> None:
    wallet = await shop.wallet()
    payment = await pay(shop, wallet, "stripe")
    [charge] = await shop.stripe.charges()
    intent = payment["provider_reference"]
    await act(shop.stripe, "refund", id=intent, amount=500, tell=False)
    event = case("charge-refunded", charge=charge["id"], intent=intent, payment=payment["id"])
    for _ in range(2):
        await shop.deliver(await shop.signed(event))
        await shop.settle()
    found = await shop.payment(payment["id"])
    assert (found["refunded"], await shop.balance(wallet)) == (500, 550)
    [refund] = await pages(shop.api, "/v1/refunds", payment=payment["id"])
    assert (refund["origin"], refund["amount"]) == ("provider", 500)
    await read_feeds(shop)
    await assert_equal_balances(shop)
    too_much = await shop.ask("refunds", {"payment": payment["id"], "amount": 551})
    assert too_much.json()["code"] == "refund_exceeds_captured"
    await shop.refund(payment, amount=550)
    assert await shop.balance(wallet) == 0
    await assert_sound(shop)
