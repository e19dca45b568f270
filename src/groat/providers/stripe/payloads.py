"""Stripe's objects, with the fields that the adapter reads. Source: docs.stripe.com/api.

Amounts are in the minor units that Stripe uses. Currencies are in lower case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta

from groat.kernel.moments import from_unix
from groat.kernel.value import field
from groat.providers.domain.payouts import PayoutStatus
from groat.providers.reading import EventText, Payload

Metadata: TypeAlias = dict[str, str]

UnixTime: TypeAlias = Annotated[int, Meta(ge=0, lt=253_402_300_800)]
"""Whole seconds since 1970, up to the end of the year 9999."""


class PaymentError(Payload):
    """The reason for which a payment failed, in Stripe's errors and PaymentIntents."""

    code: str | None = None
    decline_code: str | None = None
    message: str | None = None


class BookedFee(Payload):
    """A part of the fee of a balance transaction."""

    amount: int
    type: str


class BookedSource(Payload):
    """The object that caused a balance transaction, expanded: its id, and the charge it names."""

    id: str
    charge: str | None = None


class BookedTransaction(Payload, tag_field="object", tag="balance_transaction"):
    """A balance transaction with everything that its posting needs.

    ``source`` is the object that caused it, or its id. A list with ``expand[]=data.source`` has the
    object, which names the charge.
    """

    id: str
    amount: int
    fee: int
    net: int
    currency: str
    reporting_category: str
    created: UnixTime | None = None
    source: BookedSource | str | None = None
    balance_type: str = "payments"
    fee_details: list[BookedFee] = field(default_factory=list)

    @property
    def source_id(self) -> str | None:
        """The id of the object that caused the balance transaction, None for fees."""
        return self.source.id if isinstance(self.source, BookedSource) else self.source


class BalanceAmount(Payload):
    """An amount of a balance."""

    amount: int
    currency: str


class StripeBalancePayload(Payload, tag_field="object", tag="balance"):
    """The balance of payments: the part that can be paid out, and the part that cannot yet."""

    available: list[BalanceAmount]
    pending: list[BalanceAmount]


class StripePayoutPayload(Payload, tag_field="object", tag="payout"):
    """A payout. Stripe lists the movements of automatic payouts only."""

    amount: int
    currency: str
    status: PayoutStatus
    automatic: bool
    created: UnixTime
    arrival_date: UnixTime
    reconciliation_status: str = "not_applicable"


class OfCharge(Payload):
    """A refund or a dispute, with the id of its charge."""

    charge: str | None = None


class CardPayload(Payload):
    """Details of a card charge: the time until which it can be captured."""

    capture_before: UnixTime | None = None


class PaymentMethodDetails(Payload):
    """Details of the payment method of a charge."""

    card: CardPayload | None = None


class ChargePayload(Payload, tag_field="object", tag="charge"):
    """A charge, created by a PaymentIntent. ``captured`` tells whether it has taken money."""

    id: str
    status: str
    captured: bool
    currency: str
    amount: int
    amount_captured: int
    payment_intent: str | None
    balance_transaction: BookedTransaction | str | None = None
    failure_balance_transaction: BookedTransaction | str | None = None
    failure_code: str | None = None
    payment_method_details: PaymentMethodDetails | None = None
    metadata: Metadata = field(default_factory=dict)

    @property
    def capture_before(self) -> datetime | None:
        """Time until which the charge can be captured; None if Stripe does not tell."""
        details = self.payment_method_details
        until = details.card.capture_before if details and details.card else None
        return None if until is None else from_unix(until)


class Redirect(Payload):
    """The address that the customer has to visit."""

    url: str | None = None


class NextAction(Payload):
    """The next action of the customer."""

    redirect_to_url: Redirect | None = None


class PaymentIntent(Payload, tag_field="object", tag="payment_intent"):
    """A payment, from its creation to its end."""

    id: str
    status: str
    currency: str
    amount_capturable: int = 0
    amount_received: int = 0
    cancellation_reason: str | None = None
    latest_charge: ChargePayload | str | None = None
    last_payment_error: PaymentError | None = None
    next_action: NextAction | None = None
    metadata: Metadata = field(default_factory=dict)


class PaymentIntents(Payload):
    """A page of search results."""

    data: list[PaymentIntent]


class StripeRefundPayload(Payload, tag_field="object", tag="refund"):
    """A refund of a charge, or of a part of it."""

    id: str
    status: str | None
    currency: str
    amount: int
    charge: str | None = None
    payment_intent: str | None = None
    balance_transaction: BookedTransaction | str | None = None
    failure_balance_transaction: BookedTransaction | str | None = None
    failure_reason: str | None = None
    metadata: Metadata | None = None


class StripeDisputePayload(Payload, tag_field="object", tag="dispute"):
    """A dispute: the customer's bank takes a charge back, or inquires about it.

    ``amount`` is the disputed amount. ``balance_transactions`` took money, or gave it back.
    """

    id: str
    status: str
    currency: str
    amount: int
    charge: str
    payment_intent: str | None = None
    balance_transactions: list[BookedTransaction] = field(default_factory=list)


class StripeRefundListPayload(Payload):
    """A list of refunds."""

    data: list[StripeRefundPayload]


class IntentReference(Payload):
    """The PaymentIntent of a card error."""

    id: str


class CardError(PaymentError):
    """A decline in the answer to a call."""

    payment_intent: IntentReference | None = None


class CardErrorAnswer(Payload):
    """The answer to a declined call, with status 402."""

    error: CardError


class StateError(Payload):
    """An error of a call that the PaymentIntent's status does not allow."""

    payment_intent: PaymentIntent


class StateErrorAnswer(Payload):
    """The answer to a call that the PaymentIntent's status does not allow."""

    error: StateError


class EventData(Payload):
    """The object that the event is about, in its state at the time of the event."""

    object: PaymentIntent | ChargePayload | StripeRefundPayload | StripeDisputePayload
    previous_attributes: dict[str, Any] = field(default_factory=dict)


class StripeEventPayload(Payload):
    """A provider event with its object.

    ``account`` is the connected account of the event, None if it has none. ``api_version`` is a
    date, perhaps with a name after it.
    """

    data: EventData
    created: UnixTime | None = None
    api_version: str | None = None
    livemode: bool | None = None
    account: str | None = None


class EventOrigin(Payload):
    """The origin of any provider event. A thin event names its account in ``context``."""

    livemode: bool | None = None
    account: str | None = None
    context: str | None = None


class RelatedObject(Payload):
    """The object that a thin event is about. The event's address of it is not used, only its id."""

    id: EventText
    type: Literal["charge", "dispute", "payment_intent", "refund"]


class ThinEvent(Payload):
    """A provider event without its object: docs.stripe.com/event-destinations, "Thin events"."""

    related_object: RelatedObject


class StripeEnvelopePayload(Payload):
    """The fields that every event has."""

    id: EventText
    type: EventText


class StripeEventListPayload(Payload):
    """A page of events, newest first. Each event is parsed separately."""

    data: list[object]
    has_more: bool
