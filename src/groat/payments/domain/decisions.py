"""What comes of facts: the one place where a payment moves. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, assert_never

from groat.audit.domain.record import Cause, Change, Scalar
from groat.kernel import ids
from groat.kernel.ids import PaymentId, ProviderAccountId
from groat.payments.domain.lifecycle import Next, Standing, answer
from groat.payments.domain.payment import OperationOutcome, Payment
from groat.providers.domain.facts import Captured, Declined, Fact, NeverSent, Pending

PROVIDER_UNREACHABLE = "provider_unreachable"
ENGINE = "engine"
"""The actor of what nobody told us: we know it ourselves."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A fact that has come in. ``cause`` names the operation or the webhook event it came with.

    ``payment_id`` is None where the provider's reference led to no payment of ours.
    """

    provider_account_id: ProviderAccountId
    payment_id: PaymentId | None
    provider_reference: str | None
    fact: Fact
    cause: Cause


class Outcome(StrEnum):
    """What became of a fact."""

    APPLIED = "applied"
    ALREADY_SO = "already_so"
    LATE = "late"
    UNKNOWN_PAYMENT = "unknown_payment"
    AMOUNT_MISMATCH = "amount_mismatch"
    CONTRADICTION = "contradiction"


QUARANTINED = frozenset({Outcome.AMOUNT_MISMATCH, Outcome.CONTRADICTION})
"""Money may have moved in a way that we cannot account for; nothing is posted."""


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
    match arrival.fact:
        case Captured(reference=reference):
            return EffectKey(arrival.provider_account_id, "captured", reference)
        case Declined() | Pending() | NeverSent():
            return None
        case _:
            assert_never(arrival.fact)


def decide(
    payments: Mapping[PaymentId, Payment],
    known_effects: Collection[EffectKey],
    arrivals: Sequence[Arrival],
    now: datetime,
) -> Iterator[Verdict]:
    """Yield a verdict for each arrival, in order, each seeing what the ones before it did.

    ``known_effects`` are those of the arrivals' effects that were applied before.
    """
    standing, known = dict(payments), set(known_effects)
    for arrival in arrivals:
        payment = None if arrival.payment_id is None else standing.get(arrival.payment_id)
        if payment is None or payment.order.provider_account_id != arrival.provider_account_id:
            yield Verdict(Outcome.UNKNOWN_PAYMENT)
            continue
        verdict = _decide_one(payment, known, arrival, now)
        if verdict.payment is not None:
            standing[payment.id] = verdict.payment
        if verdict.effect is not None:
            known.add(verdict.effect.key)
        yield verdict


def _decide_one(
    payment: Payment, known: Collection[EffectKey], arrival: Arrival, now: datetime
) -> Verdict:
    if effect_key(arrival) in known:
        return Verdict(Outcome.ALREADY_SO)
    if isinstance(arrival.fact, Captured) and arrival.fact.amount != payment.order.amount:
        return _set_aside(Outcome.AMOUNT_MISMATCH, payment, arrival)
    match answer(payment.status, arrival.fact):
        case Next(status):
            moved = replace(payment, status=status, version=payment.version + 1, updated_at=now)
            return _apply(moved, arrival)
        case Standing.ALREADY_SO:
            return Verdict(Outcome.ALREADY_SO)
        case Standing.LATE:
            return _set_aside(Outcome.LATE, payment, arrival)
        case Standing.CONTRADICTION:
            return _set_aside(Outcome.CONTRADICTION, payment, arrival)


def _apply(moved: Payment, arrival: Arrival) -> Verdict:
    """Return the verdict on a fact that has taken a payment to its new status."""
    key = effect_key(arrival)
    match arrival.fact:
        case Captured(amount=amount):
            assert key is not None  # noqa: S101
            paid = replace(moved, captured=moved.captured + amount.amount)
            effect = Effect(key, paid, amount.amount)
            change = _change("payment.captured", paid, arrival)
            return Verdict(Outcome.APPLIED, paid, OperationOutcome.SUCCEEDED, effect, change)
        case Declined(code):
            failed = replace(moved, failure_code=code)
            change = _change("payment.declined", failed, arrival)
            return Verdict(Outcome.APPLIED, failed, OperationOutcome.DECLINED, change=change)
        case NeverSent():
            failed = replace(moved, failure_code=PROVIDER_UNREACHABLE)
            change = _change("payment.not_sent", failed, arrival)
            return Verdict(Outcome.APPLIED, failed, OperationOutcome.FAILED, change=change)
        case Pending():
            return Verdict(
                Outcome.APPLIED, moved, change=_change("payment.pending", moved, arrival)
            )
        case _:
            assert_never(arrival.fact)


def _set_aside(outcome: Outcome, payment: Payment, arrival: Arrival) -> Verdict:
    """Return the verdict on a fact that is recorded and changes nothing."""
    action = "payment.fact_quarantined" if outcome in QUARANTINED else "payment.fact_late"
    return Verdict(outcome, change=_change(action, payment, arrival, reason=outcome.value))


def _change(action: str, payment: Payment, arrival: Arrival, **more: Scalar) -> Change:
    data: dict[str, Scalar] = {"status": payment.status.value, **_figures(arrival.fact), **more}
    if arrival.provider_reference is not None:
        data["provider_reference"] = arrival.provider_reference
    return Change(action, "payment", payment.id, _told_by(arrival), arrival.cause, data)


def _told_by(arrival: Arrival) -> str:
    if isinstance(arrival.fact, NeverSent):
        return ENGINE
    return ids.render("provider_account", arrival.provider_account_id)


def _figures(fact: Fact) -> dict[str, Scalar]:
    match fact:
        case Captured(reference, amount):
            return {
                "amount": amount.amount,
                "currency": amount.currency,
                "effect": reference,
            }
        case Declined(code):
            return {"failure_code": code}
        case Pending() | NeverSent():
            return {}
        case _:
            assert_never(fact)
