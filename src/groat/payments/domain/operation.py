"""Operations: requests to a provider, and their outcomes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from groat.kernel import ids
from groat.kernel.ids import OperationId, PaymentId, ProviderAccountId, RefundId
from groat.kernel.value import Value
from groat.payments.domain.lifecycle import FactKind, Status
from groat.providers.domain.failures import FailureCode


class OperationKind(StrEnum):
    """The kinds of operations. ``authorize`` also captures if the capture method is automatic."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"


class OperationOutcome(StrEnum):
    """The outcome of an operation, as far as we know.

    ``pending``: the first call is not finished, or not begun. ``unknown``: the call may have been
    made, and its result is not known. ``declined``: the provider refused. ``failed``: the call was
    not sent, or the payment lapsed.
    """

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Operation(Value):
    """One request to a payment's provider, committed before the call is made.

    ``amount`` is the amount to authorize, capture or refund, in minor units; 0 for a cancellation.
    A ``final`` capture lets the rest of the authorization lapse. ``capture_reference`` is the
    provider's id of the capture to refund. ``decline_code`` and ``provider_message`` are the
    provider's own words about a refusal.
    """

    id: OperationId
    payment_id: PaymentId
    kind: OperationKind
    outcome: OperationOutcome
    failure_code: FailureCode | None
    amount: int
    final: bool
    refund_id: RefundId | None
    capture_reference: str | None
    decline_code: str | None = None
    provider_message: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether its outcome is not known yet."""
        return self.outcome in {OperationOutcome.PENDING, OperationOutcome.UNKNOWN}


class OperationCall(NamedTuple):
    """An operation with its provider account and its times.

    ``reason`` is the failure of the last call that left the outcome open. ``updated_at`` is the
    time of the outcome, from the provider's answer or from a later report.
    """

    operation: Operation
    provider_account_id: ProviderAccountId
    reason: str | None
    lookups: int
    created_at: datetime
    updated_at: datetime


def pending_operation(
    operation_id: OperationId,
    payment_id: PaymentId,
    kind: OperationKind,
    amount: int,
    *,
    final: bool = True,
    refund_id: RefundId | None = None,
    capture_reference: str | None = None,
) -> Operation:
    """Return a new operation, ``pending``."""
    pending = OperationOutcome.PENDING
    return Operation(
        operation_id, payment_id, kind, pending, None, amount, final, refund_id, capture_reference
    )


def ending(failed: Operation) -> Operation:
    """Return the cancellation of a payment whose last attempt has failed.

    Its id derives from that attempt's, so a repeated decision gives the same operation.
    """
    next_id = OperationId(ids.following(b"groat ending", failed.id))
    return pending_operation(next_id, failed.payment_id, OperationKind.CANCEL, amount=0)


def after(operation: Operation) -> Operation:
    """Return the operation at the next provider account, after this one has failed.

    Its id derives from this one's, so a repeated decision gives the same operation. The new id
    sorts after the old one: one batch of events may begin several of them at the same moment.
    """
    next_id = OperationId(ids.following(b"groat fallback", operation.id))
    return pending_operation(next_id, operation.payment_id, operation.kind, operation.amount)


def idempotency_key(operation_id: OperationId) -> str:
    """Return the idempotency key of an operation at its provider; every call has the same key."""
    return f"groat-{ids.render('operation', operation_id)}"


SETTLES: Mapping[tuple[OperationKind, FactKind], OperationOutcome] = {
    (OperationKind.AUTHORIZE, FactKind.AUTHORIZED): OperationOutcome.SUCCEEDED,
    (OperationKind.AUTHORIZE, FactKind.CAPTURED_IN_PART): OperationOutcome.SUCCEEDED,
    (OperationKind.AUTHORIZE, FactKind.CAPTURED): OperationOutcome.SUCCEEDED,
    (OperationKind.AUTHORIZE, FactKind.DECLINED): OperationOutcome.DECLINED,
    (OperationKind.AUTHORIZE, FactKind.DECLINED_FINALLY): OperationOutcome.DECLINED,
    (OperationKind.AUTHORIZE, FactKind.NOT_SENT): OperationOutcome.FAILED,
    (OperationKind.AUTHORIZE, FactKind.CANCELED): OperationOutcome.FAILED,
    (OperationKind.AUTHORIZE, FactKind.EXPIRED): OperationOutcome.FAILED,
    (OperationKind.CAPTURE, FactKind.CAPTURED_IN_PART): OperationOutcome.SUCCEEDED,
    (OperationKind.CAPTURE, FactKind.CAPTURED): OperationOutcome.SUCCEEDED,
    (OperationKind.CANCEL, FactKind.CANCELED): OperationOutcome.SUCCEEDED,
}
"""The outcome of an open operation after a fact was applied, from any origin. A pair that is not
here leaves the operation open: a capture does not settle an open cancellation, whose own answer
does."""


def end_by_status(kind: OperationKind, status: Status) -> OperationOutcome:
    """Return the outcome of an open operation whose payment has the terminal ``status``.

    The payment changes no more, so the operation either took effect or never will.
    """
    lapsed = status in {Status.CANCELED, Status.EXPIRED}
    if kind is OperationKind.CANCEL and lapsed:
        return OperationOutcome.SUCCEEDED
    return OperationOutcome.DECLINED
