"""What facts are decided on, and what a decision says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from groat.audit.domain.record import Cause, Change, Scalar
from groat.kernel import ids
from groat.kernel.ids import (
    DisputeId,
    HoldId,
    OperationId,
    PaymentId,
    ProviderAccountId,
    RefundId,
)
from groat.kernel.money import Money
from groat.kernel.value import Value, field
from groat.payments.domain.dispute import Dispute
from groat.payments.domain.lifecycle import QUARANTINED, Outcome
from groat.payments.domain.operation import Operation, OperationKind, OperationOutcome
from groat.payments.domain.payment import Payment
from groat.payments.domain.refund import Refund
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
    Report,
)
from groat.providers.domain.failures import FailureCode

ENGINE = "engine"
"""The actor of what nobody told us: we know it ourselves."""


class Arrival(Value):
    """A report that has come in. ``cause`` is the operation or the webhook event it came with.

    ``operation_id`` is the operation that it answers, if it is an answer. ``told_by`` is who says
    so where that is neither the provider nor we ourselves.
    """

    provider_account_id: ProviderAccountId
    report: Report
    cause: Cause
    operation_id: OperationId | None = None
    told_by: str | None = None


class EffectKind(StrEnum):
    """What can happen at a provider that moves money."""

    CAPTURED = "captured"
    FEE = "fee"
    REFUNDED = "refunded"
    DISPUTE_WITHDRAWN = "dispute_withdrawn"
    DISPUTE_REINSTATED = "dispute_reinstated"


class EffectKey(NamedTuple):
    """What makes an effect happen once: not the event's id, since two events may describe it."""

    provider_account_id: ProviderAccountId
    kind: EffectKind
    reference: str


class Effect(Value):
    """Something that happened at a provider, once, and is to be posted, once.

    A refund takes what its hold reserves. Of what a dispute gives back, ``shortfall`` is what we
    are owed because of it.
    """

    key: EffectKey
    payment: Payment
    money: Money
    hold_id: HoldId | None = None
    dispute_id: DisputeId | None = None
    shortfall: int = 0


class Settled(NamedTuple):
    """How an operation of a payment ended, and the code of a refusal."""

    payment_id: PaymentId
    operation_id: OperationId
    outcome: OperationOutcome
    failure_code: FailureCode | None = None


class Standing(Value):
    """What arrivals are decided on: locked payments, and what belongs to them.

    ``operations`` are the open ones. ``effects`` are those of the arrivals' effects, and of the
    captures that they are about, that were applied before, and to which payments.
    """

    payments: Mapping[PaymentId, Payment]
    operations: Mapping[PaymentId, Sequence[Operation]] = field(default_factory=dict)
    refunds: Mapping[RefundId, Refund] = field(default_factory=dict)
    disputes: Mapping[DisputeId, Dispute] = field(default_factory=dict)
    effects: Mapping[EffectKey, PaymentId] = field(default_factory=dict)

    def payment_of(self, arrival: Arrival) -> Payment | None:
        """Return the payment that an arrival is about, if it was tried with its account."""
        payment_id = arrival.report.payment_id
        if payment_id is None:
            capture = capture_key(arrival)
            payment_id = None if capture is None else self.effects.get(capture)
        payment = None if payment_id is None else self.payments.get(payment_id)
        if payment is None or not payment.was_tried_with(arrival.provider_account_id):
            return None
        return payment

    def open_operation(self, payment_id: PaymentId, kind: OperationKind) -> Operation | None:
        """Return the open operation of a kind; there is one at most of each but refunds."""
        return next((one for one in self.operations.get(payment_id, ()) if one.kind is kind), None)

    def answered(self, payment_id: PaymentId, arrival: Arrival) -> Operation | None:
        """Return the open operation that an arrival answers."""
        wanted = arrival.operation_id
        return next((one for one in self.operations.get(payment_id, ()) if one.id == wanted), None)


class Verdict(Value):
    """What becomes of one arrival: what has changed, as it is then, and what to write of it.

    ``settled`` are operations that have ended, ``resumed`` one that is to be gone on with, and
    ``begun`` one that is to be asked of the payment's next provider.
    """

    outcome: Outcome
    payment: Payment | None = None
    refund: Refund | None = None
    dispute: Dispute | None = None
    settled: tuple[Settled, ...] = ()
    resumed: OperationId | None = None
    begun: Operation | None = None
    effect: Effect | None = None
    released: HoldId | None = None
    change: Change | None = None


def effect_key(arrival: Arrival) -> EffectKey | None:
    """Return the key of the effect that the arrival would have, None if it moves no money."""
    match arrival.report.fact:
        case Captured(reference=reference):
            kind = EffectKind.CAPTURED
        case FeeCharged(reference=reference):  # a capture has one fee, whatever id it is told by
            kind, reference = EffectKind.FEE, arrival.report.capture_reference or reference
        case Refunded(reference=reference):
            kind = EffectKind.REFUNDED
        case DisputeWithdrawn(reference=reference):
            kind = EffectKind.DISPUTE_WITHDRAWN
        case DisputeReinstated(reference=reference):
            kind = EffectKind.DISPUTE_REINSTATED
        case _:
            return None
    return EffectKey(arrival.provider_account_id, kind, reference)


def capture_key(arrival: Arrival) -> EffectKey | None:
    """Return the key of the capture by which the payment is found, where it is not named."""
    reference = arrival.report.capture_reference
    if arrival.report.payment_id is not None or reference is None:
        return None
    return EffectKey(arrival.provider_account_id, EffectKind.CAPTURED, reference)


def fee_capture_key(arrival: Arrival) -> EffectKey | None:
    """Return the key of the capture that a fee was taken from, if the arrival is a fee's."""
    reference = arrival.report.capture_reference
    if not isinstance(arrival.report.fact, FeeCharged) or reference is None:
        return None
    return EffectKey(arrival.provider_account_id, EffectKind.CAPTURED, reference)


def set_aside(
    outcome: Outcome, payment: Payment, arrival: Arrival, settled: tuple[Settled, ...] = ()
) -> Verdict:
    """Return the verdict on a fact that is recorded and changes nothing."""
    action = "payment.fact_quarantined" if outcome in QUARANTINED else "payment.fact_late"
    change = change_of(action, payment, arrival, reason=outcome.value)
    return Verdict(outcome, settled=settled, change=change)


def change_of(action: str, payment: Payment, arrival: Arrival, **more: Scalar) -> Change:
    """Return what the record says of a fact about ``payment``, as it is after it."""
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
