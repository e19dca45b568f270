"""The verdict on a fact: its changes, and its audit record. Pure."""

from __future__ import annotations

from typing import NamedTuple

from groat.audit.domain.record import Change
from groat.kernel.ids import HoldId, OperationId, PaymentId, RefundId
from groat.kernel.money import Money
from groat.kernel.value import Value
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.changes import change_of
from groat.payments.domain.dispute import Dispute
from groat.payments.domain.lifecycle import QUARANTINED, Outcome
from groat.payments.domain.operation import Operation, OperationOutcome
from groat.payments.domain.payment import Payment
from groat.payments.domain.refund import Refund
from groat.payments.domain.standing import Arrival, EffectKey
from groat.providers.domain.failures import FailureCode


class Effect(Value):
    """A fact that moves money between the beneficiary and clearing. The ledger posts it once.

    ``capture`` is the provider's id of the capture that the effect belongs to. A refund by us
    spends the hold ``hold_id``.
    """

    key: EffectKey
    payment: Payment
    money: Money
    capture: str
    hold_id: HoldId | None = None
    refund_id: RefundId | None = None


class OperationEnd(NamedTuple):
    """The outcome of an operation of a payment, and the reasons of a refusal."""

    payment_id: PaymentId
    operation_id: OperationId
    outcome: OperationOutcome
    failure_code: FailureCode | None = None
    decline_code: str | None = None
    provider_message: str | None = None


class Verdict(Value):
    """The decision on one arrival: changed objects in their new state, and the audit record.

    ``payment_id`` is the payment that the arrival is about, if it is known, also if it does not
    change. ``made`` tells that the refund is new here: it was made at the provider. ``settled`` are
    the operations that ended. ``resumed`` is an operation for any worker to
    continue at once. ``begun`` is a new operation: for the payment's next provider account, or to
    end a failed payment at its provider.
    ``released`` is the hold of a refund that failed.
    """

    outcome: Outcome
    payment: Payment | None = None
    refund: Refund | None = None
    made: bool = False
    payment_id: PaymentId | None = None
    dispute: Dispute | None = None
    settled: tuple[OperationEnd, ...] = ()
    resumed: OperationId | None = None
    begun: Operation | None = None
    effect: Effect | None = None
    released: HoldId | None = None
    change: Change | None = None


def set_aside(
    outcome: Outcome, payment: Payment, arrival: Arrival, settled: tuple[OperationEnd, ...] = ()
) -> Verdict:
    """Return the verdict on a fact that is recorded and changes nothing."""
    action = PaymentAction.FACT_QUARANTINED if outcome in QUARANTINED else PaymentAction.FACT_LATE
    change = change_of(action, payment, arrival, reason=outcome.value)
    return Verdict(outcome, settled=settled, change=change)
