"""PayPal's objects to facts: pure. Sources: developer.paypal.com, Orders v2 and Payments v2."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from groat.kernel.value import replace
from groat.providers.domain.facts import (
    Approved,
    Authorized,
    Canceled,
    Captured,
    Declined,
    Expired,
    Fact,
    FeeCharged,
    Processing,
    Refunded,
    RefundFact,
    RefundFailed,
    Report,
    RequiresAction,
)
from groat.providers.domain.failures import FailureCode, from_paypal
from groat.providers.paypal.bodies import own_ids
from groat.providers.paypal.payloads import (
    AuthorizationPayload,
    CapturePayload,
    Link,
    OrderPayload,
    PayPalRefundPayload,
    ProblemPayload,
    ProcessorResponse,
    PurchaseUnitPayload,
    UnitPayments,
)
from groat.providers.reading import own_payment_id

REVERSAL_NOTE = "Payment reversed"
"""What PayPal writes on what it took back by itself. It looks like a refund, and its dispute tells
of it: see ``disputes``."""

_CAPTURES_PATH = "/v2/payments/captures/"
_AUTHORIZATIONS_PATH = "/v2/payments/authorizations/"


def order_reports(order: OrderPayload, now: datetime) -> tuple[Report, ...]:
    """Return what an order's payments say or, where there are none, its own status.

    A payment that is pending says something only where no other does.
    """
    told = [report for unit in order.purchase_units for report in _unit_reports(unit, order, now)]
    settled = [report for report in told if not isinstance(report.fact, Processing)]
    return tuple(settled or told) or tuple(_waiting_reports(order))


def without_other_declines(order: OrderPayload, invoice_id: str) -> OrderPayload:
    """Return an order without captures that were declined, but for the one of ours that is asked.

    What was taken is a fact whichever call took it; a no is the answer to one call alone.
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
    """Return what an authorization says besides its captures."""
    fact = _authorization_fact(authorization, now)
    if fact is None:
        return ()
    order_id = authorization.supplementary_data.related_ids.order_id
    return (Report(own_payment_id(authorization.custom_id), order_id, fact),)


def capture_reports(capture: CapturePayload) -> tuple[Report, ...]:
    """Return what a capture says; a pending one, which order it is of."""
    payment_id = own_payment_id(capture.custom_id)
    order_id = capture.supplementary_data.related_ids.order_id
    match capture.status:
        case "COMPLETED" | "REFUNDED" | "PARTIALLY_REFUNDED":  # it was taken before it was given
            taken = Captured(capture.id, capture.amount.money(), final=_is_final(capture))
            return (Report(payment_id, order_id, taken), *_fee_reports(capture))
        case "DECLINED" | "FAILED":
            return (Report(payment_id, order_id, _declined(capture.processor_response)),)
        case "PENDING":
            return (Report(payment_id, order_id, Processing()),)


def refund_reports(refund: PayPalRefundPayload, order_id: str | None = None) -> tuple[Report, ...]:
    """Return what a refund says; a pending one says nothing yet."""
    fact = _refund_fact(refund)
    if fact is None:
        return ()
    payment_id, refund_id = own_ids(refund.custom_id)
    return (Report(payment_id, order_id, fact, refund_id, refunded_capture(refund)),)


def refunded_capture(refund: PayPalRefundPayload) -> str | None:
    """Return the id of the capture that a refund, or a reversal, is of."""
    _, path, capture_id = _link(refund.links, "up").rpartition(_CAPTURES_PATH)
    return capture_id if path and capture_id else None


def refusal_code(problem: ProblemPayload) -> FailureCode:
    """Return why a request was refused: because of the payer, or else of the request itself."""
    return from_paypal(problem.issues(), FailureCode.REJECTED_BY_PROVIDER)


def _unit_reports(
    unit: PurchaseUnitPayload, order: OrderPayload, now: datetime
) -> Iterator[Report]:
    """Yield what a unit's payments say; the captures first, since an end comes after them."""
    for capture in unit.payments.captures:
        yield from capture_reports(_of_order(capture, unit, order))
    for refund in unit.payments.refunds:
        if refund.note_to_payer != REVERSAL_NOTE:
            yield from refund_reports(refund, order.id)
    for authorization in unit.payments.authorizations:
        fact = _authorization_fact(authorization, now)
        if fact is not None:
            custom_id = authorization.custom_id or unit.custom_id
            yield Report(own_payment_id(custom_id), order.id, fact)


def _of_order(
    capture: CapturePayload, unit: PurchaseUnitPayload, order: OrderPayload
) -> CapturePayload:
    """Return an order's capture with what may be told by the order alone."""
    related = replace(capture.supplementary_data.related_ids, order_id=order.id)
    known = replace(capture.supplementary_data, related_ids=related)
    return replace(
        capture,
        custom_id=capture.custom_id or unit.custom_id,
        final_capture=capture.final_capture or order.intent == "CAPTURE",
        supplementary_data=known,
    )


def _waiting_reports(order: OrderPayload) -> Iterator[Report]:
    payment_id = own_payment_id(order.purchase_units[0].custom_id) if order.purchase_units else None
    match order.status:
        case "CREATED" | "PAYER_ACTION_REQUIRED":
            url = _link(order.links, "payer-action") or _link(order.links, "approve")
            yield Report(payment_id, order.id, RequiresAction(url or None))
        case "APPROVED":
            yield Report(payment_id, order.id, Approved())
        case "VOIDED":
            yield Report(payment_id, order.id, Canceled())
        case _:
            return


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


def _fee_reports(capture: CapturePayload) -> Iterator[Report]:
    told = capture.seller_receivable_breakdown.paypal_fee
    fee = told.money() if told else None
    if fee is not None and fee.amount > 0:
        yield Report(
            own_payment_id(capture.custom_id),
            capture.supplementary_data.related_ids.order_id,
            FeeCharged(capture.id, fee),
            capture_reference=capture.id,
        )


def _is_final(capture: CapturePayload) -> bool:
    """Tell whether nothing is left to capture: so it is too where there was no authorization."""
    authorized = capture.supplementary_data.related_ids.authorization_id is not None
    return capture.final_capture or not (
        authorized or _AUTHORIZATIONS_PATH in _link(capture.links, "up")
    )


def _declined(response: ProcessorResponse | None) -> Declined:
    codes = [response.response_code or ""] if response else []
    return Declined(from_paypal(codes, FailureCode.DO_NOT_HONOR))


def _link(links: list[Link], relation: str) -> str:
    """Return where the first link of a relation leads, nowhere if there is none."""
    return next((link.href for link in links if link.rel == relation), "")
