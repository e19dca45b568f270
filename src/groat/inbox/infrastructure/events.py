"""The inbox in PostgreSQL: store, claim, settle and read provider events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import NamedTuple

from groat.inbox.domain.conclusion import Conclusion, EventStatus, Settled, Tries
from groat.inbox.domain.event import (
    ClaimedEvent,
    EventFilter,
    EventKey,
    ProviderEvent,
    WebhookDelivery,
)
from groat.kernel.ids import MerchantId, ProviderAccountId, ProviderEventId
from groat.platform.postgres.columns import Bigints, Blobs, Texts, Times, Uuids
from groat.platform.postgres.connection import Connection, Row, value
from groat.platform.postgres.queries import load_queries

_MS = timedelta(milliseconds=1)

QUERIES = load_queries(__file__, "events.sql")


class InboxCounts(NamedTuple):
    """Counts of events and deliveries; ``duplicates`` are deliveries after an event's first."""

    pending: int
    applied: int
    deliveries: int
    duplicates: int


async def put(
    connection: Connection, deliveries: Sequence[WebhookDelivery]
) -> set[ProviderEventId]:
    """Insert distinct events; return the ids of those that were not in the inbox before."""
    rows = await connection.fetch(
        QUERIES["put_events"],
        {
            "merchant_ids": Bigints([one.merchant_id for one in deliveries]),
            "ids": Uuids([one.id for one in deliveries]),
            "provider_account_ids": Uuids([one.provider_account_id for one in deliveries]),
            "provider_references": Texts([one.provider_reference for one in deliveries]),
            "event_types": Texts([one.event_type for one in deliveries]),
            "transmission_ids": Texts([one.transmission_id for one in deliveries]),
            "bodies": Blobs([one.body for one in deliveries]),
            "deliveries": Bigints([one.count for one in deliveries]),
            "received_at": Times([one.received_at for one in deliveries]),
        },
    )
    return {ProviderEventId(row.id) for row in rows}


async def count_repetitions(connection: Connection, repeated: Mapping[EventKey, int]) -> None:
    """Add further deliveries to the count of each of these events."""
    keys = sorted(repeated)
    await connection.fetch(
        QUERIES["count_repetitions"],
        {
            "merchant_ids": Bigints([key[0] for key in keys]),
            "provider_account_ids": Uuids([key[1] for key in keys]),
            "provider_references": Texts([key[2] for key in keys]),
            "deliveries": Bigints([repeated[key] for key in keys]),
        },
    )


async def known(
    connection: Connection,
    merchant_id: MerchantId,
    account_id: ProviderAccountId,
    provider_references: Sequence[str],
) -> set[str]:
    """Return those of a provider account's events that are in the inbox."""
    rows = await connection.fetch(
        QUERIES["find_known_events"],
        {
            "merchant_id": merchant_id,
            "provider_account_id": account_id,
            "provider_references": Texts(provider_references),
        },
    )
    return {row.provider_reference for row in rows}


async def transmissions(
    connection: Connection, wanted: Collection[EventKey]
) -> list[tuple[EventKey, EventKey]]:
    """Return those of ``wanted`` that are in the inbox, each with the key of its event."""
    rows = await connection.fetch(
        QUERIES["find_transmissions"],
        {
            "merchant_ids": Bigints([one[0] for one in wanted]),
            "provider_account_ids": Uuids([one[1] for one in wanted]),
            "transmission_ids": Texts([one[2] for one in wanted]),
        },
    )
    return [
        (
            (row.merchant_id, row.provider_account_id, row.transmission_id),
            (row.merchant_id, row.provider_account_id, row.provider_reference),
        )
        for row in rows
    ]


async def claim(
    connection: Connection,
    lease: timedelta,
    limit: int,
    busy: Collection[ProviderAccountId] = (),
) -> list[ClaimedEvent]:
    """Claim up to ``limit`` due events for ``lease``, except those of ``busy`` accounts.

    Return them in the order of arrival. No rule depends on that order, but most facts arrive in it.
    """
    rows = await connection.fetch(
        QUERIES["claim_due"],
        {"lease": lease, "limit": limit, "busy": Uuids(list(busy))},
    )
    return sorted(map(_to_claimed, rows), key=attrgetter("id"))


async def claim_suspect(connection: Connection, lease: timedelta) -> ClaimedEvent | None:
    """Claim one due suspect, if there is one: an event lost with its workers repeatedly."""
    row = await connection.fetch_one(QUERIES["claim_suspect"], {"lease": lease})
    return None if row is None else _to_claimed(row)


def renew_claims(connection: Connection, events: Sequence[ClaimedEvent], lease: timedelta) -> None:
    """Renew the claims of these events: they expire after ``lease`` from now."""
    _set_lease(connection, events, lease)


def release_claims(connection: Connection, events: Sequence[ClaimedEvent]) -> None:
    """Release claimed events: they are due when their lease ends, and do not count as lost."""
    _set_lease(connection, events, None)


