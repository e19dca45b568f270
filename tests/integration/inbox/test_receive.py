"""The door: what is acknowledged is stored, and nothing else is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import redis.asyncio
from pydantic import SecretStr

from groat.kernel import ids
from groat.platform.embedded.servers import EmbeddedServers
from groat.platform.http.bodies import MAX_BODY_BYTES, BodyBudget
from groat.platform.postgres import schema
from groat.providers.port import Envelope
from groat.providers.stripe.webhooks import StripeWebhooks
from groat.simulator.signatures import stripe_signature
from tests.support.setting import Setting
from tests.support.world import OPERATOR, Mail, World, api_client, engine_and_api


@pytest.fixture
async def mail(world: World) -> list[Mail]:
    """The five webhooks of one payment at each provider: three of Stripe's, two of PayPal's."""
    wallet = await world.wallet()
    await world.pay(wallet)
    await world.pay(wallet, provider_account=world.paypal.account, payment_method="card:vault_visa")
    return await world.posted_mail()


async def stored(world: World) -> int:
    return len(await world.inbox())


async def test_genuine_webhooks_of_both_providers_are_accepted(
    world: World, mail: list[Mail]
) -> None:
    await world.deliver_all(mail)
    assert sorted(row[0] for row in await world.inbox()) == [
        "CHECKOUT.ORDER.COMPLETED",
        "PAYMENT.CAPTURE.COMPLETED",
        "charge.succeeded",
        "payment_intent.created",
        "payment_intent.succeeded",
    ]


async def test_an_altered_body_is_refused_and_nothing_stored(
    world: World, mail: list[Mail]
) -> None:
    answers = [await world.deliver(replace(one, body=one.body + b" ")) for one in mail]
    assert {answer.status_code for answer in answers} == {400}
    assert {answer.json()["code"] for answer in answers} == {"signature_mismatch"}
    assert await stored(world) == 0


async def test_an_unsigned_body_is_refused(world: World, mail: list[Mail]) -> None:
    answers = [await world.deliver(replace(one, headers={})) for one in mail]
    assert {answer.json()["code"] for answer in answers} == {"signature_missing"}
    assert await stored(world) == 0


async def test_an_unknown_account_is_not_found(world: World, mail: list[Mail]) -> None:
    stranger = ids.render("provider_account", ids.uuid7())
    path = world.webhook_path.replace(world.stripe.account, stranger)
    answer = await world.deliver(replace(mail[0], path=path))
    assert (answer.status_code, answer.json()["code"]) == (404, "provider_account_not_found")
    assert await stored(world) == 0


async def test_a_body_above_the_limit_is_refused_with_and_without_a_declared_length(
    world: World,
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 65536 + 1):
            yield b"x" * 65536

    announced = await world.api.post(world.webhook_path, content=b"x" * (MAX_BODY_BYTES + 1))
    unannounced = await world.api.post(world.webhook_path, content=chunks())
    for answer in (announced, unannounced):
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert await stored(world) == 0


async def test_a_signed_body_without_an_event_is_refused(world: World) -> None:
    answer = await world.deliver(await world.signed({"object": "event"}))
    assert (answer.status_code, answer.json()["code"]) == (400, "body_malformed")
    assert await stored(world) == 0


async def test_an_event_of_an_unknown_type_is_stored_and_later_ignored(world: World) -> None:
    event = {"id": "evt_1", "object": "event", "type": "radar.early_fraud_warning.created"}
    assert (await world.deliver(await world.signed(event))).status_code == 200
    assert await world.drain() == 1
    assert await world.inbox() == [
        ("radar.early_fraud_warning.created", "ignored", "no_fact_in_event", 1, 1)
    ]


async def test_fifty_deliveries_of_ten_events_at_once_are_ten_rows(world: World) -> None:
    mail = [await world.signed({"id": f"evt_{n}", "type": "x.y"}) for n in range(10)]
    await world.deliver_all(mail * 5)
    rows = await world.inbox()
    assert len(rows) == 10
    assert [row[4] for row in rows] == [5] * 10


async def test_many_deliveries_ring_the_doorbell_once(world: World, setting: Setting) -> None:
    assert setting.settings.redis_url is not None
    url = setting.settings.redis_url.get_secret_value()
    mail = [await world.signed({"id": f"evt_{n}", "type": "x"}) for n in "ab"]
    async with redis.asyncio.Redis.from_url(url, decode_responses=True) as client:
        await client.delete("bull:groat-inbox:wait", "bull:groat-inbox:de:drain")
        await world.deliver_all(mail)
        async with asyncio.timeout(60):
            while not (waiting := await client.lrange("bull:groat-inbox:wait", 0, -1)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        names = [await client.hget(f"bull:groat-inbox:{job!s}", "name") for job in waiting]
    assert names == ["drain"]


async def test_an_event_id_that_cannot_be_stored_is_refused_and_delays_no_other_event(
    world: World,
) -> None:
    poison = await world.signed({"id": "evt_\0", "type": "x.y"})
    good = await world.signed({"id": "evt_1", "type": "x.y"})
    answers = await asyncio.gather(*(world.deliver(one) for one in (good, poison, good)))
    assert [answer.status_code for answer in answers] == [200, 400, 200]
    assert await stored(world) == 1


@pytest.mark.parametrize(
    "careless",
    [Envelope("evt_\0", "x.y"), Envelope("evt_1", "x" * 300), Envelope("evt_1", "x", "")],
)
async def test_an_invalid_event_id_passed_by_an_adapter_delays_no_other_event(
    world: World, monkeypatch: pytest.MonkeyPatch, careless: Envelope
) -> None:
    monkeypatch.setattr(StripeWebhooks, "envelope", lambda *_: careless)
    answer = await world.deliver(await world.signed({"id": "evt_1", "type": "x.y"}))
    assert (answer.status_code, answer.json()["code"]) == (400, "body_malformed")
    assert await stored(world) == 0


async def test_deliveries_above_the_memory_limit_are_asked_to_retry(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groat.app.api.BodyBudget", partial(BodyBudget, most_bytes=200_000))
    mail = [
        await world.signed({"id": f"evt_{number}", "type": "x.y", "much": "x" * 40_000})
        for number in range(10)
    ]
    async with api_client(world.engine, world.api_key) as api:
        small = replace(world, api=api)
        answers = await asyncio.gather(*(small.deliver(one) for one in mail))
        accepted = [answer for answer in answers if answer.status_code == 200]
        refused = [answer.json()["code"] for answer in answers if answer.status_code == 503]
        assert (len(accepted), refused) == (2, ["overloaded"] * 8)
        assert (await small.deliver(mail[-1])).status_code == 200
    assert await stored(world) == 3


@pytest.fixture
def own_servers(tmp_path: Path) -> Iterator[EmbeddedServers]:
    with EmbeddedServers(tmp_path / "own", ephemeral=True, valkey=False) as servers:
        schema.migrate(servers.database_url)
        yield servers


async def test_a_delivery_without_a_database_is_asked_to_retry(
    world: World, setting: Setting, own_servers: EmbeddedServers
) -> None:
    settings = world.settings.model_copy(
        update={"database_url": SecretStr(own_servers.database_url), "redis_url": None}
    )
    async with engine_and_api(settings, setting.merchant.api_key) as (engine, api):
        merchant_id = await engine.merchants.create(OPERATOR, "Down")
        account_id = await engine.merchants.put_provider_account(
            OPERATOR.acting_for(merchant_id),
            "stripe",
            "s",
            {"api_key": "sk_1", "webhook_secret": "whsec_1"},
        )
        body = b'{"id": "evt_1", "type": "x.y"}'
        headers = {"stripe-signature": stripe_signature("whsec_1", body, int(time.time()))}
        path = "/webhooks/{}/{}".format(
            ids.render_merchant(merchant_id), ids.render("provider_account", account_id)
        )
        await asyncio.to_thread(own_servers.postgres.stop)
        answer = await api.post(path, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert answer.headers["retry-after"] == "1"

        await asyncio.to_thread(own_servers.postgres.start)
        assert (await engine.drain.counts(merchant_id)).deliveries == 0
        assert (await api.post(path, content=body, headers=headers)).status_code == 200
        assert (await engine.drain.counts(merchant_id)).deliveries == 1
