"""Refunds, and the rules for beginning one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from groat.accounts.domain.ledger import ENGINE_NAMESPACE
from groat.kernel import ids
from groat.kernel.errors import Conflict, InvalidRequest
from groat.kernel.ids import HoldId, PaymentId, RefundId
from groat.kernel.value import Value, replace
from groat.payments.domain.lifecycle import RefundStatus
from groat.payments.domain.payment import Payment
from groat.providers.domain.failures import FailureCode


class RefundOrder(Value):
    """An order to refund ``amount``, in minor units; None refunds the whole remainder."""

    payment_id: PaymentId
    amount: int | None
    reason: str | None
    metadata: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.amount is not None and self.amount <= 0:
            raise InvalidRequest("amount_not_positive", "A refund's amount is 1 or more.")


class Refund(Value):
    """A refund of a capture. While it is pending, the hold ``hold_id`` reserves its amount."""

    id: RefundId
    payment_id: PaymentId
    status: RefundStatus
    failure_code: FailureCode | None
    amount: int
    currency: str
    capture_reference: str
    hold_id: HoldId
    reason: str | None
    metadata: Mapping[str, str]
    created_at: datetime
    updated_at: datetime


class RefundableCapture(NamedTuple):
    """The provider's id of a capture, and the amount of it that can still be refunded."""

    reference: str
    remaining: int


def begin_refund(
    payment: Payment, captures: Sequence[RefundableCapture], order: RefundOrder, now: datetime
) -> tuple[Payment, int, str]:
    """Return the payment with the refund pending, the amount, and the reference of the capture.

    Raises:
        Conflict: ``payment_not_refundable``, nothing was captured;
            ``refund_exceeds_captured``, the amount exceeds the refundable rest; or
            ``refund_exceeds_capture``, no single capture has that much left to refund.
    """
    if not payment.captured:
        raise Conflict(
            "payment_not_refundable", f"The payment is {payment.status}; nothing was captured."
        )
    amount = payment.refundable if order.amount is None else order.amount
    if not 0 < amount <= payment.refundable:
        raise Conflict(
            "refund_exceeds_captured",
            f"{order.amount or 'The rest'} exceeds the {payment.refundable} that can still be "
            f"refunded ({payment.captured} captured, {payment.refunded} refunded, "
            f"{payment.refund_pending} being refunded, {payment.disputed} taken by disputes).",
        )
    reference = next((one.reference for one in captures if one.remaining >= amount), None)
    if reference is None:
        most = max(one.remaining for one in captures)
        raise Conflict(
            "refund_exceeds_capture",
            f"The payment was captured in parts; a single refund can be at most {most}.",
        )
    pending = payment.refund_pending + amount
    return replace(payment, refund_pending=pending, updated_at=now), amount, reference


def hold_reference(refund_id: RefundId) -> str:
    """Return the reference of the hold that reserves a refund."""
    return f"{ENGINE_NAMESPACE}refund:{ids.render('refund', refund_id)}"


def pending_refund(
    refund_id: RefundId,
    payment: Payment,
    order: RefundOrder,
    amount: int,
    capture_reference: str,
    hold_id: HoldId,
    now: datetime,
) -> Refund:
    """Return a new pending refund of ``amount``, reserved by ``hold_id``."""
    return Refund(
        refund_id,
        payment.id,
        RefundStatus.PENDING,
        None,
        amount,
        payment.order.terms.amount.currency,
        capture_reference,
        hold_id,
        order.reason,
        order.metadata,
        created_at=now,
        updated_at=now,
    )
