"""Translate Stripe's objects to facts. Pure. Source: docs.stripe.com/api, and its event types."""

from __future__ import annotations

from groat.kernel.money import Money, exponent
from groat.kernel.value import replace
from groat.providers.amounts import from_units, to_units
from groat.providers.domain.facts import (
    Authorized,
    Canceled,
    Captured,
    Declined,
    DisputeClosed,
    DisputeFact,
    DisputeOpened,
    DisputeReinstated,
    DisputeUnderReview,
    DisputeWithdrawn,
    Expired,
    FeeCharged,
    PaymentFact,
    Processing,
    Refunded,
    RefundFact,
    RefundFailed,
    Report,
    RequiresAction,
)
from groat.providers.domain.failures import FailureCode, from_stripe
from groat.providers.port import (
    AuthorizeRequest,
    Envelope,
    EventPage,
    OperationRequest,
    RefundRequest,
    Unknown,
)
from groat.providers.reading import (
    convert,
    event_page,
    own_payment_id,
    own_refund_id,
    parse,
    refusal,
)
from groat.providers.stripe.payloads import (
    BalanceTransaction,
    CardErrorAnswer,
    ChargePayload,
    PaymentError,
    PaymentIntent,
    PaymentIntents,
    StateErrorAnswer,
    StripeDisputePayload,
    StripeEnvelopePayload,
    StripeEventListPayload,
    StripeEventPayload,
    StripeRefundPayload,
)

PAYMENT_METADATA = "groat_payment"
"""Metadata key of the payment's id on PaymentIntents and refunds. Stripe copies it to charges."""

REFUND_METADATA = "groat_refund"
"""Metadata key of the refund's id on refunds."""

_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Decimals of currencies for which Stripe differs from ISO 4217.

Source: docs.stripe.com/currencies, "Special cases".
"""

_LAPSED = {"automatic", "expired"}
"""Cancellation reasons of a PaymentIntent that was not captured in time.

