"""Refunds, and the rules for beginning one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from groat.accounts.domain.ledger import ENGINE_NAMESPACE
from groat.kernel import ids
from groat.kernel.errors import Conflict, InvalidRequest
from groat.kernel.filters import AmountFilter, MetadataFilter
from groat.kernel.ids import HoldId, PaymentId, ProviderAccountId, RefundId
from groat.kernel.value import Value, replace
from groat.payments.domain.lifecycle import RefundStatus
from groat.payments.domain.payment import Payment
from groat.providers.domain.failures import FailureCode


class RefundFilter(NamedTuple):
    """A filter of refunds by their own fields and the provider; None selects all."""

    payment_id: PaymentId | None = None
    status: RefundStatus | None = None
    provider: str | None = None
    amounts: AmountFilter = AmountFilter()
    metadata: MetadataFilter = MetadataFilter()


class RefundOrder(Value):
    """An order to refund ``amount``, in minor units; None refunds the whole remainder."""

    payment_id: PaymentId
    amount: int | None
    reason: str | None
    metadata: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.amount is not None and self.amount <= 0:
            raise InvalidRequest("amount_not_positive", "A refund's amount is 1 or more.")


class RefundOrigin(StrEnum):
    """The place where a refund was begun: by a request to Groat, or at the provider."""

    REQUEST = "request"
    PROVIDER = "provider"


class Refund(Value):
    """A refund of a capture. While it is pending, the hold ``hold_id`` reserves its amount.

    A refund that was made at the provider has no hold: it has already happened.
    """

    id: RefundId
    payment_id: PaymentId
    status: RefundStatus
    failure_code: FailureCode | None
    amount: int
    currency: str
    capture_reference: str
    hold_id: HoldId | None
    reason: str | None
    metadata: Mapping[str, str]
    created_at: datetime
    updated_at: datetime
    origin: RefundOrigin = RefundOrigin.REQUEST


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
            ``refund_exceeds_captured``, the amount exceeds the refundable rest; ``disputed``, a
            dispute blocks it; or ``refund_exceeds_capture``, no single capture has that much left
            to refund.
    """
    if not payment.captured:
        raise Conflict(
            "payment_not_refundable", f"The payment is {payment.status}; nothing was captured."
        )
    amount = payment.refundable if order.amount is None else order.amount
    if payment.disputed and not 0 < amount <= payment.refundable and amount <= payment.kept:
        raise Conflict(
            "disputed",
            f"{payment.disputed} of the payment is disputed, and {payment.refundable} can be "
            "refunded. Wait for the dispute's end: a refund of the disputed part would pay twice.",
        )
    if not 0 < amount <= payment.refundable:
        raise Conflict(
            "refund_exceeds_captured",
            f"{order.amount or 'The rest'} exceeds the {payment.refundable} that can still be "
            f"refunded ({payment.captured} captured, {payment.refunded} refunded, "
            f"{payment.returned} returned, {payment.refund_pending} being refunded).",
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


def provider_refund(
    account_id: ProviderAccountId,
    reference: str,
    payment: Payment,
    amount: int,
    capture_reference: str,
    now: datetime,
) -> Refund:
    """Return a refund that was made at the provider, under its provider's id ``reference``.

    Its id is a hash of the account and the reference, so each has one id.
    """
    return Refund(
        provider_refund_id(account_id, reference),
        payment.id,
        RefundStatus.SUCCEEDED,
        None,
        amount,
        payment.order.terms.amount.currency,
        capture_reference,
        None,
        None,
        {},
        created_at=now,
        updated_at=now,
        origin=RefundOrigin.PROVIDER,
    )


def provider_refund_id(account_id: ProviderAccountId, reference: str) -> RefundId:
    """Return the id of a refund that was made at the provider."""
    return RefundId(ids.name_based(b"groat refund", f"{account_id} {reference}"))
