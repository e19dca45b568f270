"""What a merchant may ask of a payment, and what is then to be written down and called. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from groat.accounts.domain.chart import Account
from groat.kernel.errors import Conflict, InvalidRequest
from groat.kernel.ids import OperationId, PaymentId
from groat.kernel.money import Money
from groat.kernel.value import Value, replace
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.operation import Operation, OperationKind, begun
from groat.payments.domain.payment import Payment, PaymentOrder

CANCELABLE = frozenset({Status.CREATED, Status.REQUIRES_ACTION, Status.AUTHORIZED})


class CaptureOrder(Value):
    """Take ``amount`` of what is authorized, in minor units, or all that is left.

    What is authorized beyond it lapses if ``final``.
    """

    amount: int | None = None
    final: bool = True

    def __post_init__(self) -> None:
        if self.amount is not None and self.amount <= 0:
            raise InvalidRequest("amount_not_positive", "A capture's amount is 1 or more.")


class Begun(Value):
    """A command that may go on: the payment as it is now, and what to ask of the provider."""

    payment: Payment
    operation: Operation | None


def begin(payment_id: PaymentId, order: PaymentOrder, now: datetime) -> Payment:
    """Return a new payment, which nothing has been asked for yet."""
    return Payment(
        payment_id, order, Status.CREATED, failure_code=None, created_at=now, updated_at=now
    )


def require_wallet(beneficiary: Account, amount: Money) -> None:
    """Refuse a beneficiary that cannot be paid ``amount``.

    Raises:
        InvalidRequest: ``beneficiary_not_a_wallet`` or ``currency_mismatch``.
        Conflict: ``account_frozen`` or ``account_closed``.
    """
    code, status = beneficiary.spec.code, beneficiary.status
    if beneficiary.spec.normal_side != "credit":
        raise InvalidRequest(
            "beneficiary_not_a_wallet",
            f"Account {code!r} is one of Groat's own; pay into a wallet.",
        )
    if beneficiary.spec.currency != amount.currency:
        raise InvalidRequest(
            "currency_mismatch",
            f"The payment is in {amount.currency} and the beneficiary's account in "
            f"{beneficiary.spec.currency}.",
        )
    if status != "open":
        raise Conflict(f"account_{status}", f"Account {code!r} is {status}; it takes no payments.")


def confirm(payment: Payment, operation_id: OperationId, now: datetime) -> Begun:
    """Return what it takes to authorize a payment.

    Raises:
        Conflict: ``payment_not_confirmable``, it was confirmed or canceled before.
    """
    if payment.status is not Status.CREATED:
        raise Conflict(
            "payment_not_confirmable",
            f"The payment is {payment.status}; one that is {Status.CREATED} can be confirmed.",
        )
    amount = payment.order.amount.amount
    operation = begun(operation_id, payment.id, OperationKind.AUTHORIZE, amount)
    return Begun(replace(payment, status=Status.PROCESSING, updated_at=now), operation)


def capture(
    payment: Payment,
    open_operations: Sequence[Operation],
    order: CaptureOrder,
    operation_id: OperationId,
) -> Begun:
    """Return what it takes to capture a payment, in whole or part.

    Raises:
        Conflict: ``payment_not_capturable``, ``operation_in_progress`` or
            ``capture_exceeds_authorized``.
    """
    if not payment.capturable:
        raise Conflict(
            "payment_not_capturable",
            f"The payment is {payment.status} and {payment.captured} captured; one that is "
            f"{Status.AUTHORIZED} can be captured.",
        )
    _require_idle(open_operations)
    amount = payment.capturable if order.amount is None else order.amount
    if amount > payment.capturable:
        raise Conflict(
            "capture_exceeds_authorized",
            f"Of {payment.authorized} authorized {payment.captured} is captured; {amount} more is "
            "too much.",
        )
    final = order.final or amount == payment.capturable
    return Begun(
        payment, begun(operation_id, payment.id, OperationKind.CAPTURE, amount, final=final)
    )


def cancel(
    payment: Payment, open_operations: Sequence[Operation], operation_id: OperationId, now: datetime
) -> Begun:
    """Return what it takes to cancel a payment: nothing where nothing was asked of a provider.

    Raises:
        Conflict: ``payment_not_cancelable`` or ``operation_in_progress``.
    """
    if payment.status not in CANCELABLE:
        raise Conflict(
            "payment_not_cancelable",
            f"The payment is {payment.status}; one that is {', '.join(sorted(CANCELABLE))} can be "
            "canceled.",
        )
    if payment.status is Status.CREATED:
        return Begun(replace(payment, status=Status.CANCELED, updated_at=now), None)
    _require_idle(open_operations)
    return Begun(payment, begun(operation_id, payment.id, OperationKind.CANCEL, amount=0))


def _require_idle(open_operations: Sequence[Operation]) -> None:
    """Refuse a second command while it is open how a first one ends: only one of them can win."""
    busy = {OperationKind.CAPTURE, OperationKind.CANCEL}
    for operation in open_operations:
        if operation.kind in busy:
            raise Conflict(
                "operation_in_progress",
                f"A {operation.kind} of the payment is under way and its outcome not known yet.",
            )