Stripe itself cancels it: with the reason ``automatic`` before 2025-03-31, ``expired`` since.
"""

_ENDED = (Captured, Canceled, Expired)
"""Facts after which a PaymentIntent can no longer be captured or canceled."""

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
        "charge.refund.updated",
        "charge.succeeded",
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


def event_reports(event_type: str, event: StripeEventPayload) -> tuple[Report, ...]:
    """Return the reports of an event of one of ``EVENT_TYPES``."""
    match event.data.object:
        case PaymentIntent() as intent:
            return intent_reports(intent)
        case ChargePayload() as charge:
            return charge_reports(charge, expired=event_type == "charge.expired")
        case StripeRefundPayload() as refund:
            return refund_reports(refund)
        case StripeDisputePayload() as dispute:
            return dispute_reports(event_type, dispute)


def intent_reports(intent: PaymentIntent) -> tuple[Report, ...]:
    """Return the report of a PaymentIntent, and of the fee if its charge is expanded."""
    fact = _intent_fact(intent)
    report = Report(own_payment_id(intent.metadata.get(PAYMENT_METADATA)), intent.id, fact)
    if isinstance(fact, Captured) and isinstance(intent.latest_charge, ChargePayload):
        return (report, *_fee_reports(report, intent.latest_charge))
    return (report,)


def found_reports(page: object) -> tuple[Report, ...]:
    """Return the reports of the PaymentIntents on a page of results."""
    intents = convert(PaymentIntents, page).data
    return tuple(report for intent in intents for report in intent_reports(intent))


def refund_reports(refund: StripeRefundPayload) -> tuple[Report, ...]:
    """Return the report of a refund. A pending refund has none yet.

    A refund without Groat's id that changed no balance is ignored, because it refunded no money.
    Before 2025-03-31 Stripe created such refunds when it released an authorization.
    """
    metadata = refund.metadata or {}
    refund_id = own_refund_id(metadata.get(REFUND_METADATA))
    fact = _refund_fact(refund)
    if fact is None or (refund_id is None and refund.balance_transaction is None):
        return ()
    payment_id = own_payment_id(metadata.get(PAYMENT_METADATA))
    return (Report(payment_id, refund.payment_intent, fact, refund_id, refund.charge),)


def dispute_reports(event_type: str, dispute: StripeDisputePayload) -> tuple[Report, ...]:
    """Return the report of an event about a dispute. An inquiry takes no money and has none."""
    fact = _dispute_fact(event_type, dispute)
    if fact is None:
        return ()
    return (Report(None, dispute.payment_intent, fact, capture_reference=dispute.charge),)


def decline_reports(answer: object, request: OperationRequest) -> tuple[Report, ...]:
    """Return the reports of the answer to a declined call."""
    error = convert(CardErrorAnswer, answer).error
    reports = refusal(request, from_stripe(error.decline_code, error.code))
    if error.payment_intent is None:
        return reports
    return tuple(replace(report, provider_reference=error.payment_intent.id) for report in reports)


def state_reports(answer: object, request: OperationRequest) -> tuple[Report, ...]:
    """Return the reports of the answer to a call that the PaymentIntent's status does not allow.

    The answer contains the PaymentIntent. It may have ended already, as requested or otherwise.
    For example, a capture may find the payment canceled. If it has not ended and Stripe is not
    processing it, the answer to a capture or a cancellation is a refusal. The answer to an
    authorization is the state of the PaymentIntent.
    """
    refused = refusal(request, FailureCode.REJECTED_BY_PROVIDER)
    if isinstance(request, RefundRequest):
        return refused
    intent = convert(StateErrorAnswer, answer).error.payment_intent
    reports = intent_reports(intent)
    if isinstance(request, AuthorizeRequest) or intent.status == "processing":
        return reports
    return tuple(report for report in reports if isinstance(report.fact, _ENDED)) or refused


def stripe_units(money: Money) -> int:
    """Return the amount of ``money`` in Stripe's minor units.

    Raises:
        InvalidRequest: ``amount_not_supported``; Stripe's units cannot express it exactly.
    """
    return to_units(money, _decimals(money.currency))


def _intent_fact(intent: PaymentIntent) -> PaymentFact:
    match intent:
        case PaymentIntent(
            status="succeeded", latest_charge=ChargePayload(id=charge) | str(charge)
        ):
            return Captured(charge, stripe_money(intent.amount_received, intent.currency))
        case PaymentIntent(status="requires_capture"):
            return _authorized(intent)
        case PaymentIntent(status="requires_action", next_action=action):
            redirect = action.redirect_to_url if action else None
            return RequiresAction(redirect.url if redirect else None)
        case PaymentIntent(
            status="requires_payment_method", last_payment_error=PaymentError() as e
        ):
            return Declined(from_stripe(e.decline_code, e.code))
        case PaymentIntent(status="canceled", cancellation_reason=reason):
            return Expired() if reason in _LAPSED else Canceled()
        case _:  # processing, not confirmed yet, or a status that Stripe has added since
            return Processing()


def _authorized(intent: PaymentIntent) -> Authorized:
    charge = intent.latest_charge
    until = charge.capture_before if isinstance(charge, ChargePayload) else None
    return Authorized(intent.id, stripe_money(intent.amount_capturable, intent.currency), until)


def charge_reports(charge: ChargePayload, *, expired: bool = False) -> tuple[Report, ...]:
    """Return the report of a charge, which has expired if ``expired``."""
    fact = Expired() if expired else _charge_fact(charge)
    if fact is None:
        return ()
    payment_id = own_payment_id(charge.metadata.get(PAYMENT_METADATA))
    return (Report(payment_id, charge.payment_intent, fact),)


def _charge_fact(charge: ChargePayload) -> PaymentFact | None:
    match charge:
        case ChargePayload(status="succeeded", captured=True):
            return Captured(charge.id, stripe_money(charge.amount_captured, charge.currency))
        case ChargePayload(status="succeeded", captured=False, payment_intent=str(intent)):
            amount = stripe_money(charge.amount, charge.currency)
            return Authorized(intent, amount, charge.capture_before)
        case _:
            return None


def _fee_reports(captured: Report, charge: ChargePayload) -> tuple[Report, ...]:
    match charge.balance_transaction:
        case BalanceTransaction(fee=fee) as transaction if fee > 0:
            fact = FeeCharged(transaction.id, stripe_money(fee, transaction.currency))
            return (replace(captured, fact=fact, capture_reference=charge.id),)
        case _:
            return ()


def _refund_fact(refund: StripeRefundPayload) -> RefundFact | None:
    match refund.status:
        case "succeeded":
            return Refunded(refund.id, stripe_money(refund.amount, refund.currency))
        case "failed" | "canceled":
            return RefundFailed(from_stripe(refund.failure_reason, None))
        case _:
            return None


def _dispute_fact(event_type: str, dispute: StripeDisputePayload) -> DisputeFact | None:
    """Return the fact of the event's type, else the fact of the dispute's status."""
    amount = stripe_money(dispute.amount, dispute.currency)
    match event_type:
        case _ if dispute.status.startswith("warning_"):
            return None
        case "charge.dispute.funds_withdrawn":
            return DisputeWithdrawn(dispute.id, amount)
        case "charge.dispute.funds_reinstated":
            return DisputeReinstated(dispute.id, amount)
        case "charge.dispute.created" if dispute.status != "prevented":
            return DisputeOpened(dispute.id, amount)
        case _:
            return _dispute_standing(dispute, amount)


def _dispute_standing(dispute: StripeDisputePayload, amount: Money) -> DisputeFact | None:
    match dispute.status:
        case "needs_response":  # an inquiry may have become a dispute
            return DisputeOpened(dispute.id, amount)
        case "under_review":
            return DisputeUnderReview(dispute.id, amount)
        case "won" | "lost" as outcome:
            return DisputeClosed(dispute.id, amount, won=outcome == "won")
        case _:
            return None


def stripe_money(units: int, currency: str) -> Money:
    """Return the money that ``units`` of Stripe's minor units are.

    Raises:
        InvalidRequest: ``amount_not_supported``; they are no whole number of minor units.
    """
    code = currency.upper()
    return from_units(units, code, _decimals(code))


def _decimals(currency: str) -> int:
    return _DECIMALS.get(currency, exponent(currency))
