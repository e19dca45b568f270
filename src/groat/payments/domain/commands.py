"""Decide a merchant's commands: which are allowed, and which operation each begins. Pure."""

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
from groat.payments.domain.refund import Refund

CANCELABLE = frozenset({Status.CREATED, Status.REQUIRES_ACTION, Status.AUTHORIZED})


class CaptureOrder(Value):
    """An order to capture ``amount``, in minor units; None captures the whole remainder.

    A ``final`` capture lets the rest of the authorization lapse.
    """

    amount: int | None = None
    final: bool = True

    def __post_init__(self) -> None:
        if self.amount is not None and self.amount <= 0:
            raise InvalidRequest("amount_not_positive", "A capture's amount is 1 or more.")


class Begun(Value):
    """An accepted command: the payment after it, and the operation to call the provider for.

    ``refund`` is the new refund, if the command begins one.
    """

    payment: Payment
    operation: Operation | None
    refund: Refund | None = None


def begin(payment_id: PaymentId, order: PaymentOrder, now: datetime) -> Payment:
    """Return a new payment, for which no provider has been called yet."""
    return Payment(
        payment_id, order, Status.CREATED, failure_code=None, created_at=now, updated_at=now
    )


def require_wallet(beneficiary: Account, amount: Money) -> None:
    """Refuse a beneficiary that cannot receive ``amount``.

    Raises:
        InvalidRequest: ``beneficiary_not_a_wallet`` or ``currency_mismatch``.
        Conflict: ``account_frozen`` or ``account_closed``.
    """
    code, status = beneficiary.spec.code, beneficiary.status
    if beneficiary.spec.normal_side != "credit":
        raise InvalidRequest(
            "beneficiary_not_a_wallet",
            f"Account {code!r} belongs to Groat; name a wallet as the beneficiary.",
        )
    if beneficiary.spec.currency != amount.currency:
        raise InvalidRequest(
            "currency_mismatch",
            f"The payment is in {amount.currency} and the beneficiary's account in "
            f"{beneficiary.spec.currency}.",
        )
    if status != "open":
        raise Conflict(f"account_{status}", f"Account {code!r} is {status} and takes no payments.")


def confirm(payment: Payment, operation_id: OperationId, now: datetime) -> Begun:
    """Return the payment in ``processing``, and the operation that authorizes it.

    Raises:
        Conflict: ``payment_not_confirmable``, the payment was confirmed or canceled before.
    """
    if payment.status is not Status.CREATED:
        raise Conflict(
            "payment_not_confirmable",
            f"The payment is {payment.status}; only a {Status.CREATED} payment can be confirmed.",
        )
    amount = payment.order.terms.amount.amount
    operation = begun(operation_id, payment.id, OperationKind.AUTHORIZE, amount)
    return Begun(replace(payment, status=Status.PROCESSING, updated_at=now), operation)


def capture(
    payment: Payment,
    open_operations: Sequence[Operation],
    order: CaptureOrder,
    operation_id: OperationId,
) -> Begun:
    """Return the operation that captures a payment, in whole or in part.

    Raises:
        Conflict: ``payment_not_capturable``, ``operation_in_progress`` or
            ``capture_exceeds_authorized``.
    """
    if not payment.capturable:
        raise Conflict(
            "payment_not_capturable",
            f"The payment is {payment.status} with {payment.captured} captured; only an "
            f"{Status.AUTHORIZED} payment can be captured.",
        )
    _require_idle(open_operations)
    amount = payment.capturable if order.amount is None else order.amount
    if amount > payment.capturable:
        raise Conflict(
            "capture_exceeds_authorized",
            f"{amount} exceeds the {payment.capturable} that can still be captured "
            f"({payment.authorized} authorized, {payment.captured} captured).",
        )
    final = order.final or amount == payment.capturable
    return Begun(
        payment, begun(operation_id, payment.id, OperationKind.CAPTURE, amount, final=final)
    )


def cancel(
    payment: Payment, open_operations: Sequence[Operation], operation_id: OperationId, now: datetime
) -> Begun:
    """Return the operation that cancels a payment; None if no provider was ever called.

    Raises:
        Conflict: ``payment_not_cancelable`` or ``operation_in_progress``.
    """
    if payment.status not in CANCELABLE:
        raise Conflict(
            "payment_not_cancelable",
            f"The payment is {payment.status}; it can be canceled while it is one of: "
            f"{', '.join(sorted(CANCELABLE))}.",
        )
    if payment.status is Status.CREATED:
        return Begun(replace(payment, status=Status.CANCELED, updated_at=now), None)
    _require_idle(open_operations)
    return Begun(payment, begun(operation_id, payment.id, OperationKind.CANCEL, amount=0))


def _require_idle(open_operations: Sequence[Operation]) -> None:
    """Refuse a command while the outcome of a capture or a cancellation is open.

    Only one of the two can succeed.
    """
    busy = {OperationKind.CAPTURE, OperationKind.CANCEL}
    for operation in open_operations:
        if operation.kind in busy:
            raise Conflict(
                "operation_in_progress",
                f"A {operation.kind} of the payment is still open; wait for its outcome.",
            )
