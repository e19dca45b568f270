"""``/v1/provider-events``: read the inbox, and replay its events."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, JsonValue

from groat.audit.domain.record import Change
from groat.inbox.domain.conclusion import EventStatus
from groat.inbox.domain.event import EventFilter, ProviderEvent
from groat.inbox.service.rehearsal import Rehearsed
from groat.inbox.service.replay import EventReplay, Rehearsal, Replayed
from groat.kernel import ids
from groat.kernel.errors import GroatError
from groat.kernel.ids import ProviderEventId
from groat.kernel.scopes import Access, Room
from groat.platform.http.edge import (
    Body,
    CallerOf,
    Moment,
    NoFields,
    ProviderAccountIdText,
    ProviderEventIdText,
    RouteTable,
    Text,
    View,
)
from groat.platform.http.keyed import KeyedOf
from groat.platform.http.paging import Cursors, CursorsOf, Page, PagingOf
from groat.platform.http.strict_json import read_json

MOST_REPLAYED = 1000
"""Maximum events replayed by one request."""
MOST_REHEARSED = 100
"""Maximum events rehearsed by one request."""
PER_SECOND = 100.0
"""Default rate of a replay: events that become due in one second."""
LEAST_PER_SECOND = 0.1
"""Minimum rate of a replay. A thousand events then take three hours.

