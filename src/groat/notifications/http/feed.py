"""``/v1/events``: the feed of events, which readers follow with a cursor."""

import json
from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import Field, JsonValue

from groat.kernel import ids
from groat.kernel.scopes import Room
from groat.notifications.domain.feed import API_VERSION, FeedEvent, FeedFilter
from groat.notifications.queries import FeedQueries
from groat.platform.http.edge import CallerOf, EventIdText, RouteTable, Text, View
from groat.platform.http.paging import CursorsOf, Limit

MOST_WAIT_SECONDS = 20
"""Maximum seconds for which a request waits for the next event."""

Wait = Annotated[
    int,
    Query(
        ge=0,
        le=MOST_WAIT_SECONDS,
        description="Seconds to wait for the next event, if there is none yet.",
    ),
]
FeedCursor = Annotated[
    str | None,
    Query(description="The `next_cursor` of the previous page. Without: the oldest event kept."),
]
TypeQuery = Annotated[
    Text | None, Query(description="Only events of this type; `payment.*` is a pattern.")
]


class EventSubject(View):
    """The object that changed. ``sequence`` counts its events: drop one with a lower sequence."""

    id: str
    sequence: int


class EventView(View):
    """A change of an object.

    ``data`` is the object as the API showed it at that moment. ``previous`` has the fields that
    changed, with their values before; it is null if the change made the object.
    """

    object: Literal["event"] = "event"
    id: EventIdText
    type: str = Field(examples=["payment.succeeded"])
    api_version: Literal["v1"]
    created: datetime
    subject: EventSubject
    data: dict[str, JsonValue]
    previous: dict[str, JsonValue] | None

    @classmethod
    def of(cls, event: FeedEvent) -> Self:
        """Return the view of ``event``."""
        return cls(
            id=event.id,
            type=event.type,
            api_version=API_VERSION,
            created=event.created_at,
            subject=EventSubject(id=event.subject, sequence=event.sequence),
            data=json.loads(event.data),
            previous=json.loads(event.previous),
        )


class FeedView(View):
    """A page of the feed, oldest event first.

    ``next_cursor`` requests the events after this page, also if there are none yet. ``has_more``
    tells whether more events are there already.
    """

    object: Literal["list"] = "list"
    data: list[EventView]
    next_cursor: str
    has_more: bool


class FeedRoutes:
    """Handlers of the feed."""

    def __init__(self, queries: FeedQueries) -> None:
        self._queries = queries

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.EVENTS, "/v1/events", "events")
        routes.get("", self.list_events)
        routes.get("/{event_id}", self.get)
        return routes.router

    async def list_events(
        self,
        caller: CallerOf,
        cursors: CursorsOf,
        cursor: FeedCursor = None,
        limit: Limit = 20,
        type: TypeQuery = None,  # noqa: A002
        subject: Annotated[
            Text | None, Query(description="Only events of this object, such as `pay_...`.")
        ] = None,
        wait: Wait = 0,
    ) -> FeedView:
        """List events, oldest first.

        The order never changes, and no event appears before a cursor that was given out. An event
        stays in the feed for 30 days. After 409 `events_missed` read your objects anew, and start
        without a cursor.
        """
        place = cursors.place(cursor)
        wanted = FeedFilter(type, None if subject is None else ids.parse_any(subject))
        page = await self._queries.page(
            caller.merchant_id,
            wanted,
            None if place is None else int(place),
            limit=limit,
            wait_seconds=wait,
        )
        next_cursor = cursors.sign(str(page.end))
        assert next_cursor is not None  # noqa: S101 - the feed has an end
        return FeedView(
            data=[EventView.of(event) for event in page.events],
            next_cursor=next_cursor,
            has_more=page.is_full,
        )

    async def get(self, event_id: EventIdText, caller: CallerOf) -> EventView:
        """Get an event."""
        return EventView.of(await self._queries.event(caller.merchant_id, event_id))
