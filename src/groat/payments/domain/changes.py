"""Audit records of facts. Pure."""

from __future__ import annotations

from groat.audit.domain.record import Change, Scalar
from groat.kernel import ids
from groat.kernel.caller import ENGINE
from groat.kernel.money import Money
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.arrival import Arrival
from groat.payments.domain.payment import Payment
from groat.providers.domain.facts import (
    Authorized,
    Captured,
    Declined,
    DisputeClosed,
    DisputeOpened,
    DisputeReinstated,
    DisputeUnderReview,
    DisputeWithdrawn,
    Fact,
    FeeCharged,
    NotSent,
    Refunded,
    RefundFailed,
)


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
        return arrival.told_by
    if isinstance(arrival.report.fact, NotSent):
        return ENGINE
    return ids.render("provider_account", arrival.provider_account_id)


def _figures(fact: Fact) -> dict[str, Scalar]:
    match fact:
        case (
            Captured(reference, amount)
            | FeeCharged(reference, amount)
            | Refunded(reference, amount)
            | DisputeWithdrawn(reference, amount)
            | DisputeReinstated(reference, amount)
        ):
            return {**_money(amount), "effect": reference}
        case (
            DisputeOpened(reference, amount)
            | DisputeUnderReview(reference, amount)
            | DisputeClosed(reference, amount)
        ):
            return {**_money(amount), "dispute": reference}
        case Authorized(reference=reference, amount=amount):
            return {**_money(amount), "authorization": reference}
        case Declined(code) | RefundFailed(code):
            return {"failure_code": code.value}
        case NotSent(code, reason):
            return {"failure_code": code.value, "detail": reason}
        case _:
            return {}


def _money(amount: Money) -> dict[str, Scalar]:
    return {"amount": amount.amount, "currency": amount.currency}
