"""One event's or one merchant's trouble is its own."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import psycopg

from groat.inbox.domain.event import MOST_LOST, WebhookDelivery
from groat.inbox.infrastructure import events as store
from groat.inbox.service.drain import FULL_BATCH
from groat.kernel import ids
from groat.kernel.value import replace
from tests.support.world import OPERATOR, World

CAPTURED = "PAYMENT.CAPTURE.COMPLETED"


async def store_events(world: World, *deliveries: WebhookDelivery) -> None:
    async with world.engine.database.transaction() as connection:
        await store.put(connection, deliveries)


async def test_an_account_with_an_invalid_adapter_delays_no_other_event(world: World) -> None:
    broken = await world.engine.merchants.put_provider_account(
        OPERATOR.acting_for(world.merchant_id),
        "paypal",
        "broken",
        {"client_id": "x", "client_secret": "x", "certificate_root": "not a certificate"},
    )
    await world.pay(await world.wallet())
    await world.deliver_all(await world.posted_mail("payment_intent.succeeded"))
    [(event_id, received_at)] = await world.rows("select id, received_at from provider_event")
    delivery = WebhookDelivery(
        world.merchant_id,
        broken,
        "WH-1",
        ids.ProviderEventId(ids.uuid7()),
        CAPTURED,
        b"{}",
        received_at,
    )
    await store_events(world, delivery)
    assert await world.drain() == 2
    states = dict(await world.rows("select id, status || coalesce(reason, '') from provider_event"))
    assert states[event_id] == "processedalready_so"
    assert states[delivery.id] == "retryingValueError"


async def test_lost_claims_do_not_count_as_failures(world: World) -> None:
    await world.pay(await world.wallet())
    await world.deliver_all(await world.posted_mail("charge.succeeded"))
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(
            await psycopg.AsyncConnection.connect(world.database_url)
        )
        await connection.execute("select from provider_event for update")
        drain = asyncio.create_task(world.drain())
        assert await drain == 0  # rows that somebody else holds are passed over
    await world.rows("update provider_event set attempts = 30")
    assert await world.drain() == 1
    assert await world.rows("select status, attempts, failures from provider_event") == [
        ("processed", 31, 0)
    ]


async def test_a_database_error_does_not_count_as_a_killed_worker(
    world: World,
) -> None:
    """Events that are lost with their workers again and again are declared dead."""
    await world.pay(await world.wallet())
    await world.deliver_all(await world.posted_mail("charge.succeeded"))
    async with await psycopg.AsyncConnection.connect(world.database_url) as blocker:
        await blocker.execute("select from payment for update")
        for _ in range(MOST_LOST + 1):
            await cut_off(world, asyncio.create_task(world.drain()))
            await world.make_due()
    while await world.drain():
        pass
    assert await world.rows("select status, attempts_lost from provider_event") == [
        ("processed", 0)
    ]


async def cut_off(world: World, work: asyncio.Task[int]) -> None:
    """Break the database connection of ``work`` when it waits for a lock; see that it did work."""
    while not work.done():
        await world.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where wait_event_type = 'Lock' and datname = current_database()"
        )
        await asyncio.sleep(0.01)
    assert work.result() == 1


@asynccontextmanager
async def mute_account(world: World, events: int) -> AsyncIterator[None]:
    """Have so many events of an account whose provider never answers, in the inbox."""
    silence = socket.create_server(("127.0.0.1", 0), backlog=64)  # who calls is never taken
    host, port = silence.getsockname()
    account_id = await world.engine.merchants.put_provider_account(
        OPERATOR.acting_for(world.merchant_id),
        "paypal",
        "mute",
        {"client_id": "x", "client_secret": "x", "api_base": f"http://{host}:{port}"},
    )
    body = json.dumps({"resource": {"id": "x"}}).encode()
    first = WebhookDelivery(
        world.merchant_id,
        account_id,
        "WH-",
        ids.ProviderEventId(ids.uuid7()),
        CAPTURED,
        body,
        datetime.now(UTC),
    )
    numbered = [
        replace(first, provider_reference=f"WH-{number:03}", id=ids.ProviderEventId(ids.uuid7()))
        for number in range(events)
    ]
    await store_events(world, *numbered)
    with silence:
        yield
    await world.engine.drain.finish()


async def settled(world: World) -> list[str]:
    rows = await world.rows("select event_type from provider_event where settled_at is not null")
    return [row[0] for row in rows]


async def test_a_silent_provider_delays_no_event_of_another(world: World) -> None:
    async with mute_account(world, 40):
        await world.deliver(await world.signed({"id": "evt_1", "type": "x.y"}))
        assert await world.engine.drain.drain_batch() == 41
        assert await settled(world) == ["x.y"]


async def test_a_silent_provider_with_many_events_delays_no_event_of_another(world: World) -> None:
    async with mute_account(world, 700):
        await world.deliver(await world.signed({"id": "evt_1", "type": "x.y"}))
        async with asyncio.timeout(60):
            taken = [await world.engine.drain.drain_batch() for _ in range(4)]
        assert taken == [FULL_BATCH, FULL_BATCH, 1, 0]
        assert await settled(world) == ["x.y"]
