"""Disputes take money from whoever has it, and what nobody has is owed; nothing is refused."""

from __future__ import annotations

import pytest

from tests.support.pages import pages
from tests.support.payments import PROVIDERS, pay
from tests.support.soundness import assert_sound
from tests.support.world import Payment, World, without_answers


async def spend(world: World, wallet: str, amount: int) -> None:
    """Let the beneficiary spend what it was paid."""
    other = await world.wallet("wallet:bob")
    answer = await world.ask(
        "transfers",
        {
            "reference": "spent",
            "debit_account": wallet,
            "credit_account": other,
            "amount": amount,
            "currency": "EUR",
        },
    )
    assert answer.status_code == 201


async def receivable(world: World) -> int:
    accounts = await pages(world.api, "/v1/accounts")
    return sum(one["balance"] for one in accounts if one["code"] == "receivable:eur")


async def disputed(world: World, provider: str, spent: int, *triggers: str) -> Payment:
    """Return a payment of which ``spent`` is gone, after what happened to it at the provider."""
    wallet = await world.wallet()
    payment = await pay(world, wallet, provider)
    await world.settle()
    if spent:
        await spend(world, wallet, spent)
    for trigger in triggers:
        await world.site(provider).pull(trigger, payment)
        await world.settle()
    return await world.payment(payment["id"])


@pytest.mark.parametrize("spent", [0, 1000])
async def test_a_lost_dispute_takes_the_balance_and_the_rest_is_owed(
    world: World, spent: int
) -> None:
    payment = await disputed(world, "stripe", spent, "dispute", "dispute_lost")
    assert (payment["status"], payment["disputed"], payment["owed"]) == ("succeeded", 1050, spent)
    [dispute] = await pages(world.api, "/v1/disputes", payment=payment["id"])
    assert (dispute["status"], dispute["withdrawn"], dispute["shortfall"]) == (
        "lost",
        1050,
        spent,
    )
    assert (dispute["fee"], dispute["fee_currency"]) == (1500, "EUR")
    assert await world.balance(payment["beneficiary"]) == 0
    assert await receivable(world) == spent
    shown = (await world.api.get(f"/v1/disputes/{dispute['id']}")).json()
    assert shown == dispute
    refused = await world.ask("refunds", {"payment": payment["id"]})
    assert refused.json()["code"] == "disputed"
    await assert_sound(world)


async def test_a_lost_dispute_at_paypal_blocks_refunds_and_moves_no_money_by_itself(
    world: World,
) -> None:
    """PayPal's transaction search says what it took."""
    payment = await disputed(world, "paypal", 0, "dispute", "dispute_lost")
    [dispute] = await pages(world.api, "/v1/disputes", payment=payment["id"])
    assert (dispute["status"], dispute["amount"], dispute["withdrawn"]) == ("lost", 1050, 0)
    assert await world.balance(payment["beneficiary"]) == 1050
    refused = await world.ask("refunds", {"payment": payment["id"]})
    assert refused.json()["code"] == "disputed"
    await assert_sound(world)


@pytest.mark.parametrize("spent", [0, 1000])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_won_dispute_changes_no_balance(world: World, provider: str, spent: int) -> None:
    payment = await disputed(world, provider, spent, "dispute", "dispute_won")
    assert payment["disputed"] == 0
    [dispute] = await pages(world.api, "/v1/disputes", status="won")
    assert dispute["withdrawn"] == dispute["reinstated"]
    assert await world.balance(payment["beneficiary"]) == 1050 - spent
    assert await receivable(world) == 0
    await assert_sound(world)


async def test_a_dispute_can_arrive_with_its_charge(world: World) -> None:
    wallet = await world.wallet()
    payment = await world.pay(wallet, payment_method="pm_card_createDispute")
    await world.settle()
    assert (await world.payment(payment["id"]))["disputed"] == 1050
    assert await world.balance(wallet) == 0
    await assert_sound(world)


async def test_all_events_of_a_dispute_can_arrive_at_once_and_twice(world: World) -> None:
    wallet = await world.wallet()
    payment = await pay(world, wallet, "stripe")
    for trigger in ("dispute", "dispute_won"):
        await world.stripe.pull(trigger, payment)
    mail = await world.posted_mail()
    await world.deliver_all([*reversed(mail), *mail])
    await world.settle()
    [dispute] = await pages(world.api, "/v1/disputes")
    assert (dispute["status"], dispute["withdrawn"], dispute["reinstated"]) == ("won", 1050, 1050)
    assert await world.balance(wallet) == 1050
    await assert_sound(world)


async def test_a_dispute_can_arrive_long_before_its_capture(world: World) -> None:
    wallet = await world.wallet()
    async with without_answers(world):
        payment = await world.pay(wallet, payment_method="pm_card_createDispute")
    await world.stripe.set_faults()
    mail = await world.posted_mail()
    await world.deliver_all([one for one in mail if "dispute" in one.event_type])
    await world.drain()
    assert {row[1:3] for row in await world.inbox()} == {("deferred", "premature")}
    await world.deliver_all([one for one in mail if "dispute" not in one.event_type])
    await world.settle()
    assert (await world.payment(payment["id"]))["disputed"] == 1050
    assert await world.balance(wallet) == 0
    await assert_sound(world)
