"""PayPal's objects, as far as they are read.

Sources: developer.paypal.com, Orders v2, Payments v2, Disputes v1 and Webhooks v1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from groat.kernel.money import Money
from groat.kernel.value import field
from groat.providers.reading import EventText, Payload

Id: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,64}\Z")]
"""An id of PayPal's. It becomes a part of addresses that we look up, so it must lead nowhere."""

AuthorizationStatus: TypeAlias = Literal[
    "CAPTURED", "CREATED", "DENIED", "EXPIRED", "PARTIALLY_CAPTURED", "PENDING", "VOIDED"
]
CaptureStatus: TypeAlias = Literal[
    "COMPLETED", "DECLINED", "FAILED", "PARTIALLY_REFUNDED", "PENDING", "REFUNDED"
]
RefundStatus: TypeAlias = Literal["CANCELLED", "COMPLETED", "FAILED", "PENDING"]
"""These are the statuses that are documented. Another cannot be read, so it leaves the outcome
unknown."""


class AmountPayload(Payload):
    """A decimal string with the currency's decimals."""

    currency_code: str
    value: str

    def money(self) -> Money:
        """Return it as money.

        Raises:
            InvalidRequest: it is no amount of the currency.
        """
        return Money.from_decimal(self.value, self.currency_code)


class Link(Payload):
    """Where something else is found, and what it is."""

    href: str
    rel: str


class ProcessorResponse(Payload):
    """What the card's issuer answered."""

    response_code: str | None = None


class RelatedIds(Payload):
    """What an authorization or a capture belongs to."""

    order_id: Id | None = None
    authorization_id: Id | None = None


class SupplementaryData(Payload):
    """What an authorization or a capture is told with besides."""

    related_ids: RelatedIds = RelatedIds()


class AuthorizationPayload(Payload):
    """Money that is reserved, or not."""

    id: Id
    status: AuthorizationStatus
    amount: AmountPayload
    custom_id: str | None = None
    expiration_time: Annotated[datetime, Meta(tz=True)] | None = None
    processor_response: ProcessorResponse | None = None
    supplementary_data: SupplementaryData = SupplementaryData()


class Breakdown(Payload):
    """What becomes of a capture's amount."""

    paypal_fee: AmountPayload | None = None


class CapturePayload(Payload):
    """One taking of money."""

    id: Id
    status: CaptureStatus
    amount: AmountPayload
    custom_id: str | None = None
    invoice_id: str | None = None
    final_capture: bool = False
    processor_response: ProcessorResponse | None = None
    seller_receivable_breakdown: Breakdown = Breakdown()
    supplementary_data: SupplementaryData = SupplementaryData()
    links: list[Link] = field(default_factory=list)


class PayPalRefundPayload(Payload):
    """One giving back of money. Its capture is told by a link alone."""

    id: Id
    status: RefundStatus
    amount: AmountPayload
    custom_id: str | None = None
    note_to_payer: str | None = None
    links: list[Link] = field(default_factory=list)


class UnitPayments(Payload):
    """What became of a purchase unit."""

    authorizations: list[AuthorizationPayload] = field(default_factory=list)
    captures: list[CapturePayload] = field(default_factory=list)
    refunds: list[PayPalRefundPayload] = field(default_factory=list)


class PurchaseUnitPayload(Payload):
    """A part of an order; ours have one."""

    custom_id: str | None = None
    payments: UnitPayments = UnitPayments()


class OrderPayload(Payload):
    """An order and its payments."""

    id: Id
    purchase_units: list[PurchaseUnitPayload]
    intent: str | None = None
    status: str | None = None
    links: list[Link] = field(default_factory=list)


class DisputedTransaction(Payload):
    """The capture that is disputed, which the seller knows by an id of its own."""

    seller_transaction_id: Id | None = None


class DisputeOutcome(Payload):
    """How a dispute was decided."""

    outcome_code: str
    amount_refunded: AmountPayload | None = None


class PayPalDisputePayload(Payload):
    """A payer's complaint."""

    dispute_id: Id
    status: str
    dispute_amount: AmountPayload
    disputed_transactions: Annotated[list[DisputedTransaction], Meta(min_length=1)]
    dispute_outcome: DisputeOutcome | None = None


class ListedDispute(Payload):
    """A dispute in a list."""

    dispute_id: Id


class DisputeList(Payload):
    """The disputes that were asked for."""

    items: list[ListedDispute] = field(default_factory=list)


class EventResource(Payload):
    """The id of what the event is about; the rest is asked of PayPal."""

    id: Id


class PayPalEventPayload(Payload):
    """A provider event about anything but a dispute."""

    resource: EventResource


class DisputeEvent(Payload):
    """A provider event about a dispute, which names its id in its own way."""

    resource: ListedDispute


class ToldOrder(Payload):
    """What an event is about, as far as it tells which order that is, and of which payment."""

    id: Id | None = None
    custom_id: str | None = None
    purchase_units: list[PurchaseUnitPayload] = field(default_factory=list)
    supplementary_data: SupplementaryData = SupplementaryData()


class ToldEvent(Payload):
    """An event in PayPal's list, which PayPal answered and nobody else can have written."""

    resource: ToldOrder


class PayPalEnvelopePayload(Payload):
    """What every event has."""

    id: EventText
    event_type: EventText


class PayPalEventListPayload(Payload):
    """A page of events, newest first. Each is read by itself."""

    events: list[object] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


class Issue(Payload):
    """One reason for a refusal."""

    issue: str = ""


class ProblemPayload(Payload):
    """PayPal's error document."""

    name: Annotated[str, Meta(min_length=1)]
    details: list[Issue] = field(default_factory=list)

    def issues(self) -> list[str]:
        """Return the reasons."""
        return [detail.issue for detail in self.details]
