"""Event lists: a listed event has the same content as its webhook, delivered or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from groat.kernel.value import Value
from groat.providers.conformance.shop import Shop
from groat.providers.port import (
    Envelope,
    EventList,
    EventPage,
    ListedEvent,
    Provider,
    Unknown,
    Webhooks,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARGIN = timedelta(seconds=2)
"""Margin around a span of time, because the provider has its own clock with whole seconds."""

MOST_PAYMENTS = 120
"""Maximum payments made, each with a refund, to fill more than one page."""


class DeliveredEvents(Value):
    """The events delivered from ``since`` to ``until``: type and body of each, by its id."""

    since: datetime
    until: datetime
    events: Mapping[str, tuple[str, bytes]]


async def _page(
    event_list: EventList, since: datetime, until: datetime, cursor: str | None
) -> EventPage:
    page = await event_list.page(since, until, cursor)
    assert isinstance(page, EventPage), page
    assert page.unreadable == 0
    return page


async def _listed(event_list: EventList, since: datetime, until: datetime) -> list[ListedEvent]:
    """Return the events of all pages."""
    page = await _page(event_list, since, until, None)
    listed = [*page.events]
    while page.next_cursor is not None:
        page = await _page(event_list, since, until, page.next_cursor)
        listed += page.events
    return listed


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def delivered_events(
    shop: Shop, event_list: EventList, webhooks: Webhooks
) -> AsyncIterator[DeliveredEvents]:
    """The events of payments and refunds that fill more than one page of the list."""
    await shop.take_deliveries()
    since = datetime.now(UTC)
    for _ in range(MOST_PAYMENTS):
        await shop.perform((await shop.pay()).refund())
        page = await _page(event_list, since - MARGIN, datetime.now(UTC) + MARGIN, None)
        if page.next_cursor is not None:
            break
    events = {}
    for delivery in await shop.take_deliveries():
        envelope = webhooks.envelope(delivery.headers, delivery.body)
        assert isinstance(envelope, Envelope)
        events[envelope.event_id] = envelope.event_type, delivery.body
    yield DeliveredEvents(since - MARGIN, datetime.now(UTC) + MARGIN, events)


async def test_delivered_events_are_listed_once(
    event_list: EventList, delivered_events: DeliveredEvents
) -> None:
    """A backfill finds the events lost in an outage. No event falls between two pages."""
    listed = await _listed(event_list, delivered_events.since, delivered_events.until)
    types = {event.envelope.event_id: event.envelope.event_type for event in listed}
    assert len(listed) == len(types)
    for event_id, (event_type, _) in delivered_events.events.items():
        assert types[event_id] == event_type


async def test_listed_event_reports_the_same_as_its_webhook(
    event_list: EventList, webhooks: Webhooks, delivered_events: DeliveredEvents
) -> None:
    """The inbox stores the first of the two, and ignores the other as its duplicate."""
    for event in await _listed(event_list, delivered_events.since, delivered_events.until):
        if event.envelope.event_id not in delivered_events.events:
            continue
        event_type, body = delivered_events.events[event.envelope.event_id]
        delivered = await webhooks.interpret(event_type, body)
        listed = await webhooks.interpret(event.envelope.event_type, event.body)
        assert listed == delivered


async def test_events_outside_the_span_are_not_listed(
    event_list: EventList, delivered_events: DeliveredEvents
) -> None:
    """A backfill reads the events of an outage, not those of a whole month."""
    hour = timedelta(hours=1)
    for since, until in (
        (delivered_events.since - hour, delivered_events.since),
        (delivered_events.until, delivered_events.until + hour),
    ):
        listed = await _listed(event_list, since, until)
        assert not delivered_events.events.keys() & {event.envelope.event_id for event in listed}


@pytest.mark.usefixtures("event_list")
async def test_unanswered_list_is_unknown(unreachable: Provider, refused: Provider) -> None:
    """An empty page would mean that no event is missing, and the engine would not ask again."""
    until = datetime.now(UTC)
    for provider in (unreachable, refused):
        assert provider.event_list is not None
        page = await provider.event_list.page(until - MARGIN, until, None)
        assert isinstance(page, Unknown)


@settings(max_examples=30, deadline=None)
@given(cursor=st.text() | st.text(max_size=3).map(lambda text: text * 2**14))
async def test_any_cursor_is_answered(event_list: EventList, cursor: str) -> None:
    """The caller keeps a cursor for later, and may send it to another account by mistake."""
    until = datetime.now(UTC)
    page = await event_list.page(until - MARGIN, until, cursor)
    assert isinstance(page, EventPage | Unknown)
