"""Decide facts. Payments, refunds and disputes change by these decisions alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from groat.kernel.value import replace
from groat.payments.domain.dispute_facts import decide_dispute
from groat.payments.domain.lifecycle import Outcome
from groat.payments.domain.operation import OperationOutcome
from groat.payments.domain.payment import Payment
from groat.payments.domain.payment_facts import decide_payment, unmoved
from groat.payments.domain.refund_facts import decide_refund
from groat.payments.domain.standing import Arrival, Standing, effect_key
from groat.payments.domain.verdict import Verdict, set_aside
from groat.providers.domain.facts import (
    Authorized,
    DisputeFact,
    NotSent,
    PaymentFact,
    Refunded,
    RefundFailed,
    RefundReversed,
)


def decide(standing: Standing, arrivals: Sequence[Arrival], now: datetime) -> Iterator[Verdict]:
    """Yield a verdict for each arrival, in order; each sees the changes of those before it."""
    running = _RunningStanding(standing)
    for arrival in arrivals:
        verdict = _decide_one(running.standing, arrival, now)
        running.note(verdict)
        yield verdict


def _decide_one(standing: Standing, arrival: Arrival, now: datetime) -> Verdict:
    payment = standing.payment_of(arrival)
    if payment is None:
        return Verdict(_of_nothing_known(arrival))
    return replace(_decide_of(standing, payment, arrival, now), payment_id=payment.id)


def _decide_of(standing: Standing, payment: Payment, arrival: Arrival, now: datetime) -> Verdict:
    key = effect_key(arrival)
    if key is not None and key in standing.effects:
        if standing.effects[key] == payment.id:
            return unmoved(standing, Outcome.ALREADY_SO, payment, arrival)
        return set_aside(Outcome.CONTRADICTION, payment, arrival)
    if arrival.provider_account_id != payment.order.provider_account_id:
        return _from_behind(standing, payment, arrival)
    if _is_asked_by_others(standing, payment, arrival):
        return set_aside(Outcome.LATE, payment, arrival)
    return _decide_fact(standing, payment, arrival, now)


def _of_nothing_known(arrival: Arrival) -> Outcome:
    """Return the outcome of a fact whose payment is not known.

    Our requests carry our payment's id, and the provider's facts about them carry it back. A fact
    about a payment without that id belongs to another system that uses the provider account. A
    dispute, or a refund by hand, names only a capture, whose report may still be on its way.
    """
    report = arrival.report
    if report.payment_id is None and isinstance(report.fact, PaymentFact):
        return Outcome.FOREIGN
    if report.payment_id is None and report.capture_reference is not None:
        return Outcome.PREMATURE
    return Outcome.UNKNOWN_PAYMENT


def _is_asked_by_others(standing: Standing, payment: Payment, arrival: Arrival) -> bool:
    """Return whether a ``NotSent`` proves nothing, because a worker may have made the call since.

    Example: the process stalls between writing the operation and calling. The operation counts as
    lost, a worker looks it up and makes the call. The late ``NotSent`` is then worthless. An
    operator's ``NotSent`` (``told_by``) counts: it concludes the operation.
    """
    asked = standing.answered(payment.id, arrival)
    return (
        isinstance(arrival.report.fact, NotSent)
        and arrival.told_by is None
        and asked is not None
        and asked.outcome is OperationOutcome.UNKNOWN
    )


def _from_behind(standing: Standing, payment: Payment, arrival: Arrival) -> Verdict:
    """Return the verdict on a fact from an account that the payment fell back from.

    The payment left that account after a failure. If money moved there nevertheless, an operator
    must decide.
    """
    moved = effect_key(arrival) is not None or isinstance(arrival.report.fact, Authorized)
    return unmoved(standing, Outcome.CONTRADICTION if moved else Outcome.LATE, payment, arrival)


def _decide_fact(standing: Standing, payment: Payment, arrival: Arrival, now: datetime) -> Verdict:
    fact = arrival.report.fact
    match fact:
        case Refunded() | RefundFailed() | RefundReversed():
            return decide_refund(standing, payment, fact, arrival, now)
        case NotSent() if arrival.report.refund_id is not None:
            return decide_refund(standing, payment, fact, arrival, now)
        case _ if isinstance(fact, DisputeFact):
            return decide_dispute(standing, payment, fact, arrival, now)
        case _:
            return decide_payment(standing, payment, fact, arrival, now)


class _RunningStanding:
    """A standing that reflects each verdict, so that the next fact is decided on the result."""

    def __init__(self, standing: Standing) -> None:
        self._payments = dict(standing.payments)
        self._operations = {key: list(some) for key, some in standing.operations.items()}
        self._refunds = dict(standing.refunds)
        self._disputes = dict(standing.disputes)
        self._effects = dict(standing.effects)
        self.standing = Standing(
            self._payments, self._operations, self._refunds, self._disputes, self._effects
        )

    def note(self, verdict: Verdict) -> None:
        if verdict.payment is not None:
            self._payments[verdict.payment.id] = verdict.payment
        if verdict.refund is not None:
            self._refunds[verdict.refund.id] = verdict.refund
        if verdict.dispute is not None:
            self._disputes[verdict.dispute.id] = verdict.dispute
        if verdict.effect is not None:
            self._effects[verdict.effect.key] = verdict.effect.payment.id
        for settled in verdict.settled:
            open_ones = self._operations[settled.payment_id]
            open_ones[:] = [one for one in open_ones if one.id != settled.operation_id]
        if verdict.begun is not None:
            self._operations[verdict.begun.payment_id].append(verdict.begun)
