"""What PayPal's webhook events are about: pure.

Nothing else in an event is believed: its signature is over a checksum that can be met by another
body (see ``signature``), so all that an event says is asked of PayPal.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from groat.providers.paypal.payloads import DisputeEvent, Event, EventEnvelope
from groat.providers.port import Envelope

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
        ValidationError: the event has none, or one that cannot be PayPal's.
    """
    if subject == "dispute":
        return DisputeEvent.model_validate_json(body).resource.dispute_id
    return Event.model_validate_json(body).resource.id


def envelope(body: bytes) -> Envelope:
    """Return what identifies the event in ``body``.

    Raises:
        ValidationError: it is no event.
    """
    event = EventEnvelope.model_validate_json(body)
    return Envelope(event.id, event.event_type)
