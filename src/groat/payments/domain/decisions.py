"""What comes of facts: the one place where a payment moves. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from groat.audit.domain.record import Cause, Change, Scalar
from groat.kernel import ids
from groat.kernel.ids import PaymentId, ProviderAccountId
from groat.payments.domain.lifecycle import QUARANTINED, Next, Outcome, answer
from groat.payments.domain.payment import OperationOutcome, Payment
from groat.providers.domain.facts import Captured, Declined, Fact, NotSent, Report

ENGINE = "engine"
"""The actor of what nobody told us: we know it ourselves."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A report that has come in. ``cause`` is the operation or the webhook event it came with.

    ``told_by`` is who says so where that is neither the provider nor we ourselves.
    """

    provider_account_id: ProviderAccountId
    report: Report
    cause: Cause
    told_by: str | None = None


class EffectKey(NamedTuple):
    """What makes an effect happen once: not the event's id, since two events may describe it."""

    provider_account_id: ProviderAccountId
    kind: str
    reference: str


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that happened at a provider, once, and is to be posted, once."""

    key: EffectKey
    payment: Payment
    amount: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one arrival: the payment as it is then, and what to write because of it."""

    outcome: Outcome
    payment: Payment | None = None
    operation: OperationOutcome | None = None
    effect: Effect | None = None
    change: Change | None = None


def effect_key(arrival: Arrival) -> EffectKey | None:
    """Return the key of the effect that the arrival would have, None if it moves no money."""
    match arrival.report.fact:
        case Captured(reference=reference):
            return EffectKey(arrival.provider_account_id, "captured", reference)
        case Declined() | NotSent():
            return None


def decide(
    payments: Mapping[PaymentId, Payment],
    known_effects: Mapping[EffectKey, PaymentId],
    arrivals: Sequence[Arrival],
    now: datetime,
) -> Iterator[Verdict]:
    """Yield a verdict for each arrival, in order, each seeing what the ones before it did.

    ``known_effects`` are those of the arrivals' effects that were applied before, and to what.
    """
    standing, known = dict(payments), dict(known_effects)
    for arrival in arrivals:
        told_of = arrival.report.payment_id
        payment = None if told_of is None else standing.get(told_of)
        if payment is None or payment.order.provider_account_id != arrival.provider_account_id:
            yield Verdict(Outcome.UNKNOWN_PAYMENT)
            continue
        verdict = _decide_one(payment, known, arrival, now)
        if verdict.payment is not None:
            standing[payment.id] = verdict.payment
        if verdict.effect is not None:
            known[verdict.effect.key] = payment.id
        yield verdict


def _decide_one(
    payment: Payment, known: Mapping[EffectKey, PaymentId], arrival: Arrival, now: datetime
) -> Verdict:
    fact = arrival.report.fact
    key = effect_key(arrival)
    if key is not None and key in known:
        if known[key] == payment.id:
            return Verdict(Outcome.ALREADY_SO)
        return _set_aside(Outcome.CONTRADICTION, payment, arrival)
    if isinstance(fact, Captured) and fact.amount != payment.order.amount:
        return _set_aside(Outcome.AMOUNT_MISMATCH, payment, arrival)
    match answer(payment.status, fact):
        case Next(status):
            return _apply(replace(payment, status=status, updated_at=now), arrival)
        case Outcome.ALREADY_SO:
            return Verdict(Outcome.ALREADY_SO)
        case outcome:
            return _set_aside(outcome, payment, arrival)


def _apply(moved: Payment, arrival: Arrival) -> Verdict:
    """Return the verdict on a fact that has taken a payment to its new status."""
    match arrival.report.fact:
        case Captured(reference, amount):
            paid = replace(moved, captured=moved.captured + amount.amount)
            key = EffectKey(arrival.provider_account_id, "captured", reference)
            return _moved(
                "payment.captured",
                paid,
                OperationOutcome.SUCCEEDED,
                arrival,
                Effect(key, paid, amount.amount),
            )
        case Declined(code):
            failed = replace(moved, failure_code=code)
            return _moved("payment.declined", failed, OperationOutcome.DECLINED, arrival)
        case NotSent(code):
            failed = replace(moved, failure_code=code)
            return _moved("payment.not_sent", failed, OperationOutcome.FAILED, arrival)


def _moved(
    action: str,
    payment: Payment,
    operation: OperationOutcome,
    arrival: Arrival,
    effect: Effect | None = None,
) -> Verdict:
    change = _change(action, payment, arrival)
    return Verdict(Outcome.APPLIED, payment, operation, effect, change)


def _set_aside(outcome: Outcome, payment: Payment, arrival: Arrival) -> Verdict:
    """Return the verdict on a fact that is recorded and changes nothing."""
    action = "payment.fact_quarantined" if outcome in QUARANTINED else "payment.fact_late"
    return Verdict(outcome, change=_change(action, payment, arrival, reason=outcome.value))


def _change(action: str, payment: Payment, arrival: Arrival, **more: Scalar) -> Change:
    report = arrival.report
    data: dict[str, Scalar] = {"status": payment.status.value, **_figures(report.fact), **more}
    if report.provider_reference is not None:
        data["provider_reference"] = report.provider_reference
    return Change(action, "payment", payment.id, _told_by(arrival), arrival.cause, data)


def _told_by(arrival: Arrival) -> str:
    if arrival.told_by is not None:
        return arrival.told_by
    if isinstance(arrival.report.fact, NotSent):
        return ENGINE
    return ids.render("provider_account", arrival.provider_account_id)


def _figures(fact: Fact) -> dict[str, Scalar]:
    match fact:
        case Captured(reference, amount):
            return {"amount": amount.amount, "currency": amount.currency, "effect": reference}
        case Declined(code):
            return {"failure_code": code.value}
        case NotSent(code, reason):
            return {"failure_code": code.value, "detail": reason}
