"""The Idempotency-Key header: required where a provider is paid, stored encrypted, kept 30 days."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from groat.kernel import ids
from groat.kernel.errors import ConfigurationError
from groat.platform.crypto import unseal
from tests.integration.app.routes import operations
from tests.support.routing import put_rules, rule
from tests.support.shared_api import app_of
from tests.support.world import World, engine_and_api

REQUIRED = {
    "POST /v1/payments",
    "POST /v1/payments/{payment_id}/confirm",
    "POST /v1/payments/{payment_id}/capture",
    "POST /v1/payments/{payment_id}/cancel",
    "POST /v1/refunds",
}


async def test_payments_and_refunds_need_a_key(world: World) -> None:
    transport = httpx.ASGITransport(app_of(world.engine))
    headers = {"authorization": f"Bearer {world.api_key}"}
    refused = set()
    async with httpx.AsyncClient(
        transport=transport, base_url="http://groat.test", headers=headers
    ) as bare:
        for one in operations():
            if one.method == "POST":
                answer = await bare.post(one.path.format(**dict.fromkeys(one.parameters, "x")))
                if answer.json()["code"] == "idempotency_key_required":
                    assert answer.status_code == 400
                    refused.add(str(one))
    assert refused == REQUIRED


async def test_a_quoted_key_is_the_same_key(world: World) -> None:
    order = {"code": "wallet:alice", "currency": "EUR"}
    first = await world.ask("accounts", order, key="alice")
    again = await world.ask("accounts", order, key='"alice"')
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


async def test_the_order_of_members_does_not_matter_and_every_value_does(world: World) -> None:
    first = await world.ask("accounts", {"code": "wallet:a", "currency": "EUR"}, key="a")
    again = await world.ask("accounts", {"currency": "EUR", "code": "wallet:a"}, key="a")
    other = await world.ask("accounts", {"code": "wallet:b", "currency": "EUR"}, key="a")
    assert again.content == first.content
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_replay_is_the_first_answer_even_if_the_object_has_changed(world: World) -> None:
    wallet = await world.wallet()
    first = await world.ask("payments", world.order(wallet, capture_method="manual"), key="one")
    payment = first.json()
    await world.command(payment, "capture")
    again = await world.ask("payments", world.order(wallet, capture_method="manual"), key="one")
    assert again.content == first.content
    assert (payment["status"], (await world.payment(payment["id"]))["status"]) == (
        "authorized",
        "succeeded",
    )


async def test_a_replay_is_the_first_answer_even_if_the_request_is_refused_by_now(
    world: World,
) -> None:
    wallet = await world.wallet()
    await put_rules(world, rule(world, "all", "stripe"))
    order = world.order(wallet, payment_methods={"stripe": "pm_card_visa"})
    del order["provider_account"], order["payment_method"]
    first = await world.ask("payments", order, key="one")
    await put_rules(world)
    refused = await world.ask("payments", order, key="two")
    assert refused.json()["code"] == "no_route"
    again = await world.ask("payments", order, key="one")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


@pytest.mark.parametrize("linked", [True, False])
async def test_a_bulk_with_a_key_is_posted_once(world: World, *, linked: bool) -> None:
    alice, bob = await world.wallet(floor=-1000), await world.wallet("wallet:bob")
    common = {"debit_account": alice, "credit_account": bob, "currency": "EUR"}
    items = [{**common, "reference": f"t-{n}", "amount": n} for n in (1, 2, 3)]
    if not linked:
        items += [{**common, "reference": "t-4", "amount": 10_000}]
        items += [{**common, "reference": "t-5", "amount": -1}]
    body = {"transfers": items, "linked": linked}
    answers = await asyncio.gather(
        *(world.ask("transfers/bulk", body, key="bulk") for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    statuses = [one["status"] for one in answers[0].json()["data"]]
    assert statuses == ["posted"] * 3 + ["refused"] * (0 if linked else 2)
    assert await world.balance(bob) == 6


async def test_a_refused_transfer_frees_its_key(world: World) -> None:
    alice, bob = await world.wallet(), await world.wallet("wallet:bob")
    sides = {"debit_account": alice, "credit_account": bob}
    order = {"reference": "t", "amount": 5, "currency": "EUR", **sides}
    refused = await world.ask("transfers", order, key="one")
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_funds")
    assert await world.rows("select from idempotency_key") == []
    await world.pay(alice)
    posted = await world.ask("transfers", order, key="one")
    assert posted.status_code == 201


async def test_a_stored_answer_is_encrypted_for_its_row(world: World) -> None:
    await world.ask("accounts", {"code": "wallet:secret", "currency": "EUR"}, key="one")
    [(route, answer)] = await world.rows("select route, answer from idempotency_key")
    data_key = await world.engine.merchants.data_key(world.merchant_id)
    assert b"wallet:secret" not in answer
    row = f"answer {world.merchant_id} {route} ".encode()
    assert b'"code":"wallet:secret"' in unseal(data_key, answer, row + b"one")
    with pytest.raises(ConfigurationError):
        unseal(data_key, answer, row + b"two")


async def test_a_worker_deletes_keys_after_thirty_days(world: World) -> None:
    for name in ("old", "young"):
        await world.ask("accounts", {"code": f"wallet:{name}", "currency": "EUR"}, key=name)
    age = "update idempotency_key set created_at = now() - interval "
    await world.tamper(f"{age} '31 days 1 minute' where key = ", "old")
    await world.tamper(f"{age} '30 days' where key = ", "young")
    assert await world.engine.answers.purge_batch() == 1
    assert await world.rows("select key from idempotency_key") == [("young",)]


async def test_the_key_of_a_dead_request_is_answered_once_its_operation_is_settled(
    world: World,
) -> None:
    """As after kill -9 of an API: the operation is committed, and no answer is stored."""
    order = world.order(await world.wallet())
    first = await world.ask("payments", order, key="one")
    forget = "update idempotency_key set answer = null, claimed_at = now() - interval "
    await world.rows("update operation set outcome = 'pending', reason = null")
    hasty = world.settings.model_copy(update={"pending_seconds": 60.0})
    async with engine_and_api(hasty, world.api_key) as (_, api):
        headers = {"idempotency-key": "one"}
        for age in ("'0 s'", "'61 s'"):  # young, and old with an operation without an answer
            await world.tamper(f"{forget} {age} where key = ", "one")
            waiting = await api.post("/v1/payments", json=order, headers=headers)
            assert waiting.status_code == 409
            assert waiting.json()["code"] == "idempotency_key_in_use"
        await world.rows("update operation set outcome = 'succeeded'")
        late = await api.post("/v1/payments", json=order, headers=headers)
        again = await api.post("/v1/payments", json=order, headers=headers)
    assert (late.status_code, late.json()["id"]) == (201, first.json()["id"])
    assert late.headers["idempotent-replayed"] == "true"
    assert again.content == late.content
    assert len(await world.stripe.charges()) == 1


async def test_a_look_up_whose_process_died_can_be_repeated_after_its_lease(world: World) -> None:
    payment = await world.pay(await world.wallet())
    path = f"payments/{payment['id']}/sync"
    first = await world.ask(path, key="look")
    forget = "update idempotency_key set answer = null, claimed_at = now() - interval "
    await world.tamper(f"{forget} '1 minute' where key = ", "look")
    waiting = await world.ask(path, key="look")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "idempotency_key_in_use")
    await world.tamper(f"{forget} '3 minutes' where key = ", "look")
    again = await world.ask(path, key="look")
    assert again.json() == first.json()
    assert "idempotent-replayed" not in again.headers


async def test_a_look_up_that_fails_frees_its_key(world: World) -> None:
    missing = ids.render("payment", ids.uuid7())
    answer = await world.ask(f"payments/{missing}/sync", key="look")
    assert answer.status_code == 404
    assert await world.rows("select from idempotency_key") == []
