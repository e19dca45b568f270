"""One event's or one merchant's trouble is its own."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import psycopg

from groat.kernel import ids
from groat.webhooks.domain.event import Delivery
from groat.webhooks.infrastructure import store
from tests.integration.world import World


async def store_event(world: World, delivery: Delivery) -> None:
    async with world.engine.database.transaction() as connection:
        await store.put(connection, [delivery])


async def test_an_account_whose_adapter_cannot_be_built_holds_up_nobody(world: World) -> None:
    broken = await world.engine.merchants.put_provider_account(
        world.merchant_id,
        "paypal",
        "broken",
        {"client_id": "x", "client_secret": "x", "certificate_root": "not a certificate"},
    )
    await world.pay(await world.wallet())
    await world.deliver_all(await world.posted_mail("payment_intent.succeeded"))
    [(event_id, received_at)] = await world.rows("select id, received_at from webhook_event")
    delivery = Delivery(
        world.merchant_id,
        broken,
        "WH-1",
        ids.WebhookEventId(ids.uuid7()),
        "PAYMENT.CAPTURE.COMPLETED",
        b"{}",
        received_at,
    )
    await store_event(world, delivery)
    assert await world.drain() == 2
    states = dict(await world.rows("select id, status || coalesce(reason, '') from webhook_event"))
    assert states[event_id] == "processedalready_so"
    assert states[delivery.id] == "retryingValueError"


async def test_claims_that_are_lost_are_not_failures(world: World) -> None:
    await world.pay(await world.wallet())
    await world.deliver_all(await world.posted_mail("charge.succeeded"))
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(world.database_url)
        )
        await connection.execute("select from webhook_event for update")
        drain = asyncio.create_task(world.drain())
        assert await drain == 0  # rows that somebody else holds are passed over
    await world.rows("update webhook_event set attempts = 30")
    assert await world.drain() == 1
    assert await world.rows("select status, attempts, failures from webhook_event") == [
        ("processed", 31, 0)
    ]
