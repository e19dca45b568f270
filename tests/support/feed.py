"""Read a merchant's feed as a client does."""

from __future__ import annotations

from typing import Any, TypeAlias

from tests.support.world import World

Event: TypeAlias = dict[str, Any]
"""An event as the API shows it."""


async def place_all(world: World) -> None:
    """Let a worker give every committed event its position."""
    unplaced = "select 1 from event where position is null limit 1"
    while await world.rows(unplaced):
        await world.engine.sequencer.place_batch()


async def feed_page(world: World, **query: object) -> dict[str, Any]:
    """Return one page of the feed."""
    answer = await world.api.get("/v1/events", params={k: str(v) for k, v in query.items()})
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def all_events(world: World, **query: object) -> list[Event]:
    """Place all events, and read the feed page by page."""
    await place_all(world)
    events: list[Event] = []
    page = await feed_page(world, **query)
    events += page["data"]
    while page["has_more"]:
        page = await feed_page(world, cursor=page["next_cursor"], **query)
        events += page["data"]
    return events


def types_of(events: list[Event], object_id: str | None = None) -> list[str]:
    """Return the types of events in their order; of one object if it is given."""
    return [one["type"] for one in events if object_id in {None, one["subject"]["id"]}]
