"""What the adapter makes of Stripe's list of events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groat.kernel.value import replace
from groat.providers.port import Answered, Envelope, EventPage, Unknown, Unreadable
from groat.providers.stripe.adapter import StripeProvider
from tests.providers.stripe.shop import fault, order
from tests.support.http_servers import Stage

SINCE = datetime(2026, 1, 1, 12, 0, 0, 900_000, tzinfo=UTC)
UNTIL = datetime(2026, 1, 1, 13, 0, 0, 100_000, tzinfo=UTC)

GOOD = {"id": "evt_1", "object": "event", "type": "charge.succeeded", "created": 1}


@dataclass
class Host:
    """Answers with one page, and keeps what it was asked for."""

    page: object = None
    asked: list[Mapping[str, str]] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.asked.append(dict(request.query_params))
        return Response(json.dumps(self.page), media_type="application/json")

    def shows(self, *events: object, has_more: bool = False) -> None:
        self.page = {"object": "list", "url": "/v1/events", "data": events, "has_more": has_more}


@pytest.fixture
async def asked_host(stage: Stage) -> AsyncIterator[Host]:
    host = Host()
    async with stage.showing(Starlette(routes=[Route("/v1/events", host.answer)])):
        yield host


async def listed(adapter: StripeProvider, cursor: str | None = None) -> EventPage | Unknown:
    return await adapter.event_list.page(SINCE, UNTIL, cursor)


async def test_the_list_is_filtered_by_time_and_not_by_delivery(
    adapter: StripeProvider, asked_host: Host
) -> None:
    asked_host.shows()
    assert await listed(adapter) == EventPage((), None)
    start, end = str(int(SINCE.timestamp())), str(int(UNTIL.timestamp()))
    expected = {"created[gte]": start, "created[lte]": end, "limit": "100"}
    assert asked_host.asked == [expected]
    await listed(adapter, "evt_7")
    assert asked_host.asked[1] == {**expected, "starting_after": "evt_7"}


async def test_an_event_that_was_never_delivered_is_listed(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    await fault(control, drop=1)
    reply = await shop.operations.authorize(order())
    assert isinstance(reply, Answered)
    now = datetime.now(UTC)
    page = await shop.event_list.page(now - timedelta(minutes=1), now + timedelta(minutes=1), None)
    assert isinstance(page, EventPage)
    told = {one.envelope.event_type: one.body for one in page.events}
    told_by_intent = await shop.webhooks.interpret(
        "payment_intent.succeeded", told["payment_intent.succeeded"]
    )
    assert told_by_intent == Answered(tuple(replace(one, movements=()) for one in reply.reports))


async def test_a_listed_event_has_the_content_of_stripe(
    adapter: StripeProvider, asked_host: Host
) -> None:
    """And not as the SDK does, which makes numbers and objects of its own of some fields."""
    event = {**GOOD, "data": {"object": {"object": "price", "unit_amount_decimal": "0.10"}}}
    asked_host.shows(event)
    page = await listed(adapter)
    assert isinstance(page, EventPage)
    (one,) = page.events
    assert json.loads(one.body) == event
    assert one.envelope == Envelope("evt_1", "charge.succeeded")


UNREADABLE: list[object] = [
    None,
    5,
    "x",
    [],
    {},
    {**GOOD, "id": 5},
    {**GOOD, "id": ""},
    {**GOOD, "id": "a\x00"},
    {**GOOD, "type": None},
    {**GOOD, "type": "\ud800"},
]


@pytest.mark.parametrize("event", UNREADABLE, ids=repr)
async def test_an_unreadable_event_does_not_delay_other_events(
    adapter: StripeProvider, asked_host: Host, event: object
) -> None:
    asked_host.shows(GOOD, event, {**GOOD, "id": "evt_2"}, event, has_more=True)
    page = await listed(adapter)
    assert isinstance(page, EventPage)
    assert [one.envelope.event_id for one in page.events] == ["evt_1", "evt_2"]
    assert (page.next_cursor, page.unreadable) == ("evt_2", 2)


async def test_an_event_with_nonsense_is_listed_for_inspection(
    adapter: StripeProvider, asked_host: Host
) -> None:
    asked_host.shows({**GOOD, "data": "nonsense"})
    page = await listed(adapter)
    assert isinstance(page, EventPage)
    (one,) = page.events
    reply = await adapter.webhooks.interpret(one.envelope.event_type, one.body)
    assert isinstance(reply, Unreadable)


async def test_the_list_ends_at_a_page_of_unreadable_events(
    adapter: StripeProvider, asked_host: Host
) -> None:
    asked_host.shows({}, has_more=True)
    assert isinstance(await listed(adapter), Unknown)
    asked_host.shows({}, has_more=False)
    assert await listed(adapter) == EventPage((), None, unreadable=1)
