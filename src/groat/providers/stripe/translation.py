"""Stripe's objects to facts: pure. Source: docs.stripe.com/api, PaymentIntent, Charge, Event."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from groat.kernel.money import Money, exponent
from groat.providers.amounts import from_units, to_units
from groat.providers.domain.facts import Captured, Declined, Fact, Report
from groat.providers.domain.failures import from_stripe
from groat.providers.port import Authorization, Envelope
from groat.providers.reading import EventText, Payload, own_payment_id

PAYMENT_METADATA = "groat_payment"
"""Where a PaymentIntent carries our payment's id; Stripe copies it to its charges."""


_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Where Stripe's decimals are not ISO 4217's (docs.stripe.com/currencies, "Special cases")."""


class PaymentError(Payload):
    """Why a payment did not go through, as Stripe's errors and PaymentIntents hold it."""

    code: str | None = None
    decline_code: str | None = None


class PaymentIntent(Payload):
    """Amounts are in minor units; the currency is in lower case."""

    object: Literal["payment_intent"]
    id: str
    status: str
    currency: str
    amount_received: int = 0
    latest_charge: str | None = None
    last_payment_error: PaymentError | None = None
    metadata: dict[str, str] = Field(default_factory=dict)


class PaymentIntents(Payload):
    """A page of search results."""

    data: list[PaymentIntent]


class IntentReference(Payload):
    """The PaymentIntent that a card error is about."""

    id: str


class CardError(PaymentError):
    """A decline, as it is in the answer to a call."""

    payment_intent: IntentReference | None = None


class CardErrorAnswer(Payload):
    """The answer to a call that was declined: status 402."""

    error: CardError


class Charge(Payload):
    """One taking of money, made by a PaymentIntent."""

    object: Literal["charge"]
    id: str
    status: str
    captured: bool
    currency: str
    amount_captured: int
    payment_intent: str | None
    metadata: dict[str, str] = Field(default_factory=dict)


class EventData(Payload):
    """The object that the event is about, as it was then."""

    object: PaymentIntent | Charge = Field(discriminator="object")


class Event(Payload):
    """A webhook event of one of ``EVENT_TYPES``."""

    data: EventData


class EventEnvelope(Payload):
    """What every event has."""

    id: EventText
    type: EventText


EVENT_TYPES = frozenset(
    {
        "charge.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    }
)
"""The events that say something of interest. Two of them may describe one change."""


def envelope(body: bytes) -> Envelope:
    """Return what identifies the event in ``body``.

    Raises:
        ValidationError: it is no event.
    """
    event = EventEnvelope.model_validate_json(body)
    return Envelope(event.id, event.type)


def intent_reports(intent: PaymentIntent) -> tuple[Report, ...]:
    """Return what a PaymentIntent says."""
    fact = _intent_fact(intent)
    if fact is None:
        return ()
    return (Report(own_payment_id(intent.metadata.get(PAYMENT_METADATA)), intent.id, fact),)


def found_reports(page: object) -> tuple[Report, ...]:
    """Return what the PaymentIntents on a page of search results say."""
    intents = PaymentIntents.model_validate(page).data
    return tuple(report for intent in intents for report in intent_reports(intent))


def event_reports(event: Event) -> tuple[Report, ...]:
    """Return what an event of one of ``EVENT_TYPES`` says."""
    match event.data.object:
        case PaymentIntent() as intent:
            return intent_reports(intent)
        case Charge(captured=True, status="succeeded") as charge:
            taken = Captured(charge.id, _money(charge.amount_captured, charge.currency))
            payment_id = own_payment_id(charge.metadata.get(PAYMENT_METADATA))
            return (Report(payment_id, charge.payment_intent, taken),)
        case Charge():
            return ()


def decline_reports(answer: object, authorization: Authorization) -> tuple[Report, ...]:
    """Return what the answer to a declined call says."""
    error = CardErrorAnswer.model_validate(answer).error
    intent = None if error.payment_intent is None else error.payment_intent.id
    fact = Declined(from_stripe(error.decline_code, error.code))
    return (Report(authorization.payment_id, intent, fact),)


def _intent_fact(intent: PaymentIntent) -> Fact | None:
    match intent:
        case PaymentIntent(status="succeeded", latest_charge=str(charge)):
            return Captured(charge, _money(intent.amount_received, intent.currency))
        case PaymentIntent(
            status="requires_payment_method", last_payment_error=PaymentError() as e
        ):
            return Declined(from_stripe(e.decline_code, e.code))
        case _:
            return None


def stripe_units(money: Money) -> int:
    """Return ``money`` as Stripe counts it.

    Raises:
        InvalidRequest: ``amount_not_supported``.
    """
    return to_units(money, _decimals(money.currency))


def _money(units: int, currency: str) -> Money:
    code = currency.upper()
    return from_units(units, code, _decimals(code))


def _decimals(currency: str) -> int:
    return _DECIMALS.get(currency, exponent(currency))
