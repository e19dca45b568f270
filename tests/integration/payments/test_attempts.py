"""One order is one payment: the customer tries another method, and is charged once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.support.soundness import assert_sound
from tests.support.world import BAD, GOOD, Mail, Payment, World, without_answers

HARD = {"stripe": "pm_card_chargeDeclinedStolenCard"}
WORDS = {
    "stripe": ("insufficient_funds", "Your card has insufficient funds."),
    "paypal": ("5120", None),
}
PROVIDERS = sorted(GOOD)


async def declined(world: World, provider: str, **changes: object) -> Payment:
    """Return a payment whose first attempt was declined."""
    account = world.site(provider).account
    changes = {"provider_account": account, "payment_method": BAD[provider], **changes}
    return await world.pay(await world.wallet(), **changes)


async def again(world: World, payment: Payment, provider: str) -> Payment:
    """Confirm a payment with a good method, and return it."""
    return await world.command(payment, "confirm", {"payment_method": GOOD[provider]})


async def assert_paid_once(world: World, payment: Payment, provider: str) -> None:
    """Hold the payment against the provider's own books."""
    found = await world.payment(payment["id"])
    assert (found["status"], found["captured"]) == ("succeeded", 1050)
    assert await world.balance(payment["beneficiary"]) == 1050
    [charge] = await world.site(provider).charges()
    assert (charge["reference"], charge["amount"]) == (payment["id"], 1050)
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_soft_decline_asks_for_another_method(world: World, provider: str) -> None:
    payment = await declined(world, provider)
    assert payment["status"] == "requires_payment_method"
    assert payment["failure_code"] == "insufficient_funds"
    assert (payment["decline_code"], payment["provider_message"]) == WORDS[provider]
    [attempt] = payment["operations"]
    assert (attempt["decline_code"], attempt["provider_message"]) == WORDS[provider]
    assert await world.site(provider).charges() == []
    await world.settle()
    assert (await world.payment(payment["id"]))["status"] == "requires_payment_method"
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_second_method_pays_the_same_payment(world: World, provider: str) -> None:
    payment = await declined(world, provider)
    paid = await again(world, payment, provider)
    assert (paid["status"], paid["attempts"], paid["failure_code"]) == ("succeeded", 2, None)
    assert [one["outcome"] for one in paid["operations"]] == ["declined", "succeeded"]
    await world.settle()
    await assert_paid_once(world, payment, provider)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_decline_of_the_first_method_may_come_after_the_second_success(
    world: World, provider: str
) -> None:
    payment = await declined(world, provider)
    late = await world.posted_mail()
    await again(world, payment, provider)
    await world.deliver_all(late)
    await world.drain()
    await world.settle()
    await assert_paid_once(world, payment, provider)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_decline_of_the_first_method_may_come_during_the_second_attempt(
    world: World, provider: str
) -> None:
    payment = await declined(world, provider)
    late = await world.posted_mail()
    world.mailbox.mail.clear()
    async with without_answers(world):
        open_still = await again(world, payment, provider)
    assert open_still["status"] == "processing"
    await world.deliver_all(late)
    await world.drain()
    assert (await world.payment(payment["id"]))["status"] == "processing"
    for site in (world.stripe, world.paypal):
        await site.set_faults()
    await world.settle()
    await assert_paid_once(world, payment, provider)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("answer", ["cut_before", "cut_after"])
