"""The input of a decision: a report that arrives, and the locked state that it meets. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from groat.audit.domain.record import Cause
from groat.kernel.caller import Caller
from groat.kernel.ids import DisputeId, OperationId, PaymentId, ProviderAccountId, RefundId
from groat.kernel.value import Value, field
from groat.payments.domain.dispute import Dispute
from groat.payments.domain.operation import Operation, OperationKind
from groat.payments.domain.payment import Payment
from groat.payments.domain.refund import Refund, provider_refund_id
from groat.providers.domain.facts import (
    Captured,
    CaptureReturned,
    Refunded,
    RefundReversed,
    Report,
)


class Arrival(Value):
    """A report with its origin.

    ``cause`` is the operation or the provider event that brought the report.
    ``operation_id`` is the operation that the report answers, if it answers one.
    ``told_by`` is the operator who states the fact; None for a provider's report or our own.
    """

    provider_account_id: ProviderAccountId
    report: Report
    cause: Cause
    operation_id: OperationId | None = None
    told_by: Caller | None = None


class EffectKind(StrEnum):
    """The facts that move money between a beneficiary and clearing.

    What disputes, fees and payouts move, the provider's movements tell.
    """

    CAPTURED = "captured"
    REFUNDED = "refunded"
    REFUND_REVERSED = "refund_reversed"
    CAPTURE_RETURNED = "capture_returned"


class EffectKey(NamedTuple):
    """The identity of an effect. It contains no event id: two events may report one capture."""

    provider_account_id: ProviderAccountId
    kind: EffectKind
    reference: str


def effect_key(arrival: Arrival) -> EffectKey | None:
    """Return the key of the effect of an arrival, None if the arrival moves no money."""
    match arrival.report.fact:
        case Captured(reference=reference):
            kind = EffectKind.CAPTURED
        case CaptureReturned(reference=reference):
            kind = EffectKind.CAPTURE_RETURNED
        case Refunded(reference=reference):
            kind = EffectKind.REFUNDED
        case RefundReversed(reference=reference):
            kind = EffectKind.REFUND_REVERSED
        case _:
            return None
    return EffectKey(arrival.provider_account_id, kind, reference)


def named_capture(arrival: Arrival) -> EffectKey | None:
    """Return the key of the capture that an arrival names, None if it names none."""
    reference = arrival.report.capture_reference
    if reference is None:
        return None
    return EffectKey(arrival.provider_account_id, EffectKind.CAPTURED, reference)


def refund_id_of(arrival: Arrival) -> RefundId | None:
    """Return the id of the refund that an arrival is about, None if it is about none.

    A report without our id is about a refund that was made at the provider.
    """
    report = arrival.report
    if report.refund_id is None and isinstance(report.fact, Refunded | RefundReversed):
        return provider_refund_id(arrival.provider_account_id, report.fact.reference)
    return report.refund_id


def capture_key(arrival: Arrival) -> EffectKey | None:
    """Return the key of the capture that identifies the payment of an arrival without its id."""
    return named_capture(arrival) if arrival.report.payment_id is None else None


def reversed_key(arrival: Arrival) -> EffectKey | None:
    """Return the key of the effect that a fact takes back, None if it takes none back."""
    match arrival.report.fact:
        case CaptureReturned(reference=reference):
            return EffectKey(arrival.provider_account_id, EffectKind.CAPTURED, reference)
        case RefundReversed(reference=reference):
            return EffectKey(arrival.provider_account_id, EffectKind.REFUNDED, reference)
        case _:
            return None


class Standing(Value):
    """The locked payments of some arrivals, with their operations, refunds, disputes and effects.

    ``operations`` has open operations only. ``effects`` has the effects of the arrivals, the
    captures that they name, and the effects that they take back, which were applied before; each
    with its payment.
    """

    payments: Mapping[PaymentId, Payment]
    operations: Mapping[PaymentId, Sequence[Operation]] = field(default_factory=dict)
    refunds: Mapping[RefundId, Refund] = field(default_factory=dict)
    disputes: Mapping[DisputeId, Dispute] = field(default_factory=dict)
    effects: Mapping[EffectKey, PaymentId] = field(default_factory=dict)

    def payment_of(self, arrival: Arrival) -> Payment | None:
        """Return the payment of an arrival, None unless it was tried with the arrival's account."""
        payment_id = arrival.report.payment_id
        if payment_id is None:
            capture = capture_key(arrival)
            payment_id = None if capture is None else self.effects.get(capture)
        payment = None if payment_id is None else self.payments.get(payment_id)
        if payment is None or not payment.was_tried_with(arrival.provider_account_id):
            return None
        return payment

    def open_operation(self, payment_id: PaymentId, kind: OperationKind) -> Operation | None:
        """Return the open operation of a kind; a payment has at most one, except of refunds."""
        return next((one for one in self.operations.get(payment_id, ()) if one.kind is kind), None)

    def answered(self, payment_id: PaymentId, arrival: Arrival) -> Operation | None:
        """Return the open operation that an arrival answers."""
        wanted = arrival.operation_id
        return next((one for one in self.operations.get(payment_id, ()) if one.id == wanted), None)
