"""What the adapter makes of PayPal's list of events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from groat.providers.paypal.adapter import PayPalProvider
from groat.providers.paypal.events import first_page, further_page, listed_events
from groat.providers.port import Answered, Envelope, EventPage, Unknown
from tests.providers.paypal.stand_in import PayPal, adapter
from tests.support.http_servers import Stage
from tests.support.paypal_requests import authorize_request

SINCE = datetime(2026, 1, 1, 12, 0, 0, 900_000, tzinfo=UTC)
UNTIL = datetime(2026, 1, 1, 13, 0, 0, 100_000, tzinfo=UTC)

GOOD = {"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": {"id": "2GG2"}}

LIST = "https://api-m.paypal.com/v1/notifications/webhooks-events"
PLACE = "move_to=next&index_time=2014-09-17T23%3A07%3A35Z&index_id=3"
DOCUMENTED = (
    f"{LIST}/?start_time=2014-08-04T12:46:47-07:00&amp;amp;page_size=2"
    "&amp;amp;move_to=next&amp;amp;index_time=2014-09-17T23:07:35Z&amp;amp;index_id=3"
)


def page_of(*events: object, following: str | None = None) -> dict[str, object]:
    links = [{"href": LIST, "rel": "self", "method": "GET"}]
    if following is not None:
        links.append({"href": following, "rel": "next", "method": "GET"})
    return {"events": events, "count": len(events), "links": links}


def read(*events: object, following: str | None = None) -> EventPage:
    return listed_events(json.dumps(page_of(*events, following=following)).encode())


def test_the_first_page_is_requested_by_time() -> None:
    assert first_page(SINCE, UNTIL) == (
        "page_size=100&start_time=2026-01-01T12%3A00%3A00Z&end_time=2026-01-01T13%3A00%3A00.999Z"
    )


def test_a_listed_event_has_the_content_of_paypal() -> None:
    (one,) = read(GOOD).events
    assert json.loads(one.body) == GOOD
    assert one.envelope == Envelope("WH-1", "PAYMENT.CAPTURE.COMPLETED")


@pytest.mark.parametrize(
    "event", [None, 5, "x", [], {}, {**GOOD, "id": "a\x00"}, {**GOOD, "summary": "\ud800"}]
)
def test_an_unreadable_event_does_not_delay_other_events(event: object) -> None:
    page = read(event, GOOD, event, following=f"{LIST}?{PLACE}")
    assert [one.envelope.event_id for one in page.events] == ["WH-1"]
    assert (page.next_cursor, page.unreadable) == (PLACE, 2)


def test_a_page_of_unreadable_events_still_leads_to_the_next_page() -> None:
    page = read({}, following=f"{LIST}?{PLACE}")
    assert page == EventPage((), PLACE, unreadable=1)


def test_the_documented_link_leads_to_the_next_page() -> None:
    cursor = read(GOOD, following=DOCUMENTED).next_cursor
    assert cursor is not None
    assert further_page(cursor) == (
        f"start_time=2014-08-04T12%3A46%3A47-07%3A00&page_size=2&{PLACE}"
    )


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/v1/notifications/webhooks-events",
        "http://127.0.0.1:1/v1/oauth2/token",
        "//evil.example",
        "file:///etc/passwd",
        "",
    ],
)
def test_the_host_of_a_link_is_ignored(place: str) -> None:
    assert read(GOOD, following=f"{place}?{PLACE}#fragment").next_cursor == PLACE


def test_without_a_link_or_without_events_the_list_ends() -> None:
    assert read(GOOD).next_cursor is None
    assert read(following=f"{LIST}?{PLACE}") == EventPage((), None)


@pytest.mark.parametrize(
    "following", ["", LIST, f"{LIST}?", "https://[?a=b", f"{LIST}?a={'x' * 2048}"]
)
def test_a_link_without_a_query_does_not_end_the_list(following: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it is, it is told as unreadable
        read(GOOD, following=following)


@given(st.text() | st.text(max_size=2).map(lambda text: text * 2**12))
def test_any_cursor_changes_only_the_query(cursor: str) -> None:
    query = further_page(cursor)
    assert query.isascii()
    assert not set(query) & set(" /?#\r\n")


@dataclass
class Host:
    """Answers with a token, and then with one status and body; keeps what it was asked for."""

    status: int = 200
    body: bytes = b""
    asked: list[Mapping[str, str]] = field(default_factory=list)

    async def token(self, _: Request) -> Response:
        return JSONResponse({"access_token": "A21", "expires_in": 3600})

    async def answer(self, request: Request) -> Response:
        self.asked.append(dict(request.query_params))
        return Response(self.body, self.status, media_type="application/json")


@pytest.fixture
async def host(paypal_stage: Stage) -> AsyncIterator[Host]:
    host = Host()
    routes = [
        Route("/v1/oauth2/token", host.token, methods=["POST"]),
        Route("/v1/notifications/webhooks-events", host.answer),
    ]
    async with paypal_stage.showing(Starlette(routes=routes)):
        yield host


@pytest.fixture
async def provider(paypal_stage: Stage) -> AsyncIterator[PayPalProvider]:
    provider = adapter(paypal_stage.address)
    yield provider
    await provider.close()


async def test_a_next_page_is_requested_from_the_configured_host(
    host: Host, provider: PayPalProvider
) -> None:
    host.body = json.dumps(page_of(GOOD, following=f"https://evil.example/?{PLACE}")).encode()
    page = await provider.event_list.page(SINCE, UNTIL, None)
    assert isinstance(page, EventPage)
    await provider.event_list.page(SINCE, UNTIL, page.next_cursor)
    assert host.asked[1] == {
        "move_to": "next",
        "index_time": "2014-09-17T23:07:35Z",
        "index_id": "3",
    }


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, b'{"events": [], "links": []}') for status in (302, 400, 401, 403, 429, 500)),
        *(
            (200, body)
            for body in (
                *(b"", b"null", b"[]", b'{"events": null}', b'{"events": {}}', b"<html>", b"\xff"),
                *(b'{"events": [], "links": [5]}', b"[" * 100_000),
            )
        ),
    ],
)
async def test_an_unreadable_list_is_unknown(
    host: Host, provider: PayPalProvider, status: int, body: bytes
) -> None:
    host.status, host.body = status, body
    assert isinstance(await provider.event_list.page(SINCE, UNTIL, None), Unknown)


async def test_an_event_that_was_never_delivered_is_listed(paypal: PayPal) -> None:
    await paypal.faults(drop=1)
    reply = await paypal.provider.operations.authorize(authorize_request())
    now = paypal.clock.now()
    page = await paypal.provider.event_list.page(now - timedelta(minutes=1), now, None)
    assert isinstance(page, EventPage)
    for one in page.events:
        assert one.envelope.transmission_id is None
        told = await paypal.provider.webhooks.interpret(one.envelope.event_type, one.body)
        assert isinstance(told, Answered)
        assert told == reply


async def test_no_event_is_listed_longer_than_the_declared_period(paypal: PayPal) -> None:
    await paypal.provider.operations.authorize(authorize_request())
    since = paypal.clock.now() - timedelta(minutes=1)
    listed_for = paypal.provider.event_list.covers
    paypal.clock.advance(listed_for - timedelta(minutes=1))
    page = await paypal.provider.event_list.page(since, paypal.clock.now(), None)
    assert isinstance(page, EventPage)
    assert page.events
    paypal.clock.advance(timedelta(minutes=2))
    assert await paypal.provider.event_list.page(since, paypal.clock.now(), None) == EventPage(
        (), None
    )
