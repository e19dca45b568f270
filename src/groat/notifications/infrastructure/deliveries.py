"""Claim deliveries, write the results of their attempts, and read them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from groat.kernel.ids import EndpointId, EventId, MerchantId
from groat.notifications.domain.delivery import (
    Attempt,
    Attempted,
    ClaimedDelivery,
    DeliveryStatus,
    EventDelivery,
)
from groat.notifications.infrastructure.feed import to_event
from groat.platform.postgres.columns import Bigints, Blobs, Texts, Times, Uuids
from groat.platform.postgres.connection import Connection, Row
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "deliveries.sql")

ORDERED_ATTEMPTS = 5
"""Number of attempts of an event for which the later events of its object wait."""

_MS = timedelta(milliseconds=1)


async def claim(
    connection: Connection, lease: timedelta, places: int, busy: Mapping[EndpointId, int]
) -> list[ClaimedDelivery]:
    """Claim due deliveries: of each endpoint, at most ``places`` less its requests in ``busy``."""
    rows = await connection.fetch(
        QUERIES["claim_deliveries"],
        {
            "lease": lease,
            "places": places,
            "busy_ids": Uuids(list(busy)),
            "busy_counts": Bigints(list(busy.values())),
            "ordered_attempts": ORDERED_ATTEMPTS,
        },
    )
    return [
        ClaimedDelivery(
            merchant_id=row.merchant_id,
            endpoint_id=row.endpoint_id,
            attempts=row.attempts,
            since=row.since,
            url=row.url,
            secrets=row.secrets,
            event=to_event(row),
        )
        for row in rows
    ]


def relax_commit(connection: Connection) -> None:
    """Let the commit not wait for the disk: if PostgreSQL dies, it may be forgotten."""
    connection.write(QUERIES["relax_commit"])


def settle(connection: Connection, results: Sequence[Attempted]) -> None:
    """Write the results of attempts, and log the attempts."""
    claimed = [one.delivery for one in results]
    attempts = [one.attempt for one in results]
    connection.write(
        QUERIES["settle_deliveries"],
        {
            "merchant_ids": Bigints([one.merchant_id for one in claimed]),
            "endpoint_ids": Uuids([one.endpoint_id for one in claimed]),
            "event_ids": Uuids([one.event.id for one in claimed]),
            "numbers": Bigints([one.number for one in attempts]),
            "statuses": Texts([one.status for one in results]),
            "delays_ms": Bigints([one.delay // _MS for one in results]),
            "started": Times([one.started_at for one in attempts]),
            "latencies_ms": Bigints([one.latency_ms for one in attempts]),
            "status_codes": Texts([_text(one.status_code) for one in attempts]),
            "errors": Texts([one.error for one in attempts]),
            "answers": Blobs([one.answer for one in attempts]),
        },
    )


def note_success(
    connection: Connection, endpoints: Collection[tuple[MerchantId, EndpointId]]
) -> None:
    """End the failures of endpoints that have answered."""
    ordered = sorted(endpoints)
    connection.write(
        QUERIES["note_success"],
        {
            "merchant_ids": Bigints([merchant_id for merchant_id, _ in ordered]),
            "endpoint_ids": Uuids([endpoint_id for _, endpoint_id in ordered]),
        },
    )


async def resend(
    connection: Connection, merchant_id: MerchantId, endpoint_id: EndpointId, event_id: EventId
) -> bool:
    """Make a delivery due at once; return False if there is none."""
    key = {"merchant_id": merchant_id, "endpoint_id": endpoint_id, "event_id": event_id}
    return await connection.fetch_one(QUERIES["resend_delivery"], key) is not None


async def recover(
    connection: Connection, merchant_id: MerchantId, endpoint_id: EndpointId, since: datetime
) -> int:
    """Make the dead deliveries of events since a time due again; return their number."""
    key = {"merchant_id": merchant_id, "endpoint_id": endpoint_id, "since": since}
    return len(await connection.fetch(QUERIES["recover_deliveries"], key))


async def add_missing(
    connection: Connection, merchant_id: MerchantId, endpoint_id: EndpointId, since: datetime
) -> int:
    """Add missing deliveries of events since a time; return their number."""
    key = {"merchant_id": merchant_id, "endpoint_id": endpoint_id, "since": since}
    return len(await connection.fetch(QUERIES["add_missing_deliveries"], key))


async def page(
    connection: Connection,
    merchant_id: MerchantId,
    endpoint_id: EndpointId,
    status: DeliveryStatus | None,
    before: EventId | None,
    limit: int,
) -> list[EventDelivery]:
    """Return deliveries, newest event first."""
    rows = await connection.fetch(
        QUERIES["list_deliveries"],
        {
            "merchant_id": merchant_id,
            "endpoint_id": endpoint_id,
            "status": status,
            "before": before,
            "limit": limit,
        },
    )
    return [_to_delivery(row) for row in rows]


async def find(
    connection: Connection, merchant_id: MerchantId, endpoint_id: EndpointId, event_id: EventId
) -> tuple[EventDelivery | None, list[Attempt]]:
    """Return a delivery with its attempts, None if there is none."""
    key = {"merchant_id": merchant_id, "endpoint_id": endpoint_id, "event_id": event_id}
    found, attempts = await connection.fetch_each(
        (QUERIES["get_delivery"], key), (QUERIES["list_attempts"], key)
    )
    return _to_delivery(found[0]) if found else None, [_to_attempt(row) for row in attempts]


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _to_delivery(row: Row) -> EventDelivery:
    return EventDelivery(
        event_id=EventId(row.event_id),
        status=DeliveryStatus(row.status),
        attempts=row.attempts,
        due_at=row.due_at,
        created_at=row.created_at,
        settled_at=row.settled_at,
    )


def _to_attempt(row: Row) -> Attempt:
    return Attempt(
        number=row.number,
        started_at=row.started_at,
        latency_ms=row.latency_ms,
        status_code=row.status_code,
        error=row.error,
        answer=row.answer,
    )
