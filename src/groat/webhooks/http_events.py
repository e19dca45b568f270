"""``/v1/webhook-events``: the inbox: looked at, replayed, filled from the provider's own list."""

import asyncio
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field, JsonValue

from groat.audit.domain.record import Change
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.errors import GroatError
from groat.kernel.ids import WebhookEventId
from groat.payments.http import ProviderAccountIdText
from groat.platform.http import (
    Body,
    CallerOf,
    IdText,
    Moment,
    NoFields,
    StrictRoute,
    Text,
    View,
)
from groat.platform.paging import Cursors, Page, Paging, PagingDependency
from groat.platform.strict_json import read_json
from groat.webhooks.backfilling import Backfilled, Span, WebhookBackfill
from groat.webhooks.domain.event import EventFilter, WebhookEvent
from groat.webhooks.domain.settling import EventStatus
from groat.webhooks.rehearsing import Rehearsed
from groat.webhooks.replaying import WebhookReplay

MOST_REPLAYED = 1000
MOST_REHEARSED = 100
PER_SECOND = 100.0
LEAST_PER_SECOND = 0.1
"""A thousand take three hours then. What is not due for ages would be as good as lost."""

MOST_PER_SECOND = 10_000

WebhookEventIdText = Annotated[WebhookEventId, IdText("webhook_event")]
BodyCursor = Annotated[str | None, Field(description="The `next_cursor` of the previous answer.")]


class WebhookEventView(View):
    """An event in the inbox. ``due_at`` is when it is tried next, while it is not settled."""

    id: WebhookEventIdText
    provider_account: ProviderAccountIdText
    provider_event_id: str
    type: str
    status: EventStatus
    reason: str | None
    attempts: int
    deliveries: int
    due_at: datetime | None
    received_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, event: WebhookEvent) -> Self:
        """Return the view of ``event``."""
        return cls(
            id=event.id,
            provider_account=event.provider_account_id,
            provider_event_id=event.provider_event_id,
            type=event.event_type,
            status=event.status,
            reason=event.reason,
            attempts=event.attempts,
            deliveries=event.deliveries,
            due_at=event.due_at if event.settled_at is None else None,
            received_at=event.received_at,
            settled_at=event.settled_at,
        )


class WebhookEventDetailsView(WebhookEventView):
    """An event with ``payload``, what its provider sent; null if that is no strict JSON."""

    payload: JsonValue

    @classmethod
    def of_details(cls, event: WebhookEvent, body: bytes) -> Self:
        """Return the view of ``event`` and the ``body`` it came with."""
        return cls(**WebhookEventView.of(event).model_dump(), payload=_payload(body))


class ChangeView(View):
    """What would be changed: ``action`` (``payment.captured``) on ``object``, with its figures."""

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
    """How an event would come out if it were applied now, after those before it."""

    provider_event_id: str
    type: str
    status: EventStatus
    reason: str | None
    changes: list[ChangeView]

    @classmethod
    def of(cls, rehearsed: Rehearsed) -> Self:
        """Return the view of ``rehearsed``."""
        return cls(
            provider_event_id=rehearsed.event.provider_event_id,
            type=rehearsed.event.event_type,
            status=rehearsed.status,
            reason=rehearsed.reason,
            changes=[ChangeView.of(change) for change in rehearsed.changes],
        )


class ReplayRequest(Body):
    """Which events to replay: those that match all that is given, which must be something.

    They become due oldest first, ``per_second`` of them. With ``dry_run`` nothing is changed, and
    the answer says what would be.
    """

    events: list[WebhookEventIdText] | None = Field(default=None, max_length=MOST_REPLAYED)
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
        """Return what is asked for."""
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
    """What is being replayed, newest first; in a dry run, what would come of it, oldest first.

    ``next_cursor`` asks for the events before these: at most 1000 are replayed with one call, and
    100 in a dry run.
    """

    replayed: list[WebhookEventIdText]
    would_be: list[RehearsedView]
    next_cursor: str | None


class BackfillRequest(Body):
    """From when to when the provider's list is compared with the inbox: until now by default.

    With ``dry_run`` nothing is changed, and the answer says what would be.
    """

    since: Moment
    until: Moment | None = None
    dry_run: bool = False
    cursor: BodyCursor = None


class BackfillView(View):
    """What came of one page of the provider's list; ``next_cursor`` asks for the next one.

    ``missing`` are the provider's ids of the events that were not in the inbox: they are now, or in
    a dry run ``would_be`` says what would come of them. ``unreadable`` are events without an id or
    a type, which cannot be stored.
    """

    listed: int
    missing: list[str]
    unreadable: int
    would_be: list[RehearsedView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Backfilled, next_cursor: str | None) -> Self:
        """Return the view of ``page``."""
        return cls(
            listed=page.listed,
            missing=[event.provider_event_id for event in page.missing],
            unreadable=page.unreadable,
            would_be=[RehearsedView.of(one) for one in page.rehearsed],
            next_cursor=next_cursor,
        )


