"""Translate Stripe's objects to facts. Pure. Source: docs.stripe.com/api."""

from __future__ import annotations

from groat.kernel.value import replace
from groat.providers.domain.facts import (
    Authorized,
    Canceled,
    Captured,
    CaptureReturned,
    Declined,
    Expired,
    PaymentFact,
    Processing,
    Refunded,
    RefundReversed,
    Report,
    RequiresAction,
)
from groat.providers.domain.failures import FailureCode
from groat.providers.domain.movements import Movement
from groat.providers.port import (
    AuthorizeRequest,
    OperationRequest,
    RefundRequest,
)
from groat.providers.reading import (
    convert,
    declined,
    own_operation_id,
    own_payment_id,
    own_refund_id,
    refusal,
)
from groat.providers.stripe.amounts import stripe_money
from groat.providers.stripe.bodies import OPERATION_METADATA, PAYMENT_METADATA, REFUND_METADATA
from groat.providers.stripe.codes import failure_code
from groat.providers.stripe.movements import own_movements
from groat.providers.stripe.payloads import (
    CardErrorAnswer,
    ChargePayload,
    PaymentError,
    PaymentIntent,
    PaymentIntents,
    StateErrorAnswer,
    StripeRefundListPayload,
    StripeRefundPayload,
)

_LAPSED = {"automatic", "expired"}
"""Cancellation reasons of a PaymentIntent that was not captured in time.

Stripe itself cancels it: with the reason ``automatic`` before 2025-03-31, ``expired`` since.
"""

_SETTLED = (Authorized, Captured, Canceled, Expired)
"""Facts about a PaymentIntent that no other attempt can follow."""

_ENDED = (Captured, Canceled, Expired)
"""Facts after which a PaymentIntent can no longer be captured or canceled."""


def intent_reports(intent: PaymentIntent) -> tuple[Report, ...]:
    """Return the report of a PaymentIntent, with the movements if its charge is expanded.

    A bank debit has a movement before it succeeds.
    """
    charge = intent.latest_charge
    moved = _charge_movements(charge) if isinstance(charge, ChargePayload) else ()
    payment_id = own_payment_id(intent.metadata.get(PAYMENT_METADATA))
    operation_id = own_operation_id(intent.metadata.get(OPERATION_METADATA))
    fact = _intent_fact(intent)
    return (Report(payment_id, intent.id, fact, movements=moved, operation_id=operation_id),)


def answer_reports(intent: PaymentIntent, request: OperationRequest) -> tuple[Report, ...]:
    """Return the report of a PaymentIntent as the answer to a look-up.

    The decline of an attempt does not answer a capture or a cancellation.
    """
    if isinstance(request, AuthorizeRequest):
        return attempt_reports(intent, request)
    reports = intent_reports(intent)
    return tuple(report for report in reports if not isinstance(report.fact, Declined))


def attempt_reports(intent: PaymentIntent, request: AuthorizeRequest) -> tuple[Report, ...]:
    """Return the report of a PaymentIntent as the answer to one attempt of its payment.

    An end, or money, is a fact about the payment. What else the PaymentIntent shows is about the
    attempt whose operation its metadata names.
    """
    return tuple(
        replace(report, operation_id=request.operation_id)
        for report in intent_reports(intent)
        if report.operation_id in {None, request.operation_id} or isinstance(report.fact, _SETTLED)
    )


def still_open(
    reports: tuple[Report, ...], request: AuthorizeRequest, reference: str
) -> tuple[Report, ...]:
    """Return the reports of an attempt on an earlier PaymentIntent, which a refusal leaves open."""
    return tuple(
        replace(
            report,
            provider_reference=reference,
            operation_id=request.operation_id,
            fact=replace(report.fact, stays_open=True)
            if isinstance(report.fact, Declined)
            else report.fact,
        )
        for report in reports
    )


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
    moved = own_movements(
        refund.id,
        refund.charge or refund.id,
        refund.balance_transaction,
        refund.failure_balance_transaction,
    )
    return (Report(payment_id, refund.payment_intent, fact, refund_id, refund.charge, moved),)


def listed_refund_reports(page: object) -> tuple[Report, ...]:
    """Return the reports of the refunds on a page of a list."""
    refunds = convert(StripeRefundListPayload, page).data
    return tuple(report for refund in refunds for report in refund_reports(refund))


def found_refund_reports(answer: object) -> tuple[Report, ...]:
    """Return the report of a refund that was retrieved."""
    return refund_reports(convert(StripeRefundPayload, answer))


def found_charge_reports(answer: object) -> tuple[Report, ...]:
    """Return the report of a charge that was retrieved."""
    return charge_reports(convert(ChargePayload, answer))


def decline_reports(answer: object, request: OperationRequest) -> tuple[Report, ...]:
    """Return the reports of the answer to a declined call."""
    error = convert(CardErrorAnswer, answer).error
    code = failure_code(error.decline_code, error.code)
    reports = refusal(request, code, error.decline_code or error.code, error.message)
    if error.payment_intent is None:
        return reports
    if isinstance(request, AuthorizeRequest):
        return still_open(reports, request, error.payment_intent.id)
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
    if isinstance(request, AuthorizeRequest):
        return attempt_reports(intent, request)
    reports = intent_reports(intent)
    if intent.status == "processing":
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
            code = failure_code(e.decline_code, e.code)
            return declined(code, e.decline_code or e.code, e.message, stays_open=True)
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
    operation_id = own_operation_id(charge.metadata.get(OPERATION_METADATA))
    moved = _charge_movements(charge)
    report = Report(
        payment_id, charge.payment_intent, fact, movements=moved, operation_id=operation_id
    )
    return (report,)


def _charge_movements(charge: ChargePayload) -> tuple[Movement, ...]:
    booked = charge.balance_transaction, charge.failure_balance_transaction
    return own_movements(charge.id, charge.id, *booked)


def _charge_fact(charge: ChargePayload) -> PaymentFact | None:
    match charge:
        case ChargePayload(status="failed") if charge.failure_balance_transaction is not None:
            amount = stripe_money(charge.amount, charge.currency)
            code = failure_code(charge.failure_code, None)
            return CaptureReturned(charge.id, amount, code, stays_open=True)
        case ChargePayload(status="succeeded", captured=True):
            return Captured(charge.id, stripe_money(charge.amount_captured, charge.currency))
        case ChargePayload(status="succeeded", captured=False, payment_intent=str(intent)):
            amount = stripe_money(charge.amount, charge.currency)
            return Authorized(intent, amount, charge.capture_before)
        case _:
            return None


def _refund_fact(refund: StripeRefundPayload) -> Refunded | RefundReversed | None:
    amount = stripe_money(refund.amount, refund.currency)
    match refund.status:
        case "succeeded":
            return Refunded(refund.id, amount)
        case "failed" | "canceled":
            return RefundReversed(refund.id, amount, failure_code(refund.failure_reason, None))
        case _:
            return None
