"""Merge all that is known of one payment into one list, in the order of time.

The clocks differ: operations have PostgreSQL's time, the other lines that of the host which wrote
them. So lines of one moment may change places.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from groat.accounts.domain.ledger import TransactionLine
from groat.app.wiring import Engine
from groat.audit.domain.search import RecordFilter
from groat.inbox.domain.event import EventFilter, ProviderEvent
from groat.kernel import ids
from groat.kernel.ids import MerchantId, PaymentId, ProviderEventId
from groat.kernel.money import Money
from groat.notifications.domain.feed import EventRoute, RoutedEvent
from groat.payments.domain.dispute import DisputeFilter
from groat.payments.domain.operation import OperationCall, OperationOutcome
from groat.payments.domain.refund import RefundFilter

_MOST = 1000
"""Maximum lines of one source that a timeline shows."""


class TimelineEntry(NamedTuple):
    """One line of a timeline: its time, the kind and the id of its object, and a sentence."""

    at: datetime
    kind: str
    id: str
    text: str

    def document(self) -> dict[str, str]:
        """Return the line for programs."""
        return {**self._asdict(), "at": self.at.isoformat()}


async def timeline(
    engine: Engine, merchant_id: MerchantId, payment_id: PaymentId
) -> list[TimelineEntry]:
    """Return the timeline of a payment, of its refunds and of its disputes, oldest line first.

    Raises:
        NotFound: the merchant has no such payment.
    """
    queries = engine.payment_queries
    payment = (await queries.payment(merchant_id, payment_id)).payment
    calls = await queries.calls(merchant_id, payment_id)
    objects = [payment_id, *await _children(engine, merchant_id, payment_id)]
    records = await _records(engine, merchant_id, objects)
    effects = _effects(records)
    transactions = await queries.posted_transactions(merchant_id, payment_id)
    lines = [
        *_operations(calls, payment.order.terms.amount.currency),
        *_provider_events(await _events_in(engine, merchant_id, list(effects)), effects),
        *_ledger(await engine.account_queries.transaction_lines(merchant_id, transactions)),
        *map(_record, records),
        *map(_event, await engine.feed_queries.events_of(merchant_id, objects)),
    ]
    return sorted(lines, key=lambda line: line.at)


async def _children(engine: Engine, merchant_id: MerchantId, payment_id: PaymentId) -> list[UUID]:
    """Return the ids of the payment's refunds and disputes."""
    queries = engine.payment_queries
    refunds = await queries.refunds(merchant_id, RefundFilter(payment_id), after=None, limit=_MOST)
    disputes = await queries.disputes(
        merchant_id, DisputeFilter(payment_id), after=None, limit=_MOST
    )
    return [one.id for one in refunds] + [one.id for one in disputes]


async def _records(
    engine: Engine, merchant_id: MerchantId, objects: Sequence[UUID]
) -> list[dict[str, Any]]:
    """Return the documents of the audit records of these objects, oldest first."""
    found: list[Any] = []
    for one in objects:
        wanted = RecordFilter(object_id=one)
        found += await engine.audit.page(merchant_id, wanted, before=None, limit=_MOST)
    return [document for _, document in sorted(found, key=lambda row: row[0].int)]


def _effects(records: Sequence[dict[str, Any]]) -> dict[ProviderEventId, list[str]]:
    """Return the actions that each provider event has caused."""
    actions: dict[ProviderEventId, list[str]] = defaultdict(list)
    prefix = ids.PREFIXES["provider_event"]
    for record in records:
        if record["cause"].startswith(f"{prefix}_"):
            cause = ProviderEventId(ids.parse("provider_event", record["cause"]))
            actions[cause].append(record["action"])
    return actions


async def _events_in(
    engine: Engine, merchant_id: MerchantId, event_ids: Sequence[ProviderEventId]
) -> list[ProviderEvent]:
    if not event_ids:
        return []
    return await engine.replay.events(
        merchant_id, EventFilter(ids=event_ids), before=None, limit=len(event_ids)
    )


def _operations(calls: Sequence[OperationCall], currency: str) -> Iterator[TimelineEntry]:
    """Yield a line for the start of each operation, and one for its outcome so far."""
    for call in calls:
        operation, name = call.operation, ids.render("operation", call.operation.id)
        of = f" of {Money(operation.amount, currency)}" if operation.amount else ""
        account = ids.render("provider_account", call.provider_account_id)
        text = f"{operation.kind}{of} is asked of {account}"
        yield TimelineEntry(call.created_at, "operation", name, text)
        if operation.outcome is not OperationOutcome.PENDING:
            reasons = (
                operation.failure_code,
                operation.decline_code,
                operation.provider_message,
                call.reason if operation.is_open else None,
            )
            text = ": ".join(
                [f"{operation.kind} {operation.outcome}", *(one for one in reasons if one)]
            )
            if call.lookups:
                text += f" ({call.lookups} look-ups)"
            yield TimelineEntry(call.updated_at, "outcome", name, text)


def _provider_events(
    events: Sequence[ProviderEvent], effects: dict[ProviderEventId, list[str]]
) -> Iterator[TimelineEntry]:
    for event in events:
        told = ": ".join([event.status.value, *([event.reason] if event.reason else [])])
        caused = ", ".join(effects[event.id])
        text = f"{event.event_type} {event.provider_reference}: {told}; it caused {caused}"
        name = ids.render("provider_event", event.id)
        yield TimelineEntry(event.received_at, "provider event", name, text)


def _ledger(lines: Sequence[TransactionLine]) -> Iterator[TimelineEntry]:
    """Yield one line for each transaction, with all its entries."""
    for transaction_id, group in groupby(lines, lambda line: line.transaction_id):
        entries = list(group)
        amounts = ", ".join(f"{one.code} {_signed(one.amount, one.currency)}" for one in entries)
        name = ids.render("ledger_transaction", transaction_id)
        text = f"{entries[0].kind.name}: {amounts}"
        yield TimelineEntry(entries[0].recorded_at, "ledger", name, text)


def _signed(amount: int, currency: str) -> str:
    sign = "+" if amount > 0 else ""
    return f"{sign}{Money(amount, currency)}"


def _record(record: dict[str, Any]) -> TimelineEntry:
    text = f"{record['action']} by {record['actor']}, because of {record['cause']}"
    at = datetime.fromisoformat(record["recorded_at"])
    return TimelineEntry(at, "audit record", record["id"], text)


def _event(event: RoutedEvent) -> TimelineEntry:
    sent = "; ".join(map(_route, event.routes)) or "sent to no endpoint"
    name = ids.render("event", event.id)
    return TimelineEntry(event.created_at, "event", name, f"{event.type}: {sent}")


def _route(route: EventRoute) -> str:
    name = ids.render("webhook_endpoint", route.endpoint_id)
    answer = "" if route.answer is None else f", last answer {route.answer}"
    return f"{route.status} to {name} (attempts: {route.attempts}{answer})"
