"""Operations: what is asked of a provider, and how it ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from groat.kernel import ids
from groat.kernel.ids import OperationId, PaymentId, RefundId
from groat.kernel.value import Value
from groat.payments.domain.lifecycle import FactKind, Status
from groat.providers.domain.failures import FailureCode


class OperationKind(StrEnum):
    """What is asked of a provider. ``authorize`` captures too where the payment wants it."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"


class OperationOutcome(StrEnum):
    """How a call to a provider ended, as far as we know.

    ``declined``: the provider said no. ``failed``: it was not asked, or the question lapsed.
    """

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Operation(Value):
    """One thing that is asked of the provider of a payment, written down before it is asked.

    ``amount`` is what is to be authorized, captured or refunded, in minor units, and 0 for what is
    canceled. ``final``: what is authorized beyond a capture lapses. ``capture_reference`` is the
    provider's id of the capture that a refund gives back.
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

    @property
    def is_open(self) -> bool:
        """Whether nobody has learned its outcome yet."""
        return self.outcome in {OperationOutcome.PENDING, OperationOutcome.UNKNOWN}


def begun(
    operation_id: OperationId,
    payment_id: PaymentId,
    kind: OperationKind,
    amount: int,
    *,
    final: bool = True,
    refund_id: RefundId | None = None,
    capture_reference: str | None = None,
) -> Operation:
    """Return an operation that is about to be written down."""
    pending = OperationOutcome.PENDING
    return Operation(
        operation_id, payment_id, kind, pending, None, amount, final, refund_id, capture_reference
    )


def after(operation: Operation) -> Operation:
    """Return the operation that goes on with another provider after this one has failed.

    Its id follows from this one's, so that whoever decides it decides the same; and it sorts after
    it, as one drain may begin several of them at one moment.
    """
    next_id = OperationId(ids.following(b"groat fallback", operation.id))
    return begun(next_id, operation.payment_id, operation.kind, operation.amount)


def idempotency_key(operation_id: OperationId) -> str:
    """Return the key that the provider deduplicates an operation on: derived, so never another."""
    return f"groat-{ids.render('operation', operation_id)}"


SETTLES: Mapping[tuple[OperationKind, FactKind], OperationOutcome] = {
    (OperationKind.AUTHORIZE, FactKind.AUTHORIZED): OperationOutcome.SUCCEEDED,
    (OperationKind.AUTHORIZE, FactKind.CAPTURED_IN_PART): OperationOutcome.SUCCEEDED,
    (OperationKind.AUTHORIZE, FactKind.CAPTURED): OperationOutcome.SUCCEEDED,
    (OperationKind.AUTHORIZE, FactKind.DECLINED): OperationOutcome.DECLINED,
    (OperationKind.AUTHORIZE, FactKind.NOT_SENT): OperationOutcome.FAILED,
    (OperationKind.AUTHORIZE, FactKind.CANCELED): OperationOutcome.FAILED,
    (OperationKind.AUTHORIZE, FactKind.EXPIRED): OperationOutcome.FAILED,
    (OperationKind.CAPTURE, FactKind.CAPTURED_IN_PART): OperationOutcome.SUCCEEDED,
    (OperationKind.CAPTURE, FactKind.CAPTURED): OperationOutcome.SUCCEEDED,
    (OperationKind.CANCEL, FactKind.CANCELED): OperationOutcome.SUCCEEDED,
}
"""How an open operation ends by a fact that was applied, whoever told it. A fact that is not here
leaves it open: a cancellation under way is not settled by a capture, but by its own answer."""


def end_by_status(kind: OperationKind, status: Status) -> OperationOutcome:
    """Return how an open operation ended whose payment is ``status``, which is terminal.

    Nothing more comes of its payment, so that what it asked for has come about or never will.
    """
    lapsed = status in {Status.CANCELED, Status.EXPIRED}
    if kind is OperationKind.CANCEL and lapsed:
        return OperationOutcome.SUCCEEDED
    return OperationOutcome.DECLINED
