"""Decide facts about refunds. Pure."""

from __future__ import annotations

from datetime import datetime

from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.changes import change_of
from groat.payments.domain.lifecycle import Next, Outcome, answer_refund
from groat.payments.domain.operation import OperationOutcome
from groat.payments.domain.payment import Payment
from groat.payments.domain.refund import Refund
from groat.payments.domain.standing import Arrival, EffectKey, EffectKind, Standing
from groat.payments.domain.verdict import Effect, OperationEnd, Verdict, set_aside
from groat.providers.domain.facts import NotSent, Refunded, RefundFact, RefundFailed
from groat.providers.domain.failures import FailureCode


def decide_refund(
    standing: Standing, payment: Payment, fact: RefundFact, arrival: Arrival, now: datetime
) -> Verdict:
    """Return the verdict on a fact about a refund of ``payment``.

    A refund without an operation of ours was made on the provider's own pages. No hold reserves
    it, so an operator decides who bears it.
    """
    refund_id = arrival.report.refund_id
    refund = None if refund_id is None else standing.refunds.get(refund_id)
    if refund is None or refund.payment_id != payment.id:
        if not payment.captured:
            return Verdict(Outcome.PREMATURE)
        return set_aside(Outcome.FOREIGN_REFUND, payment, arrival)
    if isinstance(fact, Refunded) and fact.amount != Money(refund.amount, refund.currency):
        return set_aside(Outcome.AMOUNT_MISMATCH, payment, arrival)
    match answer_refund(refund.status, fact):
        case Next(status):
            moved = replace(refund, status=status, updated_at=now)
            pending = payment.refund_pending - refund.amount
            payment = replace(payment, refund_pending=pending, updated_at=now)
            return _move(standing, payment, moved, fact, arrival)
        case Outcome.ALREADY_SO:
            return Verdict(Outcome.ALREADY_SO)
        case outcome:
            return set_aside(outcome, payment, arrival)


def _move(
    standing: Standing, payment: Payment, refund: Refund, fact: RefundFact, arrival: Arrival
) -> Verdict:
    """Return the verdict on the fact that ended a pending refund; ``refund`` has its new status."""
    match fact:
        case Refunded(reference, amount):
            payment = replace(payment, refunded=payment.refunded + refund.amount)
            key = EffectKey(arrival.provider_account_id, EffectKind.REFUNDED, reference)
            return Verdict(
                Outcome.APPLIED,
                payment,
                refund,
                settled=_settled(standing, refund, OperationOutcome.SUCCEEDED),
                effect=Effect(key, payment, amount, hold_id=refund.hold_id, refund_id=refund.id),
                change=change_of(PaymentAction.REFUNDED, payment, arrival),
            )
        case RefundFailed(code) | NotSent(code):
            declined = isinstance(fact, RefundFailed)
            ending = OperationOutcome.DECLINED if declined else OperationOutcome.FAILED
            return Verdict(
                Outcome.APPLIED,
                payment,
                replace(refund, failure_code=code),
                settled=_settled(standing, refund, ending, code),
                released=refund.hold_id,
                change=change_of(PaymentAction.REFUND_FAILED, payment, arrival),
            )


def _settled(
    standing: Standing, refund: Refund, outcome: OperationOutcome, code: FailureCode | None = None
) -> tuple[OperationEnd, ...]:
    return tuple(
        OperationEnd(refund.payment_id, one.id, outcome, code)
        for one in standing.operations.get(refund.payment_id, ())
        if one.refund_id == refund.id
    )