At a lower rate the last events would be due so late that they would seem lost.
"""
MOST_PER_SECOND = 10_000
"""Maximum rate of a replay."""

BodyCursor = Annotated[str | None, Field(description="The `next_cursor` of the previous page.")]


class ProviderEventView(View):
    """An event in the inbox. ``due_at`` is the time of its next try; null once it is settled."""

    object: Literal["provider_event"] = "provider_event"
    id: ProviderEventIdText
    provider_account: ProviderAccountIdText
    provider_reference: str
    type: str
    status: EventStatus
    reason: str | None
    attempts: int
    deliveries: int
    due_at: datetime | None
    received_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, event: ProviderEvent) -> Self:
        """Return the view of ``event``."""
        return cls(
            id=event.id,
            provider_account=event.provider_account_id,
            provider_reference=event.provider_reference,
            type=event.event_type,
            status=event.status,
            reason=event.reason,
            attempts=event.attempts,
            deliveries=event.deliveries,
            due_at=event.due_at if event.settled_at is None else None,
            received_at=event.received_at,
            settled_at=event.settled_at,
        )


class ProviderEventDetailsView(ProviderEventView):
    """An event with its ``payload``: the JSON that the provider sent.

    ``payload`` is null if the body is not strict JSON.
    """

    payload: JsonValue

    @classmethod
    def of_details(cls, event: ProviderEvent, body: bytes) -> Self:
        """Return the view of ``event`` with the ``body`` of its first delivery."""
        return cls(**ProviderEventView.of(event).model_dump(), payload=_payload(body))

    def after(self, replayed: Replayed) -> Self:
        """Return the view after a replay; it is unchanged if a worker is trying the event now."""
        fresh = [dict(ProviderEventView.of(event)) for event in replayed.events]
        return self.model_copy(update=fresh[0]) if fresh else self


class ChangeView(View):
    """A change that an event would cause: ``action`` (``payment.captured``) on ``object``."""

    action: str
    object: str
    data: dict[str, JsonValue]

    @classmethod
    def of(cls, change: Change) -> Self:
        """Return the view of ``change``."""
        return cls(
            action=change.action,
            object=ids.render(change.kind, change.object_id),
            data=dict(change.data),
        )


class RehearsedView(View):
    """The result of applying an event now, after the events before it, without keeping it."""

    object: Literal["rehearsal"] = "rehearsal"
    provider_reference: str
    type: str
    status: EventStatus
    reason: str | None
    changes: list[ChangeView]

    @classmethod
    def of(cls, rehearsed: Rehearsed) -> Self:
        """Return the view of ``rehearsed``."""
        return cls(
            provider_reference=rehearsed.event.provider_reference,
            type=rehearsed.event.event_type,
            status=rehearsed.status,
            reason=rehearsed.reason,
            changes=[ChangeView.of(change) for change in rehearsed.changes],
        )


class ReplayRequest(Body):
    """A filter for the events to replay, which must match all given fields; give at least one.

    The events become due oldest first, at a rate of ``per_second``. With ``dry_run`` nothing
    changes, and the answer shows the effects that a replay would have.
    """

    events: list[ProviderEventIdText] | None = Field(default=None, max_length=MOST_REPLAYED)
    status: Annotated[EventStatus | None, Field(strict=False)] = None
    type: Text | None = None
    provider_account: ProviderAccountIdText | None = None
    reason: Text | None = None
    received_from: Moment | None = None
    received_before: Moment | None = None
    per_second: float = Field(default=PER_SECOND, ge=LEAST_PER_SECOND, le=MOST_PER_SECOND)
    dry_run: bool = False
    cursor: BodyCursor = None

    def wanted(self) -> EventFilter:
        """Return the filter of this request."""
        return EventFilter(
            status=self.status,
            event_type=self.type,
            provider_account_id=self.provider_account,
            reason=self.reason,
            ids=self.events,
            received_from=self.received_from,
            received_before=self.received_before,
        )


class ReplayView(View):
    """The ids of the replayed events, newest first. A dry run fills ``would_be``, oldest first.

    One request replays at most 1000 events, or 100 in a dry run; ``next_cursor`` requests the
    earlier events.
    """

    object: Literal["replay"] = "replay"
    replayed: list[ProviderEventIdText]
    would_be: list[RehearsedView]
    next_cursor: str | None

    @classmethod
    def of_replay(cls, cursors: Cursors, replayed: Replayed) -> Self:
        """Return the view of replayed events."""
        return cls(
            replayed=[event.id for event in replayed.events],
            would_be=[],
            next_cursor=cursors.sign_id(replayed.next_before),
        )

    @classmethod
    def of_rehearsal(cls, cursors: Cursors, rehearsal: Rehearsal) -> Self:
        """Return the view of a dry run."""
        return cls(
            replayed=[],
            would_be=list(map(RehearsedView.of, rehearsal.rehearsed)),
            next_cursor=cursors.sign_id(rehearsal.next_before),
        )


class ProviderEventRoutes:
    """Handlers of the inbox."""

    def __init__(self, replays: EventReplay) -> None:
        self._replays = replays

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.INBOX, "/v1/provider-events", "provider events")
        routes.get("", self.list_events)
        routes.get("/{event_id}", self.get)
        routes.post("/replay", self.replay, Access.ADMIN)
        routes.post("/{event_id}/replay", self.replay_one, Access.ADMIN)
        return routes.router

    async def list_events(
        self,
        caller: CallerOf,
        paging: PagingOf,
        status: EventStatus | None = None,
        type: Annotated[Text | None, Query()] = None,  # noqa: A002
        provider_account: Annotated[ProviderAccountIdText | None, Query()] = None,
        reason: Annotated[Text | None, Query()] = None,
        received_from: Annotated[Moment | None, Query()] = None,
        received_before: Annotated[Moment | None, Query()] = None,
    ) -> Page[ProviderEventView]:
        """List provider events."""
        wanted = EventFilter(
            status, type, provider_account, reason, None, received_from, received_before
        )
        before = ProviderEventId(paging.after_id) if paging.after_id else None
        rows = await self._replays.events(
            caller.merchant_id, wanted, before=before, limit=paging.rows
        )
        return paging.page(rows, ProviderEventView.of, lambda row: row.id)

    async def get(
        self, event_id: ProviderEventIdText, caller: CallerOf
    ) -> ProviderEventDetailsView:
        """Get a provider event."""
        event, body = await self._replays.event(caller.merchant_id, event_id)
        return await asyncio.to_thread(ProviderEventDetailsView.of_details, event, body)

    async def replay(
        self, body: ReplayRequest, caller: CallerOf, cursors: CursorsOf, keyed: KeyedOf
    ) -> ReplayView:
        """Replay provider events."""
        place = cursors.place(body.cursor)
        before = ProviderEventId(UUID(place)) if place else None
        if body.dry_run:
            rehearsed = partial(ReplayView.of_rehearsal, cursors)
            return rehearsed(
                await self._replays.rehearse(
                    caller.merchant_id,
                    body.wanted(),
                    before=before,
                    limit=MOST_REHEARSED,
                    once=keyed.once(rehearsed),
                )
            )
        replayed = partial(ReplayView.of_replay, cursors)
        return replayed(
            await self._replays.replay(
                caller,
                body.wanted(),
                before=before,
                limit=MOST_REPLAYED,
                per_second=body.per_second,
                once=keyed.once(replayed),
            )
        )

    async def replay_one(
        self,
        event_id: ProviderEventIdText,
        caller: CallerOf,
        keyed: KeyedOf,
        _: NoFields | None = None,
    ) -> ProviderEventDetailsView:
        """Replay a provider event."""
        shown = await self.get(event_id, caller)
        replayed = await self._replays.replay(
            caller,
            EventFilter(ids=[event_id]),
            before=None,
            limit=1,
            per_second=PER_SECOND,
            once=keyed.once(shown.after),
        )
        return shown.after(replayed)


def _payload(body: bytes) -> JsonValue:
    try:
        return read_json(body)
    except GroatError:
        return None
