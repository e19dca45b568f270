"""Deliveries that come again while their events are being drained: nobody waits for each other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from groat.kernel import ids
from groat.kernel.ids import WebhookEventId
from groat.webhooks.domain.event import ClaimedEvent, Delivery, merge
from groat.webhooks.infrastructure import store
from tests.integration.world import World

EVENTS, ROUNDS = 400, 40


async def test_a_repeated_delivery_and_a_drain_take_their_locks_in_one_order(world: World) -> None:
    """Two statements that lock the same rows in different orders deadlock within a few rounds."""
    now = datetime.now(UTC)
    first = Delivery(
        world.merchant_id,
        world.stripe.account_id,
        "evt_0",
        WebhookEventId(ids.uuid7()),
        "charge.succeeded",
        b"{}",
        now,
    )
    deliveries = [
        replace(first, provider_event_id=f"evt_{number}", id=WebhookEventId(ids.uuid7()))
        for number in reversed(range(EVENTS))
    ]
    database = world.engine.database

    async def repeat() -> None:
        async with database.reading() as connection:
            assert not await store.put(connection, merge(deliveries))
            await store.count_repetitions(connection, merge(deliveries))

    async def drain() -> None:
        claimed = [
            ClaimedEvent(one.merchant_id, one.id, one.provider_account_id, "", b"", 0, 0, 0, None)
            for one in deliveries
        ]
        async with database.transaction() as connection:
            ours = await store.lock_claimed(connection, world.merchant_id, claimed)
        assert len(ours) == EVENTS

    async with database.reading() as connection:
        assert len(await store.put(connection, merge(deliveries))) == EVENTS
    for _ in range(ROUNDS):
        await asyncio.gather(repeat(), drain())
    assert {row[4] for row in await world.inbox()} == {ROUNDS + 1}
