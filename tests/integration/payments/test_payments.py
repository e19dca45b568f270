"""A payment through the engine: its answer, the ledger, and what the provider really charged."""

from __future__ import annotations

import asyncio

import pytest

from groat.kernel import ids
from groat.platform.embedded.places import free_port
from tests.support.world import (
    BAD_PAYPAL,
    BAD_STRIPE,
    GOOD_PAYPAL,
    GOOD_STRIPE,
    OPERATOR,
    World,
    impatient,
    without_answers,
)

PAID = {"stripe": "payment_intent.succeeded", "paypal": "PAYMENT.CAPTURE.COMPLETED"}


@pytest.mark.parametrize(("provider", "method"), [("stripe", GOOD_STRIPE), ("paypal", GOOD_PAYPAL)])
async def test_a_payment_is_taken_and_posted(world: World, provider: str, method: str) -> None:
    site = world.site(provider)
    wallet = await world.wallet()
    payment = await world.pay(wallet, provider_account=site.account, payment_method=method)
    assert (payment["status"], payment["captured"]) == ("succeeded", 1050)
    assert await world.balance(wallet) == 1050
    [charge] = await site.charges()
    assert (charge["reference"], charge["amount"]) == (payment["id"], 1050)


@pytest.mark.parametrize(
    ("provider", "method"),
    [("stripe", BAD_STRIPE), ("paypal", BAD_PAYPAL)],
)
async def test_a_declined_payment_moves_nothing(world: World, provider: str, method: str) -> None:
    site = world.site(provider)
    wallet = await world.wallet()
    payment = await world.pay(wallet, provider_account=site.account, payment_method=method)
    assert (payment["status"], payment["captured"]) == ("requires_payment_method", 0)
    assert payment["failure_code"] == "insufficient_funds"
    assert await world.balance(wallet) == 0
    assert await site.charges() == []


async def test_a_hundred_calls_at_once_with_one_key_are_one_payment(world: World) -> None:
    order, headers = world.order(await world.wallet()), {"idempotency-key": "one"}
    answers = await asyncio.gather(
        *(world.api.post("/v1/payments", json=order, headers=headers) for _ in range(100))
    )
    made = [answer for answer in answers if answer.status_code == 201]
    [payment_id] = {answer.json()["id"] for answer in made}
    [first] = [one for one in made if "idempotent-replayed" not in one.headers]
    assert {one.content for one in made} == {first.content}
    in_use = {(one.status_code, one.json()["code"]) for one in answers if one not in made}
    assert in_use <= {(409, "idempotency_key_in_use")}
    assert (await world.payment(payment_id))["status"] == "succeeded"
    [charge] = await world.stripe.charges()
    assert charge["reference"] == payment_id


async def test_an_idempotency_key_with_another_body_is_refused(world: World) -> None:
    wallet, headers = await world.wallet(), {"idempotency-key": "one"}
    first = await world.api.post("/v1/payments", json=world.order(wallet), headers=headers)
    other = world.order(wallet, amount=1051)
    second = await world.api.post("/v1/payments", json=other, headers=headers)
    assert first.status_code == 201
    assert (second.status_code, second.json()["code"]) == (422, "idempotency_key_reused")
    assert len(await world.stripe.charges()) == 1


async def test_a_refused_request_frees_its_idempotency_key(world: World) -> None:
    headers = {"idempotency-key": "one"}
    refused = world.order(ids.render("account", ids.uuid7()))
    answer = await world.api.post("/v1/payments", json=refused, headers=headers)
    assert answer.status_code == 404
    order = world.order(await world.wallet())
    answer = await world.api.post("/v1/payments", json=order, headers=headers)
    assert answer.status_code == 201


async def test_an_unreachable_provider_leaves_the_payment_to_another_attempt(world: World) -> None:
    closed = await world.engine.merchants.put_provider_account(
        OPERATOR.acting_for(world.merchant_id),
        "stripe",
        "down",
        {"api_key": "sk_1", "api_base": f"http://127.0.0.1:{free_port()}"},
    )
    wallet = await world.wallet()
    payment = await world.pay(wallet, provider_account=ids.render("provider_account", closed))
    assert payment["status"] == "requires_payment_method"
    assert payment["failure_code"] == "provider_unreachable"
    assert await world.balance(wallet) == 0


@pytest.mark.parametrize(("provider", "method"), [("stripe", GOOD_STRIPE), ("paypal", GOOD_PAYPAL)])
async def test_a_payment_with_a_late_answer_is_settled_by_its_webhook(
    world: World, provider: str, method: str
) -> None:
    site = world.site(provider)
    async with impatient(world) as hasty:
        wallet = await hasty.wallet()
        payment = await hasty.pay(wallet, provider_account=site.account, payment_method=method)
        assert payment["status"] == "processing"
        assert await hasty.rows("select outcome from operation") == [("unknown",)]
        await hasty.deliver_all(await hasty.posted_mail(PAID[provider]))
        await hasty.drain()
        assert (await hasty.payment(payment["id"]))["status"] == "succeeded"
    assert await world.rows("select outcome from operation") == [("succeeded",)]
    assert await world.balance(wallet) == 1050
    assert len(await site.charges()) == 1


async def test_a_wrong_amount_is_quarantined(world: World) -> None:
    async with without_answers(world) as hasty:
        wallet = await hasty.wallet()
        payment = await hasty.pay(wallet)
        lie = {
            "object": "payment_intent",
            "id": "pi_1",
            "status": "succeeded",
            "currency": "eur",
            "amount_received": 1,
            "latest_charge": "ch_1",
            "metadata": {"groat_payment": payment["id"]},
        }
        event = {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": lie}}
        await hasty.deliver(await hasty.signed(event))
        await hasty.drain()
    assert [row[1:3] for row in await world.inbox()] == [("dead", "amount_mismatch")]
    assert (await world.payment(payment["id"]))["status"] == "processing"
    assert await world.balance(wallet) == 0
    told = (await world.api.get("/v1/audit-records", params={"object": payment["id"]})).json()[
        "data"
    ]
    assert told[0]["action"] == "payment.fact_quarantined"
