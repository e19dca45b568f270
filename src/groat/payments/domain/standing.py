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
from groat.payments.domain.refund import Refund
from groat.providers.domain.facts import (
    Captured,
    DisputeReinstated,
    DisputeWithdrawn,
    FeeCharged,
    Refunded,
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
    """The movements of money at a provider."""

    CAPTURED = "captured"
    FEE = "fee"
    REFUNDED = "refunded"
    DISPUTE_WITHDRAWN = "dispute_withdrawn"
    DISPUTE_REINSTATED = "dispute_reinstated"


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
        case FeeCharged(reference=reference):  # a capture has one fee, under any id
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
    """Return the key of the capture that identifies the payment of an arrival without its id."""
    reference = arrival.report.capture_reference
    if arrival.report.payment_id is not None or reference is None:
        return None
    return EffectKey(arrival.provider_account_id, EffectKind.CAPTURED, reference)


def fee_capture_key(arrival: Arrival) -> EffectKey | None:
    """Return the key of the capture that a fee was charged on, None if the fact is no fee."""
    reference = arrival.report.capture_reference
    if not isinstance(arrival.report.fact, FeeCharged) or reference is None:
        return None
    return EffectKey(arrival.provider_account_id, EffectKind.CAPTURED, reference)


class Standing(Value):
    """The locked payments of some arrivals, with their operations, refunds, disputes and effects.

    ``operations`` has open operations only. ``effects`` has the effects of the arrivals, and the
    captures that they name, which were applied before; each with its payment.
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
