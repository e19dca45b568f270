"""Convert events to rows and back, give them their positions in the feed, and purge them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from groat.kernel.ids import EventId, MerchantId
from groat.notifications.domain.feed import (
    EventRoute,
    FeedEvent,
    FeedFilter,
    FeedPage,
    NewEvent,
    RoutedEvent,
)
from groat.platform.postgres.columns import Bigints, Blobs, Texts, Uuids
from groat.platform.postgres.connection import Connection, Row
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "feed.sql")
CHECKS = load_queries(__file__, "checks.sql")


def write(
    connection: Connection,
    merchant_id: MerchantId,
    events: Sequence[NewEvent],
    created_at: datetime,
) -> None:
    """Insert events of one merchant. They have no position until they are committed."""
    connection.write(
        QUERIES["write_events"],
        {
            "merchant_id": merchant_id,
            "created_at": created_at,
            "ids": Uuids([event.id for event in events]),
            "types": Texts([event.type for event in events]),
            "object_ids": Uuids([event.object_id for event in events]),
            "laters": Bigints([event.later for event in events]),
            "data": Blobs([event.data for event in events]),
            "previous": Blobs([event.previous for event in events]),
        },
    )


class Placed(NamedTuple):
    """The number of placed events and of added deliveries, and merchants that need a feed first."""

    events: int
    deliveries: int
    without_feed: Sequence[MerchantId]


async def place(connection: Connection, limit: int) -> Placed:
    """Give about ``limit`` committed events their positions, and add their deliveries."""
    [row] = await connection.fetch(QUERIES["place_events"], {"limit": limit})
    without_feed = [MerchantId(merchant_id) for merchant_id in row.without_feed]
    return Placed(row.events, row.deliveries, without_feed)


def open_feeds(connection: Connection, merchant_ids: Collection[MerchantId]) -> None:
    """Create the feeds of these merchants."""
    connection.write(QUERIES["open_feeds"], {"merchant_ids": Bigints(list(merchant_ids))})


async def page(
    connection: Connection, merchant_id: MerchantId, wanted: FeedFilter, after: int, limit: int
) -> FeedPage:
    """Return the first ``limit`` events after a position, with the ends of the feed."""
    rows = await connection.fetch(
        QUERIES["read_feed"],
        {
            "merchant_id": merchant_id,
            "after": after,
            "object_id": wanted.object_id,
            "pattern": wanted.like,
            "limit": limit,
        },
    )
    if not rows:  # nothing has happened yet
        return FeedPage([], 0, 0, is_full=False)
    events = [to_event(row) for row in rows if row.id is not None]
    ends = rows[0]
    return FeedPage(events, ends.purged_position, ends.last_position, len(events) == limit)


async def find(
    connection: Connection, merchant_id: MerchantId, event_id: EventId
) -> FeedEvent | None:
    """Return one event, None if the feed does not have it."""
    row = await connection.fetch_one(
        QUERIES["get_event"], {"merchant_id": merchant_id, "id": event_id}
    )
    return None if row is None else to_event(row)


async def events_of(
    connection: Connection, merchant_id: MerchantId, object_ids: Collection[UUID]
) -> list[RoutedEvent]:
    """Return the events of these objects, oldest first, each with its deliveries."""
    rows = await connection.fetch(
        QUERIES["list_events_of_objects"],
        {"merchant_id": merchant_id, "object_ids": Uuids(list(object_ids))},
    )
    found: dict[EventId, RoutedEvent] = {}
    for row in rows:
        event = found.setdefault(row.id, RoutedEvent(row.id, row.type, row.created_at, []))
        if row.endpoint_id is not None:
            answer = row.error if row.status_code is None else str(row.status_code)
            event.routes.append(EventRoute(row.endpoint_id, row.status, row.attempts, answer))
    return list(found.values())


async def last_positions(
    connection: Connection, merchant_ids: Collection[MerchantId]
) -> dict[MerchantId, int]:
    """Return the last position of each of these feeds."""
    rows = await connection.fetch(
        QUERIES["last_positions"], {"merchant_ids": Bigints(list(merchant_ids))}
    )
    return {MerchantId(row.merchant_id): row.last_position for row in rows}


async def purge(connection: Connection, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` events that are older than ``before``; return their number."""
    rows = await connection.fetch(QUERIES["purge_events"], {"before": before, "limit": limit})
    return sum(row.events for row in rows)


def to_event(row: Row) -> FeedEvent:
    """Return the event in a row."""
    return FeedEvent(
        id=EventId(row.id),
        position=row.position,
        type=row.type,
        object_id=row.object_id,
        sequence=row.sequence,
        created_at=row.created_at,
        data=row.data,
        previous=row.previous,
    )
