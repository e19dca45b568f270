"""The inbox: webhook events to rows and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from groat.kernel.ids import MerchantId, WebhookEventId
from groat.platform.connection import Connection
from groat.platform.queries import load_queries
from groat.webhooks.domain.event import ClaimedEvent, Delivery
from groat.webhooks.domain.settling import Again, EventStatus, Settlement

QUERIES = load_queries(__file__, "webhooks.sql")


class InboxCounts(NamedTuple):
    """How the inbox stands. ``deliveries`` counts every one, ``duplicates`` all but the first."""

    pending: int
    applied: int
    deliveries: int
    duplicates: int


def put(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Write distinct events; one that is there already has its deliveries counted."""
    connection.write(
        QUERIES["put_events"],
        {
            "merchant_ids": [one.merchant_id for one in deliveries],
            "ids": [one.id for one in deliveries],
            "provider_account_ids": [one.provider_account_id for one in deliveries],
            "provider_event_ids": [one.provider_event_id for one in deliveries],
            "event_types": [one.event_type for one in deliveries],
            "bodies": [one.body for one in deliveries],
            "deliveries": [one.count for one in deliveries],
            "received_at": [one.received_at for one in deliveries],
        },
    )


async def claim(
    connection: Connection, now: datetime, lease_until: datetime, limit: int
) -> list[ClaimedEvent]:
    """Take up to ``limit`` due events until ``lease_until``."""
    rows = await connection.fetch(
        QUERIES["claim_due"], {"now": now, "lease_until": lease_until, "limit": limit}
    )
    return [ClaimedEvent(*row) for row in rows]


async def lock_claimed(
    connection: Connection, merchant_id: MerchantId, events: Sequence[ClaimedEvent]
) -> set[WebhookEventId]:
    """Lock those of ``events`` that are still ours to settle, and return their ids."""
    rows = await connection.fetch(
        QUERIES["lock_claimed"],
        {
            "merchant_id": merchant_id,
            "ids": [event.id for event in events],
            "attempts": [event.attempts for event in events],
        },
    )
    return {WebhookEventId(row[0]) for row in rows}


def settle(
    connection: Connection,
    merchant_id: MerchantId,
    settlements: Sequence[tuple[ClaimedEvent, Settlement]],
    now: datetime,
) -> None:
    """Write what became of events."""
    connection.write(
        QUERIES["settle"],
        {
            "merchant_id": merchant_id,
            "ids": [event.id for event, _ in settlements],
            "attempts": [event.attempts for event, _ in settlements],
            "statuses": [_status(settlement).value for _, settlement in settlements],
            "reasons": [settlement.reason for _, settlement in settlements],
            "due_at": [_due_at(settlement, now) for _, settlement in settlements],
            "now": now,
        },
    )


async def counts(connection: Connection, merchant_id: MerchantId) -> InboxCounts:
    """Return how the merchant's inbox stands."""
    row = await connection.fetch_one(QUERIES["count_events"], {"merchant_id": merchant_id})
    assert row is not None, "it aggregates, so it has one row"  # noqa: S101
    return InboxCounts(*row)


def _status(settlement: Settlement) -> EventStatus:
    return EventStatus.PENDING if isinstance(settlement, Again) else settlement.status


def _due_at(settlement: Settlement, now: datetime) -> datetime:
    return now + settlement.delay if isinstance(settlement, Again) else now
