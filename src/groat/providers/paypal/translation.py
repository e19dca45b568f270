"""PayPal's objects to facts: pure. Sources: developer.paypal.com, Orders v2 and Payments v2."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from groat.kernel.money import Money
from groat.providers.amounts import to_units
from groat.providers.domain.facts import Captured, Declined, Fact, Report
from groat.providers.domain.failures import FailureCode, from_paypal
from groat.providers.port import Envelope
from groat.providers.reading import EventText, Payload, own_payment_id

CAPTURE_EVENT_TYPES = frozenset(
    {
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.DECLINED",
        "PAYMENT.CAPTURE.DENIED",
    }
)
"""The events about a capture. ``CHECKOUT.ORDER.APPROVED`` is not money, and not among them."""


CaptureStatus: TypeAlias = Literal[
    "COMPLETED", "DECLINED", "FAILED", "PARTIALLY_REFUNDED", "PENDING", "REFUNDED"
]
"""Every status that is documented. Another cannot be read, so it leaves the outcome unknown."""


_WHOLE = frozenset({"HUF", "JPY", "TWD"})
"""Currencies that PayPal takes without decimals (developer.paypal.com, "Currency codes")."""


class Amount(Payload):
    """A decimal string with the currency's decimals."""

    currency_code: str
    value: str


class ProcessorResponse(Payload):
    """What the card's issuer answered."""

    response_code: str | None = None


class RelatedIds(Payload):
    """What a capture belongs to."""

    order_id: str | None = None


class SupplementaryData(Payload):
    """What a capture is told with besides."""

    related_ids: RelatedIds = RelatedIds()


class Capture(Payload):
    """One taking of money."""

    id: str
    status: CaptureStatus
    amount: Amount
    custom_id: str | None = None
    processor_response: ProcessorResponse | None = None
    supplementary_data: SupplementaryData = SupplementaryData()


class UnitPayments(Payload):
    """The captures of a purchase unit."""

    captures: list[Capture] = Field(default_factory=list)


class PurchaseUnit(Payload):
    """A part of an order; ours have one."""

    payments: UnitPayments = UnitPayments()


class Order(Payload):
    """An order with its captures."""

    id: str
    purchase_units: list[PurchaseUnit]


class EventResource(Payload):
    """The id of what the event is about; the rest is asked of PayPal."""

    id: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$")


class Event(Payload):
    """A webhook event of one of ``CAPTURE_EVENT_TYPES``."""

    resource: EventResource


class EventEnvelope(Payload):
    """What every event has."""

    id: EventText
    event_type: EventText


class Issue(Payload):
    """One reason for a refusal."""

    issue: str = ""


class Problem(Payload):
    """PayPal's error document."""

    name: str = Field(min_length=1)
    details: list[Issue] = Field(default_factory=list)


def envelope(body: bytes) -> Envelope:
    """Return what identifies the event in ``body``.

    Raises:
        ValidationError: it is no event.
    """
    event = EventEnvelope.model_validate_json(body)
    return Envelope(event.id, event.event_type)


def paypal_value(money: Money) -> str:
    """Return ``money`` as PayPal writes it.

    Raises:
        InvalidRequest: ``amount_not_supported``.
    """
    if money.currency in _WHOLE:
        return str(to_units(money, 0))
    return money.decimal()


def order_reports(order: Order) -> tuple[Report, ...]:
    """Return what an order's captures say."""
    return tuple(
        report
        for unit in order.purchase_units
        for capture in unit.payments.captures
        for report in _reports(capture, order.id)
    )


def capture_reports(capture: Capture) -> tuple[Report, ...]:
    """Return what a capture says."""
    return _reports(capture, capture.supplementary_data.related_ids.order_id)


def refusal_code(problem: Problem) -> FailureCode:
    """Return why an order was refused: because of the payer, or else of the request itself."""
    issues = [detail.issue for detail in problem.details]
    return from_paypal(issues, FailureCode.REJECTED_BY_PROVIDER)


def _reports(capture: Capture, order_id: str | None) -> tuple[Report, ...]:
    """Return what a capture's status says; a pending one says nothing yet."""
    fact = _fact(capture)
    if fact is None:
        return ()
    return (Report(own_payment_id(capture.custom_id), order_id, fact),)


def _fact(capture: Capture) -> Fact | None:
    match capture.status:
        case "COMPLETED" | "REFUNDED" | "PARTIALLY_REFUNDED":  # it was taken before it was given
            amount = Money.from_decimal(capture.amount.value, capture.amount.currency_code)
            return Captured(capture.id, amount)
        case "PENDING":
            return None
        case "DECLINED" | "FAILED":
            response = capture.processor_response
            codes = [response.response_code or ""] if response else []
            return Declined(from_paypal(codes, FailureCode.DO_NOT_HONOR))
