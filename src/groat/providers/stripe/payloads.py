"""Stripe's objects, as far as we read them. Source: docs.stripe.com/api.

Amounts are in minor units as Stripe counts them; currencies are in lower case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from groat.kernel.moments import from_unix
from groat.kernel.value import field
from groat.providers.reading import EventText, Payload

Metadata: TypeAlias = dict[str, str]

UnixTime: TypeAlias = Annotated[int, Meta(ge=0, lt=253_402_300_800)]
"""Whole seconds, until the end of the year 9999."""


class PaymentError(Payload):
    """Why a payment did not go through, as Stripe's errors and PaymentIntents hold it."""

    code: str | None = None
    decline_code: str | None = None


class BalanceTransaction(Payload, tag_field="object", tag="balance_transaction"):
    """A change of our balance at Stripe, in the currency of that balance."""

    id: str
    currency: str
    fee: int


class CardPayload(Payload):
    """How a charge was authorized."""

    capture_before: UnixTime | None = None


class PaymentMethodDetails(Payload):
    """What a charge was made to."""

    card: CardPayload | None = None


class ChargePayload(Payload, tag_field="object", tag="charge"):
    """One charge, made by a PaymentIntent; ``captured`` says whether it took anything yet."""

    id: str
    status: str
    captured: bool
    currency: str
    amount: int
    amount_captured: int
    payment_intent: str | None
    balance_transaction: BalanceTransaction | str | None = None
    payment_method_details: PaymentMethodDetails | None = None
    metadata: Metadata = field(default_factory=dict)

    @property
    def capture_before(self) -> datetime | None:
        """Until when it can be captured, where Stripe says so."""
        details = self.payment_method_details
        until = details.card.capture_before if details and details.card else None
        return None if until is None else from_unix(until)


class Redirect(Payload):
    """Where the customer has to go."""

    url: str | None = None


class NextAction(Payload):
    """What the customer has to do."""

    redirect_to_url: Redirect | None = None


class PaymentIntent(Payload, tag_field="object", tag="payment_intent"):
    """A payment from its beginning to its end."""

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
    """Something of a charge given back, or on its way."""

    id: str
    status: str | None
    currency: str
    amount: int
    charge: str | None = None
    payment_intent: str | None = None
    balance_transaction: BalanceTransaction | str | None = None
    failure_reason: str | None = None
    metadata: Metadata | None = None


class StripeDisputePayload(Payload, tag_field="object", tag="dispute"):
    """A charge that the customer's bank takes back, or asks about."""

    id: str
    status: str
    currency: str
    amount: int
    charge: str
    payment_intent: str | None = None


class IntentReference(Payload):
    """The PaymentIntent that a card error is about."""

    id: str


class CardError(PaymentError):
    """A decline, as it is in the answer to a call."""

    payment_intent: IntentReference | None = None


class CardErrorAnswer(Payload):
    """The answer to a call that was declined: status 402."""

    error: CardError


class StateError(Payload):
    """A call that the PaymentIntent's status does not allow."""

    payment_intent: PaymentIntent


class StateErrorAnswer(Payload):
    """The answer to such a call."""

    error: StateError


class EventData(Payload):
    """The object that the event is about, as it was then."""

    object: PaymentIntent | ChargePayload | StripeRefundPayload | StripeDisputePayload


class StripeEventPayload(Payload):
    """A provider event about one of these objects.

    ``account`` is the connected account that it is of, if it is of one.
    """

    data: EventData
    livemode: bool | None = None
    account: str | None = None


class EventOrigin(Payload):
    """Where any provider event comes from; a thin one names its account in ``context``."""

    livemode: bool | None = None
    account: str | None = None
    context: str | None = None


class RelatedObject(Payload):
    """Which object a thin event is about. Its address is not used: the id says as much."""

    id: EventText
    type: Literal["charge", "dispute", "payment_intent", "refund"]


class ThinEvent(Payload):
    """A provider event without its object: docs.stripe.com/event-destinations, "Thin events"."""

    related_object: RelatedObject


class StripeEnvelopePayload(Payload):
    """What every event has."""

    id: EventText
    type: EventText


class StripeEventListPayload(Payload):
    """A page of events, newest first. Each is read by itself."""

    data: list[object]
    has_more: bool
