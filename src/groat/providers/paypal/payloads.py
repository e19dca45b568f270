"""PayPal's objects, with the fields that the adapter reads.

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
"""An id at PayPal. It becomes a part of paths, so it must hold no character that changes a path."""

AuthorizationStatus: TypeAlias = Literal[
    "CAPTURED", "CREATED", "DENIED", "EXPIRED", "PARTIALLY_CAPTURED", "PENDING", "VOIDED"
]
CaptureStatus: TypeAlias = Literal[
    "COMPLETED", "DECLINED", "FAILED", "PARTIALLY_REFUNDED", "PENDING", "REFUNDED"
]
RefundStatus: TypeAlias = Literal["CANCELLED", "COMPLETED", "FAILED", "PENDING"]
"""The statuses that PayPal documents. Any other status cannot be read and leaves the outcome
unknown."""


class AmountPayload(Payload):
    """An amount: its currency, and a decimal text with the currency's decimals."""

    currency_code: str
    value: str

    def money(self) -> Money:
        """Return the amount as money.

        Raises:
            InvalidRequest: the text is no amount of the currency.
        """
        return Money.from_decimal(self.value, self.currency_code)


class Link(Payload):
    """The address ``href`` of a related object, and its relation ``rel``."""

    href: str
    rel: str


class ProcessorResponse(Payload):
    """The answer of the card's issuer."""

    response_code: str | None = None


class RelatedIds(Payload):
    """The order, and the authorization, that an authorization or a capture belongs to."""

    order_id: Id | None = None
    authorization_id: Id | None = None


class SupplementaryData(Payload):
    """Additional data of an authorization or a capture."""

    related_ids: RelatedIds = RelatedIds()


class AuthorizationPayload(Payload):
    """An authorization. ``status`` tells whether the money is reserved."""

    id: Id
    status: AuthorizationStatus
    amount: AmountPayload
    custom_id: str | None = None
    invoice_id: str | None = None
    expiration_time: Annotated[datetime, Meta(tz=True)] | None = None
    processor_response: ProcessorResponse | None = None
    supplementary_data: SupplementaryData = SupplementaryData()


class CapturePayload(Payload):
    """A capture."""

    id: Id
    status: CaptureStatus
    amount: AmountPayload
    custom_id: str | None = None
    invoice_id: str | None = None
    final_capture: bool = False
    processor_response: ProcessorResponse | None = None
    supplementary_data: SupplementaryData = SupplementaryData()
    links: list[Link] = field(default_factory=list)


class PayPalRefundPayload(Payload):
    """A refund. Only a link names its capture."""

    id: Id
    status: RefundStatus
    amount: AmountPayload
    custom_id: str | None = None
    note_to_payer: str | None = None
    links: list[Link] = field(default_factory=list)


class UnitPayments(Payload):
    """The authorizations, captures and refunds of a purchase unit."""

    authorizations: list[AuthorizationPayload] = field(default_factory=list)
    captures: list[CapturePayload] = field(default_factory=list)
    refunds: list[PayPalRefundPayload] = field(default_factory=list)


class PurchaseUnitPayload(Payload):
    """A part of an order. Orders that Groat creates have one."""

    custom_id: str | None = None
    invoice_id: str | None = None
    payments: UnitPayments = UnitPayments()


class OrderPayload(Payload):
    """An order and its payments."""

    id: Id
    purchase_units: list[PurchaseUnitPayload]
    intent: str | None = None
    status: str | None = None
    links: list[Link] = field(default_factory=list)


class DisputedTransaction(Payload):
    """A disputed capture. ``seller_transaction_id`` is the seller's id of it."""

    seller_transaction_id: Id | None = None
    gross_amount: AmountPayload | None = None


class DisputeOutcome(Payload):
    """The decision on a dispute. The transaction search says which money it moved."""

    outcome_code: str


class PayPalDisputePayload(Payload):
    """A dispute that a payer has opened."""

    dispute_id: Id
    status: str
    dispute_amount: AmountPayload
    disputed_transactions: Annotated[list[DisputedTransaction], Meta(min_length=1)]
    dispute_outcome: DisputeOutcome | None = None


class ListedDispute(Payload):
    """A dispute in a list."""

    dispute_id: Id


class DisputeList(Payload):
    """A list of disputes."""

    items: list[ListedDispute] = field(default_factory=list)


class EventResource(Payload):
    """The object that an event is about. The adapter reads its id and asks PayPal for the rest."""

    id: Id


class PayPalEventPayload(Payload):
    """A provider event about any object except a dispute."""

    resource: EventResource


class DisputeEvent(Payload):
    """A provider event about a dispute, whose id has another field name."""

    resource: ListedDispute


class ToldOrder(Payload):
    """The object of a listed event, with the fields that name its order and its payment."""

    id: Id | None = None
    custom_id: str | None = None
    invoice_id: str | None = None
    purchase_units: list[PurchaseUnitPayload] = field(default_factory=list)
    supplementary_data: SupplementaryData = SupplementaryData()


class ToldEvent(Payload):
    """An event in PayPal's list. It can be trusted, because PayPal returned it to an API call."""

    resource: ToldOrder


class PayPalEnvelopePayload(Payload):
    """The fields that every event has."""

    id: EventText
    event_type: EventText


class PayPalEventListPayload(Payload):
    """A page of events, newest first. Each event is parsed separately."""

    events: list[object] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


class TransactionInfo(Payload):
    """A row of the transaction search: a change of the balance, or a step towards one.

    ``transaction_status`` is one of ``D`` (denied), ``P`` (pending), ``S`` (success) and ``V``
    (reversed later, by another row).
    """

    transaction_id: str
    transaction_event_code: str
    transaction_initiation_date: Annotated[datetime, Meta(tz=True)]
    transaction_amount: AmountPayload
    transaction_status: str
    fee_amount: AmountPayload | None = None
    paypal_reference_id: str | None = None
    paypal_reference_id_type: str | None = None


class TransactionDetail(Payload):
    """An item of the transaction search, of which only the row itself is read."""

    transaction_info: TransactionInfo


class TransactionPage(Payload):
    """A page of the transaction search. Without any rows, PayPal leaves the list out.

    ``end_date`` may be earlier than asked for: PayPal knows no later rows yet.
    """

    transaction_details: list[TransactionDetail] = field(default_factory=list)
    end_date: Annotated[datetime, Meta(tz=True)] | None = None
    total_pages: int = 1


class CurrencyBalance(Payload):
    """The balance of one currency."""

    currency: str
    available_balance: AmountPayload
    withheld_balance: AmountPayload


class BalancesPage(Payload):
    """The balances at a time. ``last_refresh_time`` is the time up to which PayPal knows them."""

    balances: list[CurrencyBalance]
    last_refresh_time: Annotated[datetime, Meta(tz=True)]


class Issue(Payload):
    """One reason for a refusal: its name, and its description."""

    issue: str = ""
    description: str | None = None


class ProblemPayload(Payload):
    """PayPal's error document."""

    name: Annotated[str, Meta(min_length=1)]
    details: list[Issue] = field(default_factory=list)

    def issues(self) -> list[str]:
        """Return the names of all reasons for the refusal."""
        return [detail.issue for detail in self.details]
