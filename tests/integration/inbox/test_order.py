"""Facts that come before what they build on: waited for, asked for, applied."""

from __future__ import annotations

import json

import pytest

from groat.inbox.domain.event import TRIES_BEFORE_LOOKUP
from tests.support.pages import pages
from tests.support.payments import PROVIDERS, pay
from tests.support.soundness import assert_sound
from tests.support.world import Mail, Payment, World, without_answers


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_refund_event_can_arrive_before_the_reply(world: World, provider: str) -> None:
    wallet = await world.wallet()
    payment = await pay(world, wallet, provider)
    await world.settle()
    async with without_answers(world) as hasty:
        refund = await hasty.refund(payment, amount=300)
        assert refund["status"] == "pending"
        await world.deliver_all(await hasty.posted_mail())
    await world.drain()
    assert (await world.api.get(f"/v1/refunds/{refund['id']}")).json()["status"] == "succeeded"
    assert (await world.payment(payment["id"]))["refunded"] == 300
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_two_partial_refunds_of_one_charge_both_count(world: World, provider: str) -> None:
    wallet = await world.wallet()
    payment = await pay(world, wallet, provider)
    await world.settle()
    async with without_answers(world) as hasty:
        for amount in (100, 200):
            await hasty.refund(payment, amount=amount)
        mail = await hasty.posted_mail()
    await world.deliver_all([*mail[::-1], *mail])
    while await world.drain():
        pass
    assert (await world.payment(payment["id"]))["refunded"] == 300
    await assert_sound(world)


async def refunded_by_hand(world: World, **metadata: str) -> tuple[str, Payment]:
    """Return a wallet, and a payment whose answer and events were lost, and that was then refunded.

    The refund was made on Stripe's own pages; its event is all that we hear.
    """
    wallet = await world.wallet()
    async with without_answers(world) as hasty:
        payment = await hasty.pay(wallet)
    await world.posted_mail()
    world.mailbox.mail.clear()
    await world.stripe.set_faults()
    [charge] = await world.stripe.charges()
    labels = {f"metadata[{name}]": value.format(**payment) for name, value in metadata.items()}
    answer = await world.stripe.http.post(
        "/v1/refunds", data={"charge": charge["id"], **labels}, auth=("sk_test_groat", "")
    )
    answer.raise_for_status()
    await world.deliver_all(await world.posted_mail("refund.created"))
    return wallet, payment


async def test_the_unreported_charge_of_a_refund_is_looked_up(world: World) -> None:
    wallet, payment = await refunded_by_hand(world, groat_payment="{id}")
    for _ in range(TRIES_BEFORE_LOOKUP):
        assert await world.drain() == 1
        assert [row[1:3] for row in await world.inbox()] == [("deferred", "premature")]
        assert await world.balance(wallet) == 0
        await world.make_due()
    await world.drain()
    assert await world.balance(wallet) == 0
    found = await world.payment(payment["id"])
    assert (found["status"], found["captured"], found["refunded"]) == ("succeeded", 1050, 1050)
    assert [row[1:3] for row in await world.inbox()] == [("processed", None)]
    [refund] = await pages(world.api, "/v1/refunds", payment=payment["id"])
    assert (refund["origin"], refund["status"]) == ("provider", "succeeded")
    await assert_sound(world)


async def test_a_refund_of_an_unknown_charge_brings_its_charge(world: World) -> None:
    wallet, payment = await refunded_by_hand(world)
    for _ in range(TRIES_BEFORE_LOOKUP):
        assert await world.drain() == 1
        assert [row[1:3] for row in await world.inbox()] == [("deferred", "premature")]
        await world.make_due()
    await world.drain()
    assert await world.balance(wallet) == 0
    found = await world.payment(payment["id"])
    assert (found["status"], found["captured"], found["refunded"]) == ("succeeded", 1050, 1050)
    assert [row[1:3] for row in await world.inbox()] == [("processed", None)]
    [refund] = await pages(world.api, "/v1/refunds", payment=payment["id"])
    assert (refund["origin"], refund["status"]) == ("provider", "succeeded")
    await assert_sound(world)


async def _told_by_events_alone(world: World, provider: str) -> tuple[str, Payment]:
    """Return a wallet, and a payment of whose life only events tell: paid, disputed, decided."""
    method = {"stripe": "pm_card_createDispute", "paypal": "card:vault_dispute"}[provider]
    wallet = await world.wallet()
    async with without_answers(world):
        account = world.site(provider).account
        payment = await world.pay(wallet, provider_account=account, payment_method=method)
    for site in (world.stripe, world.paypal):
        await site.set_faults()
    [charge] = await world.site(provider).charges()
    reference = _reference_at(provider, await world.posted_mail(), charge["id"])
    for trigger in ("dispute_review", "dispute_won")[provider == "stripe" :]:
        await world.site(provider).pull(trigger, {"provider_reference": reference})
    return wallet, payment


def _reference_at(provider: str, mail: list[Mail], charge: str) -> str:
    """Return what a provider calls the payment of a charge, by what it has sent."""
    for one in mail:
        event = json.loads(one.body)
        if provider == "stripe" and event["data"]["object"].get("latest_charge") == charge:
            return str(event["data"]["object"]["id"])
        if event.get("event_type") == "CHECKOUT.ORDER.COMPLETED":
            return str(event["resource"]["id"])
    raise AssertionError(mail)


def _created(mail: Mail) -> tuple[object, object]:
    """Return when an event was created, as its provider says: Stripe in whole seconds."""
    event = json.loads(mail.body)
    return event.get("created"), event.get("create_time")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_all_events_of_a_payment_apply_against_their_created_order(
    world: World, provider: str
) -> None:
    wallet, payment = await _told_by_events_alone(world, provider)
    mail = await world.posted_mail()
    assert len(mail) >= 5
    assert sorted(mail, key=_created) == mail, "as they were created"
    for one in reversed(mail):
        assert (await world.deliver(one)).status_code == 200
        await world.drain()
    for _ in range(2 * len(mail)):
        await world.rows("update provider_event set due_at = now() where settled_at is null")
        await world.drain()
    found = await world.payment(payment["id"])
    assert (found["status"], found["captured"], found["disputed"]) == ("succeeded", 1050, 0)
    [dispute] = (await world.api.get("/v1/disputes")).json()["data"]
    assert dispute["status"] == "won"
    assert await world.balance(wallet) == 1050
    assert {row[1] for row in await world.inbox()} <= {"processed", "superseded", "ignored"}
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_refunds_apply_against_the_created_order_of_their_events(
    world: World, provider: str
) -> None:
    wallet = await world.wallet()
    payment = await pay(world, wallet, provider)
    async with without_answers(world) as hasty:
        for amount in (100, 200):
            assert (await hasty.refund(payment, amount=amount))["status"] == "pending"
        mail = await hasty.posted_mail()
    for one in reversed(mail):
        assert (await world.deliver(one)).status_code == 200
        await world.drain()
    found = await world.payment(payment["id"])
    assert (found["refunded"], found["refund_pending"]) == (300, 0)
    assert await world.balance(wallet) == 750
    await assert_sound(world)
