"""Read the subject of PayPal's provider events, and PayPal's list of events. Pure.

The adapter trusts nothing else in an event. The signature covers only a checksum of the body, and
an attacker can write another body with the same checksum (see ``signature``). So the adapter asks
PayPal about the subject of every event.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

from groat.kernel.ids import OperationId
from groat.providers.paypal.bodies import own_operation
from groat.providers.paypal.payloads import (
    DisputeEvent,
    PayPalEnvelopePayload,
    PayPalEventListPayload,
    PayPalEventPayload,
    PurchaseUnitPayload,
    ToldEvent,
    ToldOrder,
)
from groat.providers.port import Envelope, EventPage
from groat.providers.reading import Malformed, convert, event_page, parse

_PAGE_SIZE = 100
"""Number of events to ask for on a page."""

_CURSOR_LENGTH_MAX = 2048
"""Maximum characters of a cursor."""

_ESCAPED_AMPERSAND = re.compile("&(?:amp;)+")

Subject: TypeAlias = Literal["authorization", "capture", "dispute", "order", "refund", "reversal"]
"""Kinds of objects to look up. A reversal is a refund that PayPal made because of a dispute."""

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
    """Return the kind of object that an event is about, None if the event is irrelevant."""
    return _SUBJECTS.get(event_type)


def subject_id(subject: Subject, body: bytes) -> str:
    """Read the id of the object that an event is about.

    Raises:
        Malformed: the event has no id, or an id that PayPal would not issue.
    """
    if subject == "dispute":
        return parse(DisputeEvent, body).resource.dispute_id
    return parse(PayPalEventPayload, body).resource.id


def envelope(body: bytes, transmission_id: str | None = None) -> Envelope:
    """Read the envelope of the event in ``body``. Listed events have no ``transmission_id``.

    Raises:
        Malformed: the body is no event.
    """
    event = parse(PayPalEnvelopePayload, body)
    return Envelope(event.id, event.event_type, transmission_id)


def order_of(payment_ref: str, operation_id: OperationId | None, body: bytes) -> str | None:
    """Return the order id in a listed event about one attempt of a payment, else None.

    ``payment_ref`` names the payment, and ``operation_id`` the attempt.
    """
    try:
        resource = parse(ToldEvent, body).resource
    except Malformed:
        return None

    def is_wanted(told: ToldOrder | PurchaseUnitPayload) -> bool:
        attempt = own_operation(told.invoice_id)
        is_other = None not in {attempt, operation_id} and attempt != operation_id
        return told.custom_id == payment_ref and not is_other

    if any(map(is_wanted, resource.purchase_units)):
        return resource.id
    return resource.supplementary_data.related_ids.order_id if is_wanted(resource) else None


def first_page(since: datetime, until: datetime) -> str:
    """Return the query for the first page of the events from ``since`` to ``until``.

    The span covers whole seconds, the last one up to its end, because PayPal keeps milliseconds.
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
    """Return the query for the page at ``cursor``. Any text is valid input."""
    return urlencode(parse_qsl(cursor[:_CURSOR_LENGTH_MAX]), errors="replace")


def listed_events(body: bytes) -> EventPage:
    """Read a page of PayPal's list of events.

    The cursor is the query of the link to the next page, because PayPal does not document how to
    build it. The rest of the link is ignored. The link must not choose the host, because the call
    carries the account's token. PayPal's example escapes the ampersands for HTML twice. An empty
    page is the last one, even if it has a link.

    Raises:
        ValueError: the body is no such page, or the query of its link is missing or too long.
        RecursionError: the JSON is nested too deeply.
    """
    page = convert(PayPalEventListPayload, json.loads(body))
    links = [link.href for link in page.links if link.rel == "next"]
    if not links or not page.events:
        return event_page(page.events, envelope, None)
    query = _ESCAPED_AMPERSAND.sub("&", urlsplit(links[0]).query)
    if not 0 < len(query) <= _CURSOR_LENGTH_MAX:
        raise ValueError("the link to the next page has no query, or a query that is too long")
    return event_page(page.events, envelope, query)
