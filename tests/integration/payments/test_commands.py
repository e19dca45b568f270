"""Capture, cancel and refund through both providers: payment, ledger and provider agree."""

from __future__ import annotations

from unittest.mock import AsyncMock, patch
from uuid import UUID

import pytest

from groat.kernel import ids
from groat.kernel.errors import Unavailable
from groat.payments.infrastructure import refunds as infrastructure
from tests.support.pages import pages
from tests.support.payments import PROVIDERS, pay
from tests.support.soundness import assert_sound
from tests.support.world import World, without_answers


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_authorization_moves_no_money_until_its_capture(
    world: World, provider: str
) -> None:
    wallet = await world.wallet()
    payment = await world.reserve(wallet, provider)
    assert (payment["authorized"], payment["captured"]) == (1050, 0)
    assert await world.balance(wallet) == 0
    assert await world.site(provider).charges() == []
    captured = await world.command(payment, "capture")
    assert (captured["status"], captured["captured"]) == ("succeeded", 1050)
    await world.settle()
    assert await world.balance(wallet) == 1050
    assert [one["amount"] for one in await world.site(provider).charges()] == [1050]
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_partial_capture_releases_the_rest(world: World, provider: str) -> None:
    wallet = await world.wallet()
    payment = await world.reserve(wallet, provider)
    captured = await world.command(payment, "capture", {"amount": 400})
    assert (captured["status"], captured["captured"]) == ("succeeded", 400)
    await world.settle()
    assert await world.balance(wallet) == 400
    refused = await world.ask(f"payments/{payment['id']}/capture", {"amount": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_not_capturable")
    await assert_sound(world)


async def test_paypal_captures_in_several_parts_up_to_the_authorized_amount(world: World) -> None:
    wallet = await world.wallet()
    payment = await world.reserve(wallet, "paypal")
    for amount, status in ((400, "authorized"), (300, "authorized"), (350, "succeeded")):
        part = await world.command(payment, "capture", {"amount": amount, "final": False})
        assert part["status"] == status
    await world.settle()
    assert await world.balance(wallet) == 1050
    assert [one["amount"] for one in await world.paypal.charges()] == [400, 300, 350]
    await assert_sound(world)


async def test_a_refund_of_a_payment_captured_in_parts_names_its_capture(world: World) -> None:
    wallet = await world.wallet()
    payment = await world.reserve(wallet, "paypal")
    await world.command(payment, "capture", {"amount": 400, "final": False})
    await world.command(payment, "capture", {"amount": 650})
    refused = await world.ask("refunds", {"payment": payment["id"], "amount": 700})
    assert refused.json()["code"] == "refund_exceeds_capture"
    assert (await world.refund(payment, amount=500))["status"] == "succeeded"
    assert (await world.refund(payment, amount=400))["status"] == "succeeded"
    await world.settle()
    assert await world.balance(wallet) == 150
    charges = {one["id"]: one["amount"] for one in await world.paypal.charges()}
    refunds = {
        charges[one["parent"]]: one["amount"] for one in await world.paypal.really("refunds")
    }
    assert refunds == {650: 500, 400: 400}
    await assert_sound(world)


async def test_stripe_captures_once(world: World) -> None:
    payment = await world.reserve(await world.wallet())
    refused = await world.ask(f"payments/{payment['id']}/capture", {"amount": 400, "final": False})
    assert (refused.status_code, refused.json()["code"]) == (422, "captures_once")
    assert (await world.payment(payment["id"]))["status"] == "authorized"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_canceled_authorization_charges_nothing(world: World, provider: str) -> None:
    wallet = await world.wallet()
    payment = await world.reserve(wallet, provider)
    canceled = await world.command(payment, "cancel")
    assert (canceled["status"], canceled["authorized"]) == ("canceled", 0)
    await world.settle()
    assert await world.balance(wallet) == 0
    assert await world.site(provider).charges() == []
    for name in ("capture", "cancel", "confirm"):
        refused = await world.ask(f"payments/{payment['id']}/{name}")
        assert refused.status_code == 409
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_authorization_expires_when_the_provider_reports_it(
    world: World, provider: str
) -> None:
    payment = await world.reserve(await world.wallet(), provider)
    await world.site(provider).pull("expire", payment)
    await world.settle()
    assert (await world.payment(payment["id"]))["status"] == "expired"
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_capture_of_an_expired_authorization_is_declined(
    world: World, provider: str
) -> None:
    wallet = await world.wallet()
    payment = await world.reserve(wallet, provider)
    await world.site(provider).pull("expire", payment)
    after = await world.command(payment, "capture")
    assert after["captured"] == 0
    await world.settle()
    found = await world.payment(payment["id"])
    assert found["status"] == "expired"
    assert [one["outcome"] for one in found["operations"]] == ["succeeded", "declined"]
    assert await world.balance(wallet) == 0
    await assert_sound(world)


async def test_a_payment_can_be_created_first_and_confirmed_later(world: World) -> None:
    wallet = await world.wallet()
    payment = await world.pay(wallet, confirm=False)
    assert (payment["status"], payment["operations"]) == ("created", [])
    assert await world.stripe.charges() == []
    confirmed = await world.command(payment, "confirm")
    assert confirmed["status"] == "succeeded"
    assert await world.balance(wallet) == 1050
    other = await world.pay(wallet, confirm=False)
    assert (await world.command(other, "cancel"))["status"] == "canceled"
    refused = await world.ask(f"payments/{other['id']}/confirm")
    assert refused.json()["code"] == "payment_not_confirmable"
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_partial_refunds_return_the_whole_payment_and_no_more(
    world: World, provider: str
) -> None:
    wallet = await world.wallet()
    payment = await pay(world, wallet, provider)
    first = await world.refund(payment, amount=400, reason="broken", metadata={"case": "7"})
    assert (first["status"], first["amount"], first["metadata"]) == (
        "succeeded",
        400,
        {"case": "7"},
    )
    rest = await world.refund(payment)
    assert (rest["status"], rest["amount"]) == ("succeeded", 650)
    refused = await world.ask("refunds", {"payment": payment["id"], "amount": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "refund_exceeds_captured")
    await world.settle()
    found = await world.payment(payment["id"])
    assert (found["status"], found["refunded"], found["refund_pending"]) == ("succeeded", 1050, 0)
    assert await world.balance(wallet) == 0
    made = await world.site(provider).really("refunds")
    assert sorted((one["amount"], one["reference"]) for one in made) == [
        (400, first["id"]),
        (650, rest["id"]),
    ]
    listed = await pages(world.api, "/v1/refunds", payment=payment["id"])
    assert [one["id"] for one in listed] == [rest["id"], first["id"]]
    await assert_sound(world)


async def test_a_refund_without_funds_is_refused_before_the_provider_is_called(
    world: World,
) -> None:
    wallet, other = await world.wallet(), await world.wallet("wallet:bob")
    payment = await pay(world, wallet, "stripe")
    spent = await world.ask(
        "transfers",
        {
            "reference": "spent",
            "debit_account": wallet,
            "credit_account": other,
            "amount": 1000,
            "currency": "EUR",
        },
    )
    assert spent.status_code == 201
    refused = await world.ask("refunds", {"payment": payment["id"], "amount": 51})
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_funds")
    assert await world.stripe.really("refunds") == []
    assert (await world.payment(payment["id"]))["refund_pending"] == 0
    assert (await world.refund(payment, amount=50))["status"] == "succeeded"
    await assert_sound(world)


async def test_money_held_for_a_refund_cannot_be_spent(world: World) -> None:
    wallet = await world.wallet()
    payment = await pay(world, wallet, "stripe")
    await world.stripe.set_faults(answer="cut_before")
    refund = await world.refund(payment, amount=600)
    assert refund["status"] == "pending"
    account = (await world.api.get(f"/v1/accounts/{wallet}")).json()
    assert (account["balance"], account["available"]) == (1050, 450)
    [[hold]] = await world.rows("select id from hold")
    other = await world.wallet("wallet:bob")
    for name in ("capture", "release"):
        body = {"reference": "mine", "credit_account": other} if name == "capture" else None
        path = f"holds/{_rendered(hold)}/{name}"
        assert (await world.ask(path, body)).status_code == 409
    await world.stripe.set_faults()
    await world.settle()
    assert (await world.payment(payment["id"]))["refunded"] == 600
    assert await world.balance(wallet) == 450
    await assert_sound(world)


def _rendered(hold_id: UUID) -> str:
    return ids.render("hold", hold_id)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("payments/{id}/capture", {"amount": 400}),
        ("payments/{id}/cancel", None),
    ],
)
async def test_a_repeated_command_takes_effect_once(world: World, path: str, body: object) -> None:
    payment = await world.reserve(await world.wallet())
    first = await world.ask(path.format(**payment), body, key="once")
    again = await world.ask(path.format(**payment), body, key="once")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["operations"] == again.json()["operations"]
    other = await world.ask(path.format(**payment), {"amount": 1}, key="once")
    assert other.status_code in {409, 422}


async def test_a_repeated_refund_returns_the_first_refund(world: World) -> None:
    payment = await pay(world, await world.wallet(), "stripe")
    body = {"payment": payment["id"], "amount": 100}
    answers = [await world.ask("refunds", body, key="refund-1") for _ in range(3)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await world.stripe.really("refunds")) == 1
    conflict = await world.ask("refunds", {**body, "amount": 200}, key="refund-1")
    assert (conflict.status_code, conflict.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_capture_is_at_the_provider_once_its_movement_is_read(world: World) -> None:
    """Stripe's answer brings the movement with its fee. PayPal tells it later, by its search."""
    wallet = await world.wallet()
    for provider in PROVIDERS:
        await pay(world, wallet, provider)
    await world.settle()
    accounts = {one["code"]: one["balance"] for one in await pages(world.api, "/v1/accounts")}
    told, untold = f"{world.stripe.account}:eur", f"{world.paypal.account}:eur"
    assert accounts == {
        "wallet:alice": 2 * 1050,
        f"provider:{told}": 1050 - 39,
        f"fees:{told}": 39,
        f"clearing:{untold}": 1050,
    }
    posted = await world.rows("select count(*) from ledger_transaction")
    assert posted == [(2,)]  # the capture, its movement and its fee are one
    await assert_sound(world)


async def test_the_timeline_lists_every_step_of_a_payment(world: World) -> None:
    payment = await world.reserve(await world.wallet())
    await world.command(payment, "capture")
    await world.refund(payment, amount=50)
    story = await pages(world.api, f"/v1/payments/{payment['id']}/timeline")
    assert [event["action"] for event in reversed(story)] == [
        "payment.created",
        "payment.authorize_requested",
        "payment.authorized",
        "payment.capture_requested",
        "payment.captured",
        "payment.refund_requested",
        "payment.refunded",
    ]


async def test_a_payment_to_a_closed_account_is_not_lost(
    world: World,
) -> None:
    wallet = await world.wallet()
    async with without_answers(world):
        payment = await world.pay(wallet)
    await world.stripe.set_faults()
    closed = await world.api.patch(f"/v1/accounts/{wallet}", json={"status": "closed"})
    assert closed.status_code == 200
    await world.settle()
    assert await world.balance(wallet) == 1050
    refused = await world.ask("refunds", {"payment": payment["id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "account_closed")
    opened = await world.api.patch(f"/v1/accounts/{wallet}", json={"status": "open"})
    assert opened.status_code == 200
    assert (await world.refund(payment))["status"] == "succeeded"
    closed = await world.api.patch(f"/v1/accounts/{wallet}", json={"status": "closed"})
    assert closed.status_code == 200
    again = await world.api.patch(f"/v1/accounts/{wallet}", json={"status": "open"})
    assert (again.status_code, again.json()["code"]) == (409, "account_closed")
    await assert_sound(world)


async def test_a_refund_that_took_effect_is_not_answered_as_unavailable(world: World) -> None:
    payment = await pay(world, await world.wallet(), "stripe")
    away = AsyncMock(side_effect=Unavailable("database_unavailable", "It is away."))
    with patch.object(infrastructure, "find_refund", away):
        refund = await world.refund(payment, amount=300)
    assert (refund["status"], refund["amount"]) == ("pending", 300)
    await world.settle()
    found = (await world.api.get(f"/v1/refunds/{refund['id']}")).json()
    assert found["status"] == "succeeded"


async def test_an_idempotency_key_is_free_after_a_refusal_and_belongs_to_one_route(
    world: World,
) -> None:
    wallet = await world.wallet()
    refused = await world.ask("payments", world.order(wallet, currency="USD"), key="once")
    assert refused.status_code == 422
    made = await world.ask("payments", world.order(wallet), key="once")
    assert made.status_code == 201
    other = await world.ask("refunds", {"payment": made.json()["id"]}, key="once")
    assert other.status_code == 201
    draft = await world.ask("payments", world.order(wallet, confirm=False), key="draft")
    for number, payment in enumerate((draft.json(), made.json())):  # two requests to one route
        canceled = await world.ask(f"payments/{payment['id']}/cancel", key="once")
        expected = (200, None) if number == 0 else (422, "idempotency_key_reused")
        assert (canceled.status_code, canceled.json().get("code")) == expected