def event_router(replays: WebhookReplay, cursors: Cursors, paging: PagingDependency) -> APIRouter:
    """Return the routes of the inbox."""
    routes = APIRouter(
        prefix="/v1/webhook-events", tags=["webhook events"], route_class=StrictRoute
    )
    PagingOf = Annotated[Paging, Depends(paging)]  # noqa: N806 - a type
    Id = Annotated[WebhookEventIdText, Path()]  # noqa: N806 - a type

    @routes.get("", summary="List webhook events")
    async def list_events(
        caller: CallerOf,
        paging: PagingOf,
        status: EventStatus | None = None,
        type: Annotated[Text | None, Query()] = None,  # noqa: A002
        provider_account: Annotated[ProviderAccountIdText | None, Query()] = None,
        reason: Annotated[Text | None, Query()] = None,
        received_from: Annotated[Moment | None, Query()] = None,
        received_before: Annotated[Moment | None, Query()] = None,
    ) -> Page[WebhookEventView]:
        wanted = EventFilter(
            status, type, provider_account, reason, None, received_from, received_before
        )
        before = WebhookEventId(paging.after_id) if paging.after_id else None
        rows = await replays.events(caller.merchant_id, wanted, before=before, limit=paging.rows)
        return paging.page(rows, WebhookEventView.of, lambda row: row.id)

    @routes.get("/{event_id}", summary="Get a webhook event")
    async def get(event_id: Id, caller: CallerOf) -> WebhookEventDetailsView:
        event, body = await replays.event(caller.merchant_id, event_id)
        return await asyncio.to_thread(WebhookEventDetailsView.of_details, event, body)

    @routes.post("/replay", summary="Replay webhook events")
    async def replay(body: ReplayRequest, caller: CallerOf, request: Request) -> ReplayView:
        path = request.url.path
        place = cursors.place(caller.merchant_id, path, body.cursor)
        before = WebhookEventId(UUID(place)) if place else None
        replayed, would_be, following = await _replay(replays, caller, body, before)
        place = None if following is None else str(following)
        next_cursor = cursors.sign(caller.merchant_id, path, place)
        return ReplayView(replayed=replayed, would_be=would_be, next_cursor=next_cursor)

    @routes.post("/{event_id}/replay", summary="Replay a webhook event")
    async def replay_one(
        event_id: Id, caller: CallerOf, _: NoFields | None = None
    ) -> WebhookEventDetailsView:
        await replays.event(caller.merchant_id, event_id)
        await replays.replay(
            caller, EventFilter(ids=[event_id]), before=None, limit=1, per_second=PER_SECOND
        )
        return await get(event_id, caller)

    return routes


def backfill_router(backfills: WebhookBackfill, cursors: Cursors) -> APIRouter:
    """Return the route that fills the inbox from a provider's list."""
    routes = APIRouter(
        prefix="/v1/provider-accounts", tags=["webhook events"], route_class=StrictRoute
    )

    @routes.post("/{account_id}/backfill", summary="Backfill webhook events")
    async def backfill(
        account_id: Annotated[ProviderAccountIdText, Path()],
        body: BackfillRequest,
        caller: CallerOf,
        request: Request,
    ) -> BackfillView:
        path = request.url.path
        place = cursors.place(caller.merchant_id, path, body.cursor)
        span = Span(body.since, body.until, place)
        page = await backfills.page(caller, account_id, span, dry_run=body.dry_run)
        return BackfillView.of(page, cursors.sign(caller.merchant_id, path, page.next_cursor))

    return routes


async def _replay(
    replays: WebhookReplay, caller: Caller, body: ReplayRequest, before: WebhookEventId | None
) -> tuple[list[WebhookEventId], list[RehearsedView], WebhookEventId | None]:
    """Replay, or rehearse; return also before which event there are more."""
    if body.dry_run:
        rehearsal = await replays.rehearse(
            caller.merchant_id, body.wanted(), before=before, limit=MOST_REHEARSED
        )
        return [], [RehearsedView.of(one) for one in rehearsal.rehearsed], rehearsal.next_before
    replayed = await replays.replay(
        caller, body.wanted(), before=before, limit=MOST_REPLAYED, per_second=body.per_second
    )
    return [event.id for event in replayed.events], [], replayed.next_before


def _payload(body: bytes) -> JsonValue:
    try:
        return read_json(body)
    except GroatError:
        return None
