"""Translate Stripe's objects to facts. Pure. Source: docs.stripe.com/api."""

from __future__ import annotations

from groat.kernel.value import replace
from groat.providers.domain.facts import (
    Authorized,
    Canceled,
    Captured,
    Declined,
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
from groat.providers.domain.failures import FailureCode
from groat.providers.port import (
    AuthorizeRequest,
    OperationRequest,
    RefundRequest,
)
from groat.providers.reading import (
    convert,
    own_payment_id,
    own_refund_id,
    refusal,
)
from groat.providers.stripe.amounts import stripe_money
from groat.providers.stripe.bodies import PAYMENT_METADATA, REFUND_METADATA
from groat.providers.stripe.codes import failure_code
from groat.providers.stripe.payloads import (
    BalanceTransaction,
    CardErrorAnswer,
    ChargePayload,
    PaymentError,
    PaymentIntent,
    PaymentIntents,
    StateErrorAnswer,
    StripeRefundPayload,
)

_LAPSED = {"automatic", "expired"}
"""Cancellation reasons of a PaymentIntent that was not captured in time.

Stripe itself cancels it: with the reason ``automatic`` before 2025-03-31, ``expired`` since.
"""

_ENDED = (Captured, Canceled, Expired)
"""Facts after which a PaymentIntent can no longer be captured or canceled."""


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


def decline_reports(answer: object, request: OperationRequest) -> tuple[Report, ...]:
    """Return the reports of the answer to a declined call."""
    error = convert(CardErrorAnswer, answer).error
    reports = refusal(request, failure_code(error.decline_code, error.code))
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
            return Declined(failure_code(e.decline_code, e.code))
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
            return RefundFailed(failure_code(refund.failure_reason, None))
        case _:
            return None
