"""Translate PayPal's objects to facts. Pure.

Sources: developer.paypal.com, Orders v2 and Payments v2.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from groat.kernel.ids import RefundId
from groat.kernel.value import replace
from groat.providers.domain.facts import (
    Approved,
    Authorized,
    Canceled,
    Captured,
    Declined,
    Expired,
    Fact,
    Processing,
    Refunded,
    RefundFact,
    RefundFailed,
    Report,
    RequiresAction,
)
from groat.providers.domain.failures import FailureCode
from groat.providers.paypal.bodies import own_ids, own_operation
from groat.providers.paypal.codes import failure_code
from groat.providers.paypal.payloads import (
    AuthorizationPayload,
    CapturePayload,
    Issue,
    Link,
    OrderPayload,
    PayPalRefundPayload,
    ProblemPayload,
    ProcessorResponse,
    PurchaseUnitPayload,
    UnitPayments,
)
from groat.providers.port import Answered, AuthorizeRequest, OperationRequest, RefundRequest
from groat.providers.reading import declined, own_payment_id, refusal

REVERSAL_NOTE = "Payment reversed"
"""Note that PayPal writes on a reversal, which it makes because of a dispute.

A reversal looks like a refund, but the dispute reports it: see ``disputes``.
"""

_CAPTURES_PATH = "/v2/payments/captures/"
_AUTHORIZATIONS_PATH = "/v2/payments/authorizations/"


def order_reports(order: OrderPayload, now: datetime) -> tuple[Report, ...]:
    """Return the reports of an order's payments, or of its own status if it has none.

    A pending payment counts only if the order has no settled one.
    """
    reports = [
        report for unit in order.purchase_units for report in _unit_reports(unit, order, now)
    ]
    settled = [report for report in reports if not isinstance(report.fact, Processing)]
    return tuple(settled or reports) or tuple(_waiting_reports(order))


def without_other_declines(order: OrderPayload, invoice_id: str) -> OrderPayload:
    """Remove the declined captures from an order, except the capture named ``invoice_id``.

    A capture that took money is a fact about the payment. A decline answers only the call that
    made the capture, so a look-up of another call must not report it.
    """
    units = [
        replace(unit, payments=_payments_without(unit.payments, invoice_id))
        for unit in order.purchase_units
    ]
    return replace(order, purchase_units=units)


def _payments_without(payments: UnitPayments, invoice_id: str) -> UnitPayments:
    captures = [
        capture
        for capture in payments.captures
        if capture.status not in {"DECLINED", "FAILED"} or capture.invoice_id == invoice_id
    ]
    return replace(payments, captures=captures)


def authorization_reports(authorization: AuthorizationPayload, now: datetime) -> tuple[Report, ...]:
    """Return the report of an authorization. Its captures have reports of their own."""
    fact = _authorization_fact(authorization, now)
    if fact is None:
        return ()
    order_id = authorization.supplementary_data.related_ids.order_id
    payment_id = own_payment_id(authorization.custom_id)
    operation_id = own_operation(authorization.invoice_id)
    return (Report(payment_id, order_id, fact, operation_id=operation_id),)


def capture_reports(capture: CapturePayload) -> tuple[Report, ...]:
    """Return the report of a capture. The report of a pending one names its order.

    The fee in its breakdown is an expectation: only the transaction search says what was booked.
    """
    fact: Captured | Declined | Processing
    match capture.status:
        case "COMPLETED" | "REFUNDED" | "PARTIALLY_REFUNDED":  # a refunded capture took money first
            fact = Captured(capture.id, capture.amount.money(), final=_is_final(capture))
        case "DECLINED" | "FAILED":
            fact = _declined(capture.processor_response)
        case "PENDING":
            fact = Processing()
    payment_id = own_payment_id(capture.custom_id)
    order_id = capture.supplementary_data.related_ids.order_id
    operation_id = own_operation(capture.invoice_id)
    return (Report(payment_id, order_id, fact, operation_id=operation_id),)


def refund_reports(refund: PayPalRefundPayload, order_id: str | None = None) -> tuple[Report, ...]:
    """Return the report of a refund. A pending refund has none yet."""
    fact = _refund_fact(refund)
    if fact is None:
        return ()
    payment_id, refund_id = own_ids(refund.custom_id)
    return (Report(payment_id, order_id, fact, refund_id, refunded_capture(refund)),)


def refunded_capture(refund: PayPalRefundPayload) -> str | None:
    """Return the id of the capture that a refund or a reversal belongs to."""
    _, path, capture_id = _link(refund.links, "up").rpartition(_CAPTURES_PATH)
    return capture_id if path and capture_id else None


def refused(problem: ProblemPayload, request: OperationRequest) -> tuple[Report, ...]:
    """Return the reports of a refusal. Without a known issue, PayPal rejected the request itself.

    The first issue is PayPal's own code of it.
    """
    code = failure_code(problem.issues(), FailureCode.REJECTED_BY_PROVIDER)
    first = problem.details[0] if problem.details else Issue(problem.name)
    return refusal(request, code, first.issue, first.description)


def forgotten(request: AuthorizeRequest, order_id: str) -> Answered:
    """Report an order that PayPal no longer knows as expired: it was not completed in time.

    Source: developer.paypal.com, Orders v2, ``order.links``. The payer has 6 hours to approve an
    order, and the merchant has 6 more hours to complete it. Then PayPal removes the order.
    """
    return Answered((Report(request.payment_id, order_id, Expired()),))


def addressed(reports: tuple[Report, ...], request: OperationRequest) -> tuple[Report, ...]:
    """Fill in the ids that the reports of an operation leave out."""
    return tuple(
        replace(
            report,
            payment_id=report.payment_id or request.payment_id,
            provider_reference=report.provider_reference or request.provider_reference,
            refund_id=report.refund_id or _refund_id(report, request),
        )
        for report in reports
    )


def _refund_id(report: Report, request: OperationRequest) -> RefundId | None:
    of_refund = isinstance(report.fact, Refunded | RefundFailed)
    return request.refund_id if of_refund and isinstance(request, RefundRequest) else None


def of_refund(reports: tuple[Report, ...], request: RefundRequest) -> tuple[Report, ...]:
    """Return the reports of one refund."""
    return tuple(report for report in reports if report.refund_id == request.refund_id)


def _unit_reports(
    unit: PurchaseUnitPayload, order: OrderPayload, now: datetime
) -> Iterator[Report]:
    """Yield the reports of a unit's payments: captures first, then the end of an authorization."""
    for capture in unit.payments.captures:
        yield from capture_reports(_of_order(capture, unit, order))
    for refund in unit.payments.refunds:
        if refund.note_to_payer != REVERSAL_NOTE:
            yield from refund_reports(refund, order.id)
    for authorization in unit.payments.authorizations:
        fact = _authorization_fact(authorization, now)
        if fact is not None:
            payment_id = own_payment_id(authorization.custom_id or unit.custom_id)
            operation_id = own_operation(authorization.invoice_id or unit.invoice_id)
            yield Report(payment_id, order.id, fact, operation_id=operation_id)


