"""Audit records of callers' requests. Pure.

``key_digest`` is the digest of the request's Idempotency-Key, None without one.
"""

from __future__ import annotations

from groat.audit.domain.record import Cause, Change, Scalar
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.operation import Operation, OperationKind
from groat.payments.domain.payment import Payment


def created(caller: Caller, payment: Payment, key_digest: str | None) -> Change:
    """Return the audit record of a new payment."""
    order = payment.order
    data: dict[str, Scalar] = {
        "amount": order.terms.amount.amount,
        "currency": order.terms.amount.currency,
        "beneficiary": ids.render("account", order.terms.beneficiary_id),
        "provider_account": ids.render("provider_account", order.provider_account_id),
        "capture_method": order.terms.capture_method,
        "status": payment.status.value,
        **_keyed(key_digest),
    }
    return _change(PaymentAction.CREATED, caller, payment, data)


def requested(
    caller: Caller, payment: Payment, operation: Operation | None, key_digest: str | None
) -> Change:
    """Return the audit record of a command and of the operation that it begins.

    Only the cancellation of a payment for which no provider was called needs no operation.
    """
    data: dict[str, Scalar] = {"status": payment.status.value, **_keyed(key_digest)}
    if operation is None:
        return _change(PaymentAction.CANCELED, caller, payment, data)
    data |= {
        "operation": ids.render("operation", operation.id),
        "amount": operation.amount,
        "currency": payment.order.terms.amount.currency,
        "provider_account": ids.render("provider_account", payment.order.provider_account_id),
        "final": operation.final,
    }
    if operation.refund_id is not None:
        data["refund"] = ids.render("refund", operation.refund_id)
        data["capture"] = operation.capture_reference
    return _change(_REQUESTED[operation.kind], caller, payment, data)


_REQUESTED = {
    OperationKind.AUTHORIZE: PaymentAction.AUTHORIZE_REQUESTED,
    OperationKind.CAPTURE: PaymentAction.CAPTURE_REQUESTED,
    OperationKind.CANCEL: PaymentAction.CANCEL_REQUESTED,
    OperationKind.REFUND: PaymentAction.REFUND_REQUESTED,
}


def _change(
    action: PaymentAction, caller: Caller, payment: Payment, data: dict[str, Scalar]
) -> Change:
    return Change(action, "payment", payment.id, caller.actor, Cause(caller.request_id), data)


def _keyed(key_digest: str | None) -> dict[str, Scalar]:
    return {} if key_digest is None else {"idempotency_key": key_digest}
