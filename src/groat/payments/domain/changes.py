"""Audit records of callers' requests and of facts. Pure."""

from __future__ import annotations

from uuid import UUID

from groat.audit.domain.record import Change, Scalar, Transition
from groat.kernel import ids
from groat.kernel.caller import ENGINE, Caller
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.operation import Operation, OperationKind
from groat.payments.domain.payment import Payment
from groat.payments.domain.personal import personal_digest
from groat.payments.domain.standing import Arrival
from groat.providers.domain.facts import (
    Authorized,
    Captured,
    CaptureReturned,
    Declined,
    DisputeFact,
    Fact,
    NotSent,
    Refunded,
    RefundFailed,
    RefundReversed,
)


def created(caller: Caller, payment: Payment, salt: UUID, key_digest: str | None) -> Change:
    """Return the audit record of a new payment.

    It holds a digest of what may name a person, and never the data itself.
    """
    order = payment.order
    data: dict[str, Scalar] = {
        "amount": order.terms.amount.amount,
        "currency": order.terms.amount.currency,
        "beneficiary": ids.render("account", order.terms.beneficiary_id),
        "provider_account": ids.render("provider_account", order.provider_account_id),
        "capture_method": order.terms.capture_method,
        "payment_method_kind": order.terms.method_kind,
        "route": " ".join(
            ids.render("provider_account", leg.provider_account_id) for leg in order.route.legs
        ),
        "personal_digest": personal_digest(order.terms, salt),
        "status": payment.status.value,
        **_keyed(key_digest),
    }
    change = Change.by(caller, PaymentAction.CREATED, "payment", payment.id, **data)
    return replace(change, transition=Transition(None, payment))


def requested(
    caller: Caller,
    payment: Payment,
    operation: Operation | None,
    key_digest: str | None,
    transition: Transition,
) -> Change:
    """Return the audit record of a command and of the operation that it begins.

    ``transition`` is the object that the command changes or makes: the payment, or a refund. Only
    the cancellation of a payment for which no provider was called needs no operation.
    """
    data: dict[str, Scalar] = {"status": payment.status.value, **_keyed(key_digest)}
    if operation is None:
        canceled = Change.by(caller, PaymentAction.CANCELED, "payment", payment.id, **data)
        return replace(canceled, transition=transition)
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
    change = Change.by(caller, _REQUESTED[operation.kind], "payment", payment.id, **data)
    return replace(change, transition=transition)


_REQUESTED = {
    OperationKind.AUTHORIZE: PaymentAction.AUTHORIZE_REQUESTED,
    OperationKind.CAPTURE: PaymentAction.CAPTURE_REQUESTED,
    OperationKind.CANCEL: PaymentAction.CANCEL_REQUESTED,
    OperationKind.REFUND: PaymentAction.REFUND_REQUESTED,
}


def _keyed(key_digest: str | None) -> dict[str, Scalar]:
    return {} if key_digest is None else {"idempotency_key": key_digest}


def change_of(action: PaymentAction, payment: Payment, arrival: Arrival, **more: Scalar) -> Change:
    """Return the audit record of a fact; ``payment`` is the payment after the fact."""
    report = arrival.report
    data: dict[str, Scalar] = {"status": payment.status.value, **_figures(report.fact), **more}
    if report.provider_reference is not None:
        data["provider_reference"] = report.provider_reference
    if report.refund_id is not None:
        data["refund"] = ids.render("refund", report.refund_id)
    return Change(action, "payment", payment.id, _told_by(arrival), arrival.cause, data)


def _told_by(arrival: Arrival) -> str:
    if arrival.told_by is not None:
        return arrival.told_by.actor
    if isinstance(arrival.report.fact, NotSent):
        return ENGINE
    return ids.render("provider_account", arrival.provider_account_id)


def _figures(fact: Fact) -> dict[str, Scalar]:
    match fact:
        case Captured(reference, amount) | Refunded(reference, amount):
            return {**_money(amount), "effect": reference}
        case (
            CaptureReturned(reference=reference, amount=amount, code=code)
            | RefundReversed(reference=reference, amount=amount, code=code)
        ):
            return {**_money(amount), "effect": reference, "failure_code": code.value}
        case Authorized(reference=reference, amount=amount):
            return {**_money(amount), "authorization": reference}
        case Declined() | RefundFailed() | NotSent():
            return {"failure_code": fact.code.value, **_detail(fact)}
        case _ if isinstance(fact, DisputeFact):
            return {**_money(fact.amount), "dispute": fact.reference}
        case _:
            return {}


def _detail(fact: Declined | RefundFailed | NotSent) -> dict[str, Scalar]:
    match fact:
        case NotSent(reason=reason):
            return {"detail": reason}
        case Declined(decline_code=str(decline_code)):
            return {"decline_code": decline_code}
        case _:
            return {}


def _money(amount: Money) -> dict[str, Scalar]:
    return {"amount": amount.amount, "currency": amount.currency}
