"""Deliveries that come again while their events are being drained: nobody waits for each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

import pytest

from groat.kernel import ids
from groat.kernel.ids import WebhookEventId
from groat.platform.connection import Connection
from groat.webhooks.domain.event import ClaimedEvent, Delivery, merge
from groat.webhooks.domain.settling import Tries
from groat.webhooks.infrastructure import store
from tests.integration.world import World

EVENTS, ROUNDS = 400, 20
Work: TypeAlias = Callable[[Connection, Sequence[ClaimedEvent]], Awaitable[object]]


async def settle(connection: Connection, events: Sequence[ClaimedEvent]) -> None:
    assert len(await store.lock_claimed(connection, events[0].merchant_id, events)) == EVENTS


async def extend(connection: Connection, events: Sequence[ClaimedEvent]) -> None:
    store.renew_claims(connection, events, until=datetime.now(UTC))


async def replay(connection: Connection, events: Sequence[ClaimedEvent]) -> None:
    due = dict.fromkeys((event.id for event in events), datetime.now(UTC))
    assert len(await store.replay(connection, events[0].merchant_id, due)) == EVENTS


@pytest.mark.parametrize("work", [settle, extend, replay])
async def test_repeated_deliveries_and_all_other_work_take_their_locks_in_one_order(
    world: World, work: Work
) -> None:
    """Two statements that lock the same rows in different orders deadlock within a few rounds."""
    first = Delivery(
        world.merchant_id,
        world.stripe.account_id,
        "evt_0",
        WebhookEventId(ids.uuid7()),
        "charge.succeeded",
        b"{}",
        datetime.now(UTC),
    )
    deliveries = [
        replace(first, provider_event_id=f"evt_{number}", id=WebhookEventId(ids.uuid7()))
        for number in reversed(range(EVENTS))
    ]
    claimed = [
        ClaimedEvent(
            one.merchant_id, one.id, one.provider_account_id, "", b"", 0, 0, Tries(0, 0, None)
        )
        for one in deliveries
    ]
    database = world.engine.database

    async def repeat() -> None:
        async with database.autocommit() as connection:
            assert not await store.put(connection, merge(deliveries))
            await store.count_repetitions(connection, merge(deliveries))

    async def do_work() -> None:
        async with database.transaction() as connection:
            await work(connection, claimed)

    async with database.autocommit() as connection:
        assert len(await store.put(connection, merge(deliveries))) == EVENTS
    for _ in range(ROUNDS):
        await asyncio.gather(repeat(), do_work())
    assert {row[4] for row in await world.inbox()} == {ROUNDS + 1}