async def test_a_worker_finishes_the_second_attempt_whose_answer_was_lost(
    world: World, provider: str, answer: str
) -> None:
    payment = await declined(world, provider)
    await world.site(provider).set_faults(answer=answer)
    await again(world, payment, provider)
    await world.site(provider).set_faults()
    for _ in range(2):
        await world.make_due()
        await world.engine.recovery.recover_batch()
    await assert_paid_once(world, payment, provider)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_two_confirmations_at_once_charge_once(world: World, provider: str) -> None:
    payment = await declined(world, provider)
    body = {"payment_method": GOOD[provider]}
    path = f"payments/{payment['id']}/confirm"
    answers = await asyncio.gather(*(world.ask(path, body, key=f"try-{n}") for n in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    refused = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert refused == {"payment_not_confirmable"}
    await world.settle()
    await assert_paid_once(world, payment, provider)


async def test_a_hard_decline_ends_the_payment_here_and_at_the_provider(world: World) -> None:
    payment = await declined(world, "stripe", payment_method=HARD["stripe"])
    assert (payment["status"], payment["decline_code"]) == ("failed", "stolen_card")
    assert await canceled_at_stripe(world) == [payment["provider_reference"]]
    found = await world.payment(payment["id"])
    outcomes = [(one["kind"], one["outcome"]) for one in found["operations"]]
    assert outcomes == [("authorize", "declined"), ("cancel", "succeeded")]
    await world.settle()
    assert (await world.payment(payment["id"]))["status"] == "failed"
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_merchants_limit_ends_the_payment(world: World, provider: str) -> None:
    payment = await declined(world, provider, attempts_max=2)
    body = {"payment_method": BAD[provider]}
    failed = await world.command(payment, "confirm", body)
    assert (failed["status"], failed["attempts"]) == ("failed", 2)
    refused = await world.ask(f"payments/{payment['id']}/confirm", body)
    assert refused.json()["code"] == "payment_not_confirmable"
    if provider == "stripe":
        assert await canceled_at_stripe(world) == [payment["provider_reference"]]
    await world.settle()
    await assert_sound(world)


async def test_a_worker_ends_a_failed_payment_at_the_provider_whose_answer_was_lost(
    world: World,
) -> None:
    payment = await declined(world, "stripe", attempts_max=1, confirm=False)
    async with without_answers(world):
        await world.command(payment, "confirm")
    await world.stripe.set_faults()
    for _ in range(3):
        await world.make_due()
        await world.engine.recovery.recover_batch()
    found = await world.payment(payment["id"])
    assert found["status"] == "failed"
    assert await canceled_at_stripe(world) == [found["provider_reference"]]
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_declined_payment_can_be_canceled(world: World, provider: str) -> None:
    payment = await declined(world, provider)
    canceled = await world.command(payment, "cancel")
    assert (canceled["status"], canceled["failure_code"]) == ("canceled", None)
    if provider == "stripe":
        assert await canceled_at_stripe(world) == [payment["provider_reference"]]
    await world.settle()
    assert (await world.payment(payment["id"]))["status"] == "canceled"
    await assert_sound(world)


async def test_a_soft_decline_makes_an_event_of_its_own_type(world: World) -> None:
    payment = await declined(world, "stripe")
    await again(world, payment, "stripe")
    await world.engine.sequencer.place_batch()
    events = (await world.api.get("/v1/events")).json()["data"]
    told = [one["type"] for one in events if one["subject"]["id"] == payment["id"]]
    assert sorted(told) == [
        "payment.created",
        "payment.requires_payment_method",
        "payment.succeeded",
    ]


DETAILS = {
    "reference": "order-1001",
    "customer": {"reference": "customer-7", "email": "ada@shop.example"},
    "description": "Two books",
    "statement_descriptor": "BOOKS 1001",
    "metadata": {"basket": "b-1", "größe": "40 €"},
    "provider_metadata": ["basket"],
}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_payment_keeps_and_shows_its_details(world: World, provider: str) -> None:
    account = world.site(provider).account
    method = {"provider_account": account, "payment_method": GOOD[provider]}
    payment = await world.pay(await world.wallet(), **method, **DETAILS)
    found = await world.payment(payment["id"])
    assert {name: found[name] for name in DETAILS} == DETAILS
    await assert_sound(world)


async def test_stripe_receives_the_details_that_the_merchant_selected(world: World) -> None:
    payment = await world.pay(await world.wallet(), **DETAILS)
    [mail] = await world.posted_mail("payment_intent.succeeded")
    intent = json.loads(mail.body)["data"]["object"]
    assert (intent["description"], intent["receipt_email"]) == ("Two books", "ada@shop.example")
    assert intent["statement_descriptor_suffix"] == "BOOKS 1001"
    [operation] = payment["operations"]
    assert intent["metadata"] == {
        "basket": "b-1",
        "customer": "customer-7",
        "reference": "order-1001",
        "groat_payment": payment["id"],
        "groat_operation": operation["id"],
    }


async def test_paypal_receives_the_details_that_it_has_fields_for(world: World) -> None:
    method = {"provider_account": world.paypal.account, "payment_method": GOOD["paypal"]}
    payment = await world.pay(await world.wallet(), **method, **DETAILS)
    [mail] = await world.posted_mail("CHECKOUT.ORDER.COMPLETED")
    [unit] = json.loads(mail.body)["resource"]["purchase_units"]
    assert (unit["description"], unit["soft_descriptor"]) == ("Two books", "BOOKS 1001")
    [operation] = payment["operations"]
    assert unit["invoice_id"] == f"order-1001 groat-{operation['id']}"


@pytest.mark.parametrize(
    "changes",
    [
        {"statement_descriptor": "x" * 23},
        {"statement_descriptor": "1001"},
        {"statement_descriptor": "ÄPFEL"},
        {"description": ""},
        {"description": "x" * 128},
        {"customer": {"email": "nobody"}},
        {"provider_metadata": ["absent"]},
        {"attempts_max": 0},
    ],
)
async def test_details_that_a_provider_refuses_are_refused_first(
    world: World, changes: dict[str, Any]
) -> None:
    order = world.order(await world.wallet(), **changes)
    answer = await world.api.post("/v1/payments", json=order)
    assert answer.status_code == 422, answer.text


async def canceled_at_stripe(world: World) -> list[str]:
    """Return the PaymentIntents that Stripe has canceled."""
    mail: list[Mail] = await world.posted_mail("payment_intent.canceled")
    return [json.loads(one.body)["data"]["object"]["id"] for one in mail]
