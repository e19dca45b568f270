"""Events of others: of another system, of a connected account, of the other mode."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groat.inbox.domain.event import TRIES_BEFORE_LOOKUP
from groat.kernel import ids
from tests.support.payments import PROVIDERS
from tests.support.soundness import assert_sound
from tests.support.world import OPERATOR, Mail, World, drained, engine_and_api, without_answers

ORDER = {
    "intent": "CAPTURE",
    "purchase_units": [{"amount": {"currency_code": "EUR", "value": "10.50"}}],
    "payment_source": {"card": {"vault_id": "vault_dispute"}},
}


async def _dispute_of_another_system(world: World, provider: str) -> list[Mail]:
    """Let another system of the same merchant take a payment that is disputed."""
    if provider == "stripe":
        intent = {"amount": "1050", "currency": "eur", "confirm": "true"}
        answer = await world.stripe.http.post(
            "/v1/payment_intents",
            data={**intent, "payment_method": "pm_card_createDispute"},
            auth=("sk_test_groat", ""),
        )
    else:
        token = await world.paypal.http.post(
            "/v1/oauth2/token", data={"grant_type": "client_credentials"}, auth=("other", "one")
        )
        headers = {
            "authorization": f"Bearer {token.json()['access_token']}",
            "paypal-request-id": str(ids.uuid7()),
        }
        answer = await world.paypal.http.post("/v2/checkout/orders", json=ORDER, headers=headers)
    answer.raise_for_status()
    return await world.posted_mail()


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_dispute_of_a_foreign_charge_is_looked_up_once_and_ignored(
    world: World, provider: str
) -> None:
    before = await world.counts()
    mail = await _dispute_of_another_system(world, provider)
    assert any("DISPUTE" in one.event_type.upper() for one in mail)
    await world.deliver_all(mail)
    for _ in range(TRIES_BEFORE_LOOKUP + 1):
        await world.drain()
        await world.make_due()
    settled = {row[1:3] for row in await world.inbox()}
    assert settled <= {("ignored", "foreign"), ("ignored", "no_fact_in_event")}
    assert ("ignored", "foreign") in settled
    assert await world.drain() == 0
    after = await world.counts()
    assert after.pop("audit_record") == before.pop("audit_record") + len(mail)  # each is settled
    assert after == before


async def test_a_dispute_waits_while_the_provider_cannot_identify_its_charge(
    world: World,
) -> None:
    mail = await _dispute_of_another_system(world, "stripe")
    await world.deliver_all([one for one in mail if one.event_type == "charge.dispute.created"])
    stripe = await world.engine.merchants.provider_account(
        world.merchant_id, world.stripe.account_id
    )
    nowhere = {**stripe.credentials, "api_base": "http://127.0.0.1:9"}
    await world.engine.merchants.put_provider_account(
        OPERATOR.acting_for(world.merchant_id), stripe.provider, stripe.name, nowhere
    )
    async with engine_and_api(world.settings, world.api_key) as (engine, _):
        for _ in range(TRIES_BEFORE_LOOKUP + 2):
            await drained(engine)
            await world.make_due()
    [(_, status, reason, attempts, _)] = await world.inbox()
    assert (status in {"retrying", "deferred"}, attempts) == (True, TRIES_BEFORE_LOOKUP + 2), reason


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_dispute_that_arrives_first_brings_its_payment(world: World, provider: str) -> None:
    method = {"stripe": "pm_card_createDispute", "paypal": "card:vault_dispute"}[provider]
    wallet = await world.wallet()
    async with without_answers(world):
        account = world.site(provider).account
        payment = await world.pay(wallet, provider_account=account, payment_method=method)
    for site in (world.stripe, world.paypal):
        await site.set_faults()
    mail = await world.posted_mail()
    await world.deliver_all([one for one in mail if "DISPUTE" in one.event_type.upper()])
    await world.rows("update operation set reason = 'lost', due_at = 'infinity'")
    for _ in range(TRIES_BEFORE_LOOKUP + 2):
        await world.drain()
        await world.rows("update provider_event set due_at = now() where settled_at is null")
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert {row[1] for row in await world.inbox()} == {"processed"}
    disputes = (await world.api.get("/v1/disputes")).json()["data"]
    assert [one["payment"] for one in disputes] == [payment["id"]]
    await assert_sound(world)


async def _succeeded(world: World) -> tuple[str, dict[str, Any]]:
    """Return a wallet, and the genuine event of a payment whose answer was lost."""
    wallet = await world.wallet()
    async with without_answers(world):
        await world.pay(wallet)
    await world.stripe.set_faults()
    [mail] = await world.posted_mail("payment_intent.succeeded")
    event: dict[str, Any] = json.loads(mail.body)
    return wallet, event


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"livemode": True}, "livemode"),
        ({"account": "acct_another"}, "foreign"),
        ({"livemode": True, "type": "customer.created"}, "livemode"),
        ({"account": "acct_another", "type": "customer.created"}, "foreign"),
    ],
)
async def test_an_event_of_another_account_is_acknowledged_and_never_applied(
    world: World, changes: dict[str, object], reason: str
) -> None:
    wallet, event = await _succeeded(world)
    answer = await world.deliver(await world.signed({**event, "id": "evt_other", **changes}))
    assert answer.status_code == 200
    await world.drain()
    assert [row[1:3] for row in await world.inbox()] == [("ignored", reason)]
    assert await world.balance(wallet) == 0
    await world.deliver(await world.signed(event))
    await world.drain()
    assert await world.balance(wallet) == 1050


async def test_events_of_the_configured_connected_account_are_applied(
    world: World,
) -> None:
    wallet, event = await _succeeded(world)
    stripe = await world.engine.merchants.provider_account(
        world.merchant_id, world.stripe.account_id
    )
    await world.engine.merchants.put_provider_account(
        OPERATOR.acting_for(world.merchant_id),
        stripe.provider,
        stripe.name,
        {**stripe.credentials, "account": "acct_ours"},
    )
    await world.deliver(await world.signed({**event, "account": "acct_ours"}))
    async with engine_and_api(world.settings, world.api_key) as (engine, _):
        await drained(engine)
    assert await world.balance(wallet) == 1050