def _of_order(
    capture: CapturePayload, unit: PurchaseUnitPayload, order: OrderPayload
) -> CapturePayload:
    """Fill in the fields of a capture that may stand only on its order."""
    related = replace(capture.supplementary_data.related_ids, order_id=order.id)
    known = replace(capture.supplementary_data, related_ids=related)
    return replace(
        capture,
        custom_id=capture.custom_id or unit.custom_id,
        invoice_id=capture.invoice_id or unit.invoice_id,
        final_capture=capture.final_capture or order.intent == "CAPTURE",
        supplementary_data=known,
    )


def _waiting_reports(order: OrderPayload) -> Iterator[Report]:
    fact: RequiresAction | Approved | Canceled
    match order.status:
        case "CREATED" | "PAYER_ACTION_REQUIRED":
            url = _link(order.links, "payer-action") or _link(order.links, "approve")
            fact = RequiresAction(url or None)
        case "APPROVED":
            fact = Approved()
        case "VOIDED":
            fact = Canceled()
        case _:
            return
    unit = order.purchase_units[0] if order.purchase_units else PurchaseUnitPayload()
    payment_id, operation_id = own_payment_id(unit.custom_id), own_operation(unit.invoice_id)
    yield Report(payment_id, order.id, fact, operation_id=operation_id)


def _authorization_fact(authorization: AuthorizationPayload, now: datetime) -> Fact | None:
    expires_at = authorization.expiration_time
    match authorization.status:
        case "CREATED":
            return Authorized(authorization.id, authorization.amount.money(), expires_at)
        case "DENIED":
            return _declined(authorization.processor_response)
        case "VOIDED" if expires_at is None or expires_at > now:
            return Canceled()
        case "VOIDED" | "EXPIRED":
            return Expired()
        case "PENDING":
            return Processing()
        case "CAPTURED" | "PARTIALLY_CAPTURED":
            return None


def _refund_fact(refund: PayPalRefundPayload) -> RefundFact | None:
    match refund.status:
        case "COMPLETED":
            return Refunded(refund.id, refund.amount.money())
        case "FAILED":
            return RefundFailed(FailureCode.PROCESSING_ERROR)
        case "CANCELLED":
            return RefundFailed(FailureCode.REJECTED_BY_PROVIDER)
        case "PENDING":
            return None


def _is_final(capture: CapturePayload) -> bool:
    """Tell whether nothing is left to capture. Without an authorization, every capture is final."""
    authorized = capture.supplementary_data.related_ids.authorization_id is not None
    return capture.final_capture or not (
        authorized or _AUTHORIZATIONS_PATH in _link(capture.links, "up")
    )


def _declined(response: ProcessorResponse | None) -> Declined:
    code = response.response_code if response else None
    known = failure_code([code or ""], FailureCode.DO_NOT_HONOR)
    return declined(known, code, None)


def _link(links: list[Link], relation: str) -> str:
    """Return the address of the first link with a relation; empty text if there is none."""
    return next((link.href for link in links if link.rel == relation), "")
