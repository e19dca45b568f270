"""Decide facts about refunds. Pure."""

from __future__ import annotations

from datetime import datetime

from groat.kernel import ids
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.changes import change_of
from groat.payments.domain.lifecycle import (
    Answer,
    Next,
    Outcome,
    RefundStatus,
    answer_refund,
)
from groat.payments.domain.operation import OperationOutcome
from groat.payments.domain.payment import Payment
from groat.payments.domain.refund import Refund, RefundOrigin, provider_refund
from groat.payments.domain.standing import (
    Arrival,
    EffectKey,
    EffectKind,
    Standing,
    named_capture,
    refund_id_of,
)
from groat.payments.domain.verdict import Effect, OperationEnd, Verdict, set_aside
from groat.providers.domain.facts import (
    NotSent,
    Refunded,
    RefundFact,
    RefundFailed,
    RefundReversed,
)
from groat.providers.domain.failures import FailureCode


def decide_refund(
    standing: Standing, payment: Payment, fact: RefundFact, arrival: Arrival, now: datetime
) -> Verdict:
    """Return the verdict on a fact about a refund of ``payment``.

    A refund that Groat did not ask for was made at the provider, and is a refund like any other.
    """
    refund_id = refund_id_of(arrival)
    refund = None if refund_id is None else standing.refunds.get(refund_id)
    if refund is None or refund.payment_id != payment.id:
        if isinstance(fact, Refunded | RefundReversed):
            return _made_at_provider(standing, payment, fact, arrival, now)
        return set_aside(Outcome.LATE, payment, arrival)
    match _answer(refund, fact):
        case Next(status):
            moved = replace(refund, status=status, updated_at=now)
            payment = replace(payment, updated_at=now)
            if refund.status is RefundStatus.PENDING:
                pending = payment.refund_pending - refund.amount
                payment = replace(payment, refund_pending=pending)
                return _end(standing, payment, moved, fact, arrival)
            return _take_back(payment, moved, fact, arrival)
        case Outcome.ALREADY_SO:
            return Verdict(Outcome.ALREADY_SO)
        case outcome:
            return set_aside(outcome, payment, arrival)


def _answer(refund: Refund, fact: RefundFact) -> Answer[RefundStatus]:
    """Return the outcome of a fact about a known refund.

    The report of the success of a refund at the provider is late if the provider took it back.
    """
    told = fact.amount if isinstance(fact, Refunded | RefundReversed) else None
    if told is not None and told != Money(refund.amount, refund.currency):
        return Outcome.AMOUNT_MISMATCH
    has_failed = refund.origin is RefundOrigin.PROVIDER and refund.status is RefundStatus.FAILED
    if isinstance(fact, Refunded) and has_failed:
        return Outcome.LATE
    return answer_refund(refund.status, fact)


def _made_at_provider(
    standing: Standing,
    payment: Payment,
    fact: Refunded | RefundReversed,
    arrival: Arrival,
    now: datetime,
) -> Verdict:
    """Return the verdict on a refund that was made at the provider, perhaps on its own pages.

    A refund by us that is still open may be refused because of it. Until then, both together may
    exceed the captured amount, so the fact waits.
    """
    capture = named_capture(arrival)
    if capture is None or standing.effects.get(capture) != payment.id:
        return Verdict(Outcome.PREMATURE)
    amount = fact.amount.amount
    left = payment.kept + payment.refund_pending
    if fact.amount.currency != payment.order.terms.amount.currency or amount > left:
        return set_aside(Outcome.AMOUNT_MISMATCH, payment, arrival)
    account_id = arrival.provider_account_id
    refund = provider_refund(account_id, fact.reference, payment, amount, capture.reference, now)
    named = ids.render("refund", refund.id)
    if isinstance(fact, RefundReversed):
        failed = replace(refund, status=RefundStatus.FAILED, failure_code=fact.code)
        change = change_of(PaymentAction.REFUND_FAILED, payment, arrival, refund=named)
        return Verdict(Outcome.APPLIED, payment, failed, made=True, change=change)
    if amount > payment.kept:
        return Verdict(Outcome.PREMATURE)
    payment = replace(payment, refunded=payment.refunded + amount, updated_at=now)
    key = EffectKey(account_id, EffectKind.REFUNDED, fact.reference)
    return Verdict(
        Outcome.APPLIED,
        payment,
        refund,
        made=True,
        effect=Effect(key, payment, fact.amount, capture.reference, refund_id=refund.id),
        change=change_of(PaymentAction.REFUNDED, payment, arrival, refund=named),
    )


def _end(
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
                effect=Effect(
                    key,
                    payment,
                    amount,
                    refund.capture_reference,
                    hold_id=refund.hold_id,
                    refund_id=refund.id,
                ),
                change=change_of(PaymentAction.REFUNDED, payment, arrival),
            )
        case RefundFailed(code=code) | RefundReversed(code=code) | NotSent(code=code):
            not_sent = isinstance(fact, NotSent)
            ending = OperationOutcome.FAILED if not_sent else OperationOutcome.DECLINED
            return Verdict(
                Outcome.APPLIED,
                payment,
                replace(refund, failure_code=code),
                settled=_settled(standing, refund, ending, code),
                released=refund.hold_id,
                change=change_of(PaymentAction.REFUND_FAILED, payment, arrival),
            )


def _take_back(payment: Payment, refund: Refund, fact: RefundFact, arrival: Arrival) -> Verdict:
    """Return the verdict on the fact that took a refund's success back: the money is here again."""
    assert isinstance(fact, RefundReversed)  # noqa: S101 - no other fact changes a refund that ended
    payment = replace(payment, refunded=payment.refunded - refund.amount)
    key = EffectKey(arrival.provider_account_id, EffectKind.REFUND_REVERSED, fact.reference)
    named = ids.render("refund", refund.id)
    return Verdict(
        Outcome.APPLIED,
        payment,
        replace(refund, failure_code=fact.code),
        effect=Effect(key, payment, fact.amount, refund.capture_reference, refund_id=refund.id),
        change=change_of(PaymentAction.REFUND_REVERSED, payment, arrival, refund=named),
    )


def _settled(
    standing: Standing, refund: Refund, outcome: OperationOutcome, code: FailureCode | None = None
) -> tuple[OperationEnd, ...]:
    return tuple(
        OperationEnd(refund.payment_id, one.id, outcome, code)
        for one in standing.operations.get(refund.payment_id, ())
        if one.refund_id == refund.id
    )