async def lock_claimed(
    connection: Connection, merchant_id: MerchantId, events: Sequence[ClaimedEvent]
) -> set[ProviderEventId]:
    """Lock the claimed events; return the ids of those that this worker may still settle.

    An event that was settled meanwhile is locked too, and its id is not returned.
    """
    rows = await connection.fetch(
        QUERIES["lock_claimed"],
        {
            "merchant_id": merchant_id,
            "ids": Uuids([event.id for event in events]),
            "attempts": [event.attempts for event in events],
        },
    )
    return {ProviderEventId(row.id) for row in rows if row.is_open}


def settle(
    connection: Connection,
    merchant_id: MerchantId,
    settlements: Sequence[tuple[ClaimedEvent, Conclusion]],
) -> None:
    """Write conclusions on events that ``lock_claimed`` has returned in this transaction."""
    connection.write(
        QUERIES["settle"],
        {
            "merchant_id": merchant_id,
            "ids": Uuids([event.id for event, _ in settlements]),
            "statuses": Texts([settlement.status for _, settlement in settlements]),
            "reasons": Texts([settlement.reason for _, settlement in settlements]),
            "delays_ms": Bigints([_delay(settlement) // _MS for _, settlement in settlements]),
        },
    )


async def events(
    connection: Connection,
    merchant_id: MerchantId,
    wanted: EventFilter,
    before: ProviderEventId | None,
    limit: int,
) -> list[ProviderEvent]:
    """Return events that match the filter, newest first, optionally those before ``before``."""
    rows = await connection.fetch(
        QUERIES["list_events"],
        {
            **wanted._asdict(),
            "is_open": wanted.status is not None and wanted.status.is_open,
            "merchant_id": merchant_id,
            "before": before,
            "limit": limit,
            "ids": None if wanted.ids is None else Uuids(wanted.ids),
        },
    )
    return [_to_event(row) for row in rows]


async def by_reference(
    connection: Connection, merchant_id: MerchantId, provider_reference: str
) -> list[ProviderEventId]:
    """Return the ids of the events with the provider's id, at any account of the merchant."""
    rows = await connection.fetch(
        QUERIES["find_by_reference"],
        {"merchant_id": merchant_id, "provider_reference": provider_reference},
    )
    return [row.id for row in rows]


async def event(
    connection: Connection, merchant_id: MerchantId, event_id: ProviderEventId
) -> tuple[ProviderEvent, bytes] | None:
    """Return one event with the body that its provider sent, or None."""
    row = await connection.fetch_one(
        QUERIES["get_event"], {"merchant_id": merchant_id, "id": event_id}
    )
    if row is None:
        return None
    return _to_event(row), bytes(row.body)


async def unclaimed(
    connection: Connection, merchant_id: MerchantId, event_ids: Collection[ProviderEventId]
) -> list[ClaimedEvent]:
    """Return events as a first claim would, without claiming them."""
    rows = await connection.fetch(
        QUERIES["read_unclaimed"], {"merchant_id": merchant_id, "ids": Uuids(list(event_ids))}
    )
    return [_to_claimed(row) for row in rows]


async def replay(
    connection: Connection, merchant_id: MerchantId, delays: Mapping[ProviderEventId, timedelta]
) -> set[ProviderEventId]:
    """Reset events to be tried from the beginning, after these delays; return the ids reset."""
    rows = await connection.fetch(
        QUERIES["replay"],
        {
            "merchant_id": merchant_id,
            "ids": Uuids(list(delays)),
            "delays_ms": Bigints([delay // _MS for delay in delays.values()]),
        },
    )
    return {ProviderEventId(row.id) for row in rows}


async def counts(connection: Connection, merchant_id: MerchantId) -> InboxCounts:
    """Count the merchant's events and their deliveries."""
    row = await connection.fetch_one(QUERIES["count_events"], {"merchant_id": merchant_id})
    assert row is not None, "an aggregate has one row"  # noqa: S101
    return value(InboxCounts, row)


def _set_lease(
    connection: Connection, events: Sequence[ClaimedEvent], lease: timedelta | None
) -> None:
    connection.write(
        QUERIES["renew_claims"],
        {
            "merchant_ids": Bigints([event.merchant_id for event in events]),
            "ids": Uuids([event.id for event in events]),
            "attempts": [event.attempts for event in events],
            "lease": lease,
        },
    )


def _to_claimed(row: Row) -> ClaimedEvent:
    return ClaimedEvent(
        merchant_id=row.merchant_id,
        id=row.id,
        provider_account_id=row.provider_account_id,
        provider_reference=row.provider_reference,
        event_type=row.event_type,
        body=row.body,
        attempts=row.attempts,
        attempts_lost=row.attempts_lost,
        tries=Tries(row.failures, row.failures_alike, row.reason),
    )


def _to_event(row: Row) -> ProviderEvent:
    return ProviderEvent(
        id=row.id,
        provider_account_id=row.provider_account_id,
        provider_reference=row.provider_reference,
        event_type=row.event_type,
        status=EventStatus(row.status),
        reason=row.reason,
        attempts=row.attempts,
        deliveries=row.deliveries,
        due_at=row.due_at,
        received_at=row.received_at,
        settled_at=row.settled_at,
    )


def _delay(settlement: Conclusion) -> timedelta:
    return timedelta() if isinstance(settlement, Settled) else settlement.delay
