"""Read Stripe's provider events, and Stripe's list of events. Pure.

Source: docs.stripe.com/api/events/types.
"""

from __future__ import annotations

from groat.kernel.moments import from_unix
from groat.kernel.value import replace
from groat.providers.domain.facts import Report
from groat.providers.port import Envelope, EventPage, Unknown
from groat.providers.reading import convert, event_page, parse
from groat.providers.stripe.disputes import dispute_reports
from groat.providers.stripe.payloads import (
    ChargePayload,
    PaymentIntent,
    StripeDisputePayload,
    StripeEnvelopePayload,
    StripeEventListPayload,
    StripeEventPayload,
    StripeRefundPayload,
)
from groat.providers.stripe.translation import charge_reports, intent_reports, refund_reports

THIN = "v1."
"""Prefix of the type of a thin event. The rest is one of ``EVENT_TYPES``."""

EVENT_TYPES = frozenset(
    {
        "charge.captured",
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.expired",
        "charge.failed",
        "charge.refund.updated",
        "charge.refunded",
        "charge.succeeded",
        "charge.updated",
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
        "refund.created",
        "refund.failed",
        "refund.updated",
    }
)
"""Types of events that report a fact. Several events may report the same change."""

REFUNDS_HAVE_EVENTS = "2024-10-28"
"""API version since which each refund has events of its own. ``charge.refunded`` names none."""


def envelope(body: bytes) -> Envelope:
    """Read the envelope of the event in ``body``.

    Raises:
        Malformed: the body is no event.
    """
    event = parse(StripeEnvelopePayload, body)
    return Envelope(event.id, event.type)


def listed_events(page: object) -> EventPage | Unknown:
    """Read a page of Stripe's list of events. The next page follows the last readable event.

    Raises:
        Malformed: ``page`` is no such page.
    """
    listed = convert(StripeEventListPayload, page)
    read = event_page(listed.data, envelope, None)
    if not listed.has_more:
        return read
    if not read.events:
        return Unknown("unreadable: no event for the next page to follow")
    return replace(read, next_cursor=read.events[-1].envelope.event_id)


def lacks_something(event_type: str, event: StripeEventPayload) -> bool:
    """Tell whether Stripe has to be asked for the movements, or the refunds, of an event's object.

    An event has at most the id of a movement. The movement of most charges comes with the reply to
    the call, so only the events that bring a new one are worth a call.
    """
    match event_type, event.data.object:
        case "charge.updated", ChargePayload(balance_transaction=str()):
            return "balance_transaction" in event.data.previous_attributes
        case "charge.failed", ChargePayload(failure_balance_transaction=str()):
            return True
        case "charge.refunded", _:
            return (event.api_version or "") < REFUNDS_HAVE_EVENTS
        case _, StripeRefundPayload(failure_balance_transaction=str()):
            return True
        case _:
            return False


def event_reports(event_type: str, event: StripeEventPayload) -> tuple[Report, ...]:
    """Return the reports of an event of one of ``EVENT_TYPES``."""
    match event.data.object:
        case PaymentIntent() as intent:
            return intent_reports(intent)
        case ChargePayload() as charge:
            if event_type in _WITHOUT_FACT and not lacks_something(event_type, event):
                return ()
            return charge_reports(charge, expired=event_type == "charge.expired")
        case StripeRefundPayload() as refund:
            return refund_reports(refund)
        case StripeDisputePayload() as dispute:
            told_at = None if event.created is None else from_unix(event.created)
            return dispute_reports(dispute, told_at)


_WITHOUT_FACT = frozenset({"charge.refunded", "charge.updated"})
"""Types of events of charges that report nothing, unless Stripe has to be asked."""
