"""What PayPal's provider events are about, and its list of them: pure.

Nothing else in an event is believed: its signature is over a checksum that can be met by another
body (see ``signature``), so all that an event says is asked of PayPal.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

from groat.providers.paypal.payloads import (
    DisputeEvent,
    PayPalEnvelopePayload,
    PayPalEventListPayload,
    PayPalEventPayload,
    ToldEvent,
)
from groat.providers.port import Envelope, EventPage
from groat.providers.reading import Malformed, convert, event_page, parse

_PAGE_SIZE = 100
_CURSOR_LENGTH_MAX = 2048
_ESCAPED_AMPERSAND = re.compile("&(?:amp;)+")

Subject: TypeAlias = Literal["authorization", "capture", "dispute", "order", "refund", "reversal"]
"""What there is to look up. A reversal is a refund that PayPal made because of a dispute."""

_SUBJECTS: dict[str, Subject] = {
    "CHECKOUT.ORDER.APPROVED": "order",
    "CHECKOUT.ORDER.COMPLETED": "order",
    "CHECKOUT.ORDER.VOIDED": "order",
    "CUSTOMER.DISPUTE.CREATED": "dispute",
    "CUSTOMER.DISPUTE.RESOLVED": "dispute",
    "CUSTOMER.DISPUTE.UPDATED": "dispute",
    "PAYMENT.AUTHORIZATION.CREATED": "authorization",
    "PAYMENT.AUTHORIZATION.VOIDED": "authorization",
    "PAYMENT.CAPTURE.COMPLETED": "capture",
    "PAYMENT.CAPTURE.DECLINED": "capture",
    "PAYMENT.CAPTURE.DENIED": "capture",
    "PAYMENT.CAPTURE.PENDING": "capture",
    "PAYMENT.CAPTURE.REFUNDED": "refund",
    "PAYMENT.CAPTURE.REVERSED": "reversal",
}


def subject_of(event_type: str) -> Subject | None:
    """Return what an event is about, None if it is of no interest."""
    return _SUBJECTS.get(event_type)


def subject_id(subject: Subject, body: bytes) -> str:
    """Return the id of what an event is about.

    Raises:
        Malformed: the event has none, or one that cannot be PayPal's.
    """
    if subject == "dispute":
        return parse(DisputeEvent, body).resource.dispute_id
    return parse(PayPalEventPayload, body).resource.id


def envelope(body: bytes, transmission_id: str | None = None) -> Envelope:
    """Return what identifies the event in ``body``, and its transmission if it was sent in one.

    Raises:
        Malformed: it is no event.
    """
    event = parse(PayPalEnvelopePayload, body)
    return Envelope(event.id, event.event_type, transmission_id)


def order_of(ours: str, body: bytes) -> str | None:
    """Return the order of a listed event about our payment ``ours``, None if it is of another."""
    try:
        told = parse(ToldEvent, body).resource
    except Malformed:
        return None
    if any(unit.custom_id == ours for unit in told.purchase_units):
        return told.id
    return told.supplementary_data.related_ids.order_id if told.custom_id == ours else None


def first_page(since: datetime, until: datetime) -> str:
    """Return the query for the first page of the events of a time.

    It asks for whole seconds, the last one to its end: PayPal keeps milliseconds.
    """
    start, end = (moment.astimezone(UTC) for moment in (since, until))
    return urlencode(
        {
            "page_size": _PAGE_SIZE,
            "start_time": f"{start:%Y-%m-%dT%H:%M:%S}Z",
            "end_time": f"{end:%Y-%m-%dT%H:%M:%S}.999Z",
        }
    )


def further_page(cursor: str) -> str:
    """Return the query that ``cursor`` is, whatever text it may be."""
    return urlencode(parse_qsl(cursor[:_CURSOR_LENGTH_MAX]), errors="replace")


def listed_events(body: bytes) -> EventPage:
    """Return a page of PayPal's list of events.

    Of the link to the next page only the query is taken, as what it is made of is not documented.
    It may choose among our account's events; where it is sent, with our token, is not the link's
    affair. PayPal's example has its ampersands escaped for HTML, twice. An empty page is the last:
    nothing is left that a link could go on from.

    Raises:
        ValueError: it is no such page, or too long a link leads on from it.
        RecursionError: it is nested beyond reason.
    """
    page = convert(PayPalEventListPayload, json.loads(body))
    links = [link.href for link in page.links if link.rel == "next"]
    if not links or not page.events:
        return event_page(page.events, envelope, None)
    query = _ESCAPED_AMPERSAND.sub("&", urlsplit(links[0]).query)
    if not 0 < len(query) <= _CURSOR_LENGTH_MAX:
        raise ValueError("the link to the next page has no query, or too long a one")
    return event_page(page.events, envelope, query)
