"""The provider's list of events says what its webhooks said, or would have said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from groat.kernel.value import Value
from groat.providers.conformance.shop import Shop
from groat.providers.port import Envelope, EventPage, ListedEvent, Provider, Unknown

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARGIN = timedelta(seconds=2)
"""The provider tells the time in whole seconds, by a clock of its own."""

MOST_PAYMENTS = 120
"""How many are made, each with a refund, until there is a second page."""


class DeliveredEvents(Value):
    """What was delivered from one moment to another: type and body, by the event's id."""

    since: datetime
    until: datetime
    events: Mapping[str, tuple[str, bytes]]


async def _page(
    provider: Provider, since: datetime, until: datetime, cursor: str | None
) -> EventPage:
    page = await provider.list_events(since, until, cursor)
    assert isinstance(page, EventPage), page
    assert page.unreadable == 0
    return page


async def _listed(provider: Provider, since: datetime, until: datetime) -> list[ListedEvent]:
    """Return the events of all pages."""
    page = await _page(provider, since, until, None)
    listed = [*page.events]
    while page.next_cursor is not None:
        page = await _page(provider, since, until, page.next_cursor)
        listed += page.events
    return listed


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def told(shop: Shop) -> AsyncIterator[DeliveredEvents]:
    """What so many payments lead to that their events do not fit on one page."""
    if not shop.provider.lists_events_for:
        pytest.skip("the provider has no list of events")
    await shop.harness.take_deliveries()
    since = datetime.now(UTC)
    for _ in range(MOST_PAYMENTS):
        await shop.provider.refund((await shop.pay()).refund())
        page = await _page(shop.provider, since - MARGIN, datetime.now(UTC) + MARGIN, None)
        if page.next_cursor is not None:
            break
    events = {}
    for delivery in await shop.harness.take_deliveries():
        envelope = shop.provider.read_envelope(delivery.headers, delivery.body)
        assert isinstance(envelope, Envelope)
        events[envelope.event_id] = envelope.event_type, delivery.body
    yield DeliveredEvents(since - MARGIN, datetime.now(UTC) + MARGIN, events)


async def test_what_was_delivered_is_listed_once(shop: Shop, told: DeliveredEvents) -> None:
    """What was lost in an outage is found there, and nothing is missed between two pages."""
    listed = await _listed(shop.provider, told.since, told.until)
    types = {one.envelope.event_id: one.envelope.event_type for one in listed}
    assert len(listed) == len(types)
    for event_id, (event_type, _) in told.events.items():
        assert types[event_id] == event_type


async def test_an_event_says_the_same_listed_and_delivered(
    shop: Shop, told: DeliveredEvents
) -> None:
    """Whichever comes first is stored: the other is then a duplicate of it, and not looked at."""
    for one in await _listed(shop.provider, told.since, told.until):
        if one.envelope.event_id not in told.events:
            continue
        event_type, body = told.events[one.envelope.event_id]
        delivered = await shop.provider.interpret_webhook(event_type, body)
        listed = await shop.provider.interpret_webhook(one.envelope.event_type, one.body)
        assert listed == delivered


async def test_what_happened_at_another_time_is_not_listed(
    shop: Shop, told: DeliveredEvents
) -> None:
    """A backfill is for an outage: it does not read the whole month."""
    hour = timedelta(hours=1)
    for since, until in ((told.since - hour, told.since), (told.until, told.until + hour)):
        listed = await _listed(shop.provider, since, until)
        assert not told.events.keys() & {one.envelope.event_id for one in listed}


async def test_a_list_that_was_not_answered_is_unknown(
    shop: Shop, unreachable: Provider, refused: Provider
) -> None:
    """An empty page would say that nothing was missed, and nobody would ask again."""
    if not shop.provider.lists_events_for:
        pytest.skip("the provider has no list of events")
    until = datetime.now(UTC)
    for provider in (unreachable, refused):
        assert isinstance(await provider.list_events(until - MARGIN, until, None), Unknown)


async def test_without_a_list_there_are_no_events(shop: Shop) -> None:
    """Zero days say that there is no list; whoever asks all the same is told of nothing."""
    if shop.provider.lists_events_for:
        pytest.skip("the provider has a list of events")
    until = datetime.now(UTC)
    assert await shop.provider.list_events(until - MARGIN, until, None) == EventPage((), None)


@settings(max_examples=30, deadline=None)
@given(cursor=st.text() | st.text(max_size=3).map(lambda text: text * 2**14))
async def test_any_cursor_is_answered(shop: Shop, cursor: str) -> None:
    """A cursor is kept for later, and may be another's by then."""
    until = datetime.now(UTC)
    page = await shop.provider.list_events(until - MARGIN, until, cursor)
    assert isinstance(page, EventPage | Unknown)
