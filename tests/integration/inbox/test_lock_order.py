"""Many who want the same events at once: none waits for another who waits for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement
from typing import TypeAlias

import psycopg
import pytest

from groat.inbox.domain.conclusion import Tries
from groat.inbox.domain.event import ClaimedEvent, WebhookDelivery, merge
from groat.inbox.infrastructure import events as store
from groat.kernel import ids
from groat.kernel.ids import ProviderEventId
from groat.kernel.value import replace
from groat.platform.postgres.connection import Connection
from tests.support.world import World

EVENTS, ROUNDS = 400, 20
Work: TypeAlias = Callable[[Connection, Sequence[ClaimedEvent]], Awaitable[object]]


async def settle(connection: Connection, events: Sequence[ClaimedEvent]) -> None:
    assert len(await store.lock_claimed(connection, events[0].merchant_id, events)) == EVENTS


async def keep(connection: Connection, events: Sequence[ClaimedEvent]) -> None:
    store.renew_claims(connection, events, timedelta(hours=1))


async def replay(connection: Connection, events: Sequence[ClaimedEvent]) -> None:
    delays = dict.fromkeys((event.id for event in events), timedelta())
    await store.replay(connection, events[0].merchant_id, delays)


PAIRS = list(combinations_with_replacement([settle, keep, replay], 2))


@pytest.fixture
async def deliveries(world: World) -> list[WebhookDelivery]:
    """Deliveries of events that are in the inbox, newest first."""
    first = WebhookDelivery(
        world.merchant_id,
        world.stripe.account_id,
        "evt_0",
        ProviderEventId(ids.uuid7()),
        "charge.succeeded",
        b"{}",
        datetime.now(UTC),
    )
    found = [
        replace(first, provider_reference=f"evt_{number}", id=ProviderEventId(ids.uuid7()))
        for number in range(EVENTS)
    ]
    async with world.engine.database.autocommit() as connection:
        assert len(await store.put(connection, merge(found))) == EVENTS
    return found[::-1]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].__name__}-{pair[1].__name__}")
async def test_every_statement_locks_events_in_one_order(
    world: World, deliveries: Sequence[WebhookDelivery], pair: tuple[Work, Work]
) -> None:
    """Two statements that lock the same rows in different orders deadlock within a few rounds.

    Every other event is claimed: those are renewed, and the others replayed.
    """
    await world.rows(
        "update provider_event set claimed_until = now() where provider_reference ~ '[02468]$'"
    )
    claimed = [
        ClaimedEvent(
            one.merchant_id, one.id, one.provider_account_id, "", "", b"", 0, 0, Tries(0, 0, None)
        )
        for one in deliveries
    ]

    async def do(work: Work, events: Sequence[ClaimedEvent]) -> None:
        async with world.engine.database.transaction() as connection:
            await work(connection, events)

    for _ in range(ROUNDS):
        await asyncio.gather(do(pair[0], claimed), do(pair[1], claimed[::-1]))


async def test_repetitions_are_counted_in_one_order_without_waiting_for_event_locks(
    world: World, deliveries: Sequence[WebhookDelivery]
) -> None:
    async def repeat(order: Sequence[WebhookDelivery]) -> None:
        async with world.engine.database.autocommit() as connection:
            assert not await store.put(connection, merge(order))
            await store.count_repetitions(connection, Counter(one.key for one in order))

    async with (
        await psycopg.AsyncConnection.connect(world.database_url) as at_work,
        asyncio.timeout(60),
    ):
        await at_work.execute("select from provider_event for update")
        for _ in range(ROUNDS):
            await asyncio.gather(repeat(deliveries), repeat(deliveries[::-1]))
    assert {row[4] for row in await world.inbox()} == {2 * ROUNDS + 1}
