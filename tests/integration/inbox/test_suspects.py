"""Events that are lost with their workers: taken alone, then given up. No others are suspected."""

from __future__ import annotations

from groat.inbox.domain.event import MOST_LOST, SUSPECT_AFTER
from tests.support.world import World


async def lose(world: World) -> None:
    """Let a worker claim what there is, and die."""
    await world.rows("update provider_event set attempts = attempts + 1, claimed_until = now()")


async def settled(world: World) -> list[tuple[object, ...]]:
    return await world.rows(
        "select status, reason, attempts_lost, claimed_until from provider_event"
    )


async def test_an_event_lost_repeatedly_is_processed_alone_then_declared_dead(world: World) -> None:
    await world.deliver(await world.signed({"id": "evt_1", "type": "x.y"}))
    await lose(world)
    await world.rows("update provider_event set attempts_lost = %s", SUSPECT_AFTER)
    assert await world.drain() == 0
    await world.rows("update provider_event set attempts_lost = %s", MOST_LOST - 1)
    assert await world.engine.drain.take_suspect() == 1
    assert await settled(world) == [("dead", "kills_workers", 0, None)]


async def test_an_event_that_a_worker_survives_is_no_longer_a_suspect(world: World) -> None:
    """An event that is tried for days is claimed whenever a worker happens to be killed."""
    await world.deliver(await world.signed({"id": "evt_1", "type": "x.y"}))
    await lose(world)
    await world.drain()
    assert await settled(world) == [("ignored", "no_fact_in_event", 0, None)]
