"""Decide facts about payments themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from groat.audit.domain.record import Scalar
from groat.kernel import ids
from groat.kernel.moments import storable
from groat.kernel.money import Money
from groat.kernel.value import Value, replace
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.changes import change_of
from groat.payments.domain.lifecycle import TERMINAL, Next, Outcome, Status, answer, told
from groat.payments.domain.operation import (
    SETTLES,
    Operation,
    OperationKind,
    OperationOutcome,
    after,
    end_by_status,
)
from groat.payments.domain.payment import Payment
from groat.payments.domain.standing import (
    Arrival,
    EffectKey,
    EffectKind,
    Standing,
    reversed_key,
)
from groat.payments.domain.verdict import Effect, OperationEnd, Verdict, set_aside
from groat.providers.domain.facts import (
    Approved,
    Authorized,
    Canceled,
    Captured,
    CaptureReturned,
    Declined,
    Expired,
    NotSent,
    PaymentFact,
    Processing,
    RequiresAction,
)
from groat.routing.domain.route import Route


class _Case(Value):
    """A fact about a payment, with all that its decision depends on."""

    standing: Standing
    payment: Payment
    fact: PaymentFact
    arrival: Arrival
    now: datetime

    @property
    def failed(self) -> Operation | None:
        """The open authorization, which a failure ends."""
        return self.standing.open_operation(self.payment.id, OperationKind.AUTHORIZE)

    def unmoved(self, outcome: Outcome) -> Verdict:
        return unmoved(self.standing, outcome, self.payment, self.arrival)


def decide_payment(
    standing: Standing, payment: Payment, fact: PaymentFact, arrival: Arrival, now: datetime
) -> Verdict:
    """Return the verdict on a fact about a payment.

    Even a fact that is set aside may bring the provider's id of the payment, which is kept.
    """
    case = _Case(standing, payment, fact, arrival, now)
    verdict = _decide(case)
    if verdict.payment is None and _brings_reference(case):
        named = arrival.report.provider_reference
        taught = replace(payment, provider_reference=named, updated_at=now)
        return replace(verdict, payment=taught)
    return verdict


def _decide(case: _Case) -> Verdict:
    """Return the verdict of the first rule that applies, or else of the lifecycle table."""
    payment, fact = case.payment, case.fact
    for rule in _RULES:
        verdict = rule(case)
        if verdict is not None:
            return verdict
    match answer(payment.status, fact):
        case Next(status):
            return _move(case, status)
        case Outcome.ALREADY_SO if _brings_reference(case):
            return _move(case, payment.status)
        case outcome:
            return case.unmoved(outcome)


def _brings_reference(case: _Case) -> bool:
    """Return whether a fact brings the provider's id of a payment that has none yet.

    With that id the payment can be looked up later, even if the fact changes nothing else.
    """
    payment, named = case.payment, case.arrival.report.provider_reference
    return (
        named is not None
        and payment.provider_reference is None
        and payment.status not in {*TERMINAL, Status.CREATED}
    )


def _no_to_command(case: _Case) -> Verdict | None:
    """Decide a refused capture or cancellation: the payment does not change."""
    fact, payment = case.fact, case.payment
    asked = case.standing.answered(payment.id, case.arrival)
    if not isinstance(fact, Declined | NotSent) or asked is None:
        return None
    if asked.kind is OperationKind.AUTHORIZE:
        return None
    declined = isinstance(fact, Declined)
    outcome = OperationOutcome.DECLINED if declined else OperationOutcome.FAILED
    action = _REFUSED[asked.kind, declined]
    return Verdict(
        Outcome.APPLIED,
        settled=(OperationEnd(payment.id, asked.id, outcome, fact.code),),
        change=change_of(action, payment, case.arrival),
    )


def _known_authorization(case: _Case) -> Verdict | None:
    """Decide an authorization that was applied before: it changes nothing."""
    fact = case.fact
    if isinstance(fact, Authorized) and fact.reference == case.payment.authorization_reference:
        return case.unmoved(Outcome.ALREADY_SO)
    return None


def _being_canceled(case: _Case) -> Verdict | None:
    """Decide a customer's approval of a payment that is being canceled: it comes too late."""
    canceling = case.standing.open_operation(case.payment.id, OperationKind.CANCEL)
    if isinstance(case.fact, Approved) and canceling is not None:
        return case.unmoved(Outcome.LATE)
    return None


def _fall_back(case: _Case) -> Verdict | None:
    """Decide a failure after which the payment falls back to its next provider account.

    Only failures that the rule names cause a fallback, and only within the rule's time. An unknown
    outcome is no fact, so it never causes one: the customer could be charged twice.
    """
    fact, payment = case.fact, case.payment
    further, failed = _further(case), case.failed
    if not isinstance(fact, Declined | NotSent) or further is None or failed is None:
        return None
    if _is_too_late_for(further, case):
        return None
    order = replace(payment.order, route=further)
    gone_on = replace(payment, order=order, provider_reference=None, updated_at=case.now)
    begun = after(failed)
    next_account = ids.render("provider_account", order.provider_account_id)
    return Verdict(
        Outcome.APPLIED,
        gone_on,
        settled=(OperationEnd(payment.id, failed.id, SETTLES[failed.kind, told(fact)], fact.code),),
        begun=begun,
        change=change_of(
            PaymentAction.FELL_BACK,
            gone_on,
            case.arrival,
            next=next_account,
            operation=ids.render("operation", begun.id),
            amount=begun.amount,
        ),
    )


def _further(case: _Case) -> Route | None:
    """Return the route at its next leg, None if the fact allows no fallback."""
    fact, payment = case.fact, case.payment
    if not isinstance(fact, Declined | NotSent) or case.failed is None:
        return None
    return payment.order.route.after(fact.code) if payment.status is Status.PROCESSING else None


def _is_too_late_for(route: Route, case: _Case) -> bool:
    """Return whether the rule's time is over: a customer who has left is not charged elsewhere."""
    return case.now - case.payment.created_at > route.fallback_within


def _returned(case: _Case) -> Verdict | None:
    """Decide that the bank returned a capture. The payment fails if nothing of it is left."""
    fact, payment = case.fact, case.payment
    if not isinstance(fact, CaptureReturned) or not payment.captured:
        return None
    taken = reversed_key(case.arrival)
    if taken is None or case.standing.effects.get(taken) != payment.id:
        return Verdict(Outcome.PREMATURE)
    left = payment.captured - payment.returned
    if fact.amount.currency != payment.order.terms.amount.currency or fact.amount.amount > left:
        return set_aside(Outcome.AMOUNT_MISMATCH, payment, case.arrival)
    ends = payment.status is Status.SUCCEEDED and fact.amount.amount == left
    return _move(case, Status.FAILED if ends else payment.status)


def _doubtful(case: _Case) -> Verdict | None:
    """Decide a fact whose amount contradicts the payment: it is set aside."""
    doubt = _doubt(case.standing, case.payment, case.fact)
    return None if doubt is None else set_aside(doubt, case.payment, case.arrival)


def _doubt(standing: Standing, payment: Payment, fact: PaymentFact) -> Outcome | None:
    """Return why an amount contradicts the payment, None if it does not.

    Either it differs from the requested amount, or the captures together exceed it. A capture
    without an operation of ours was made on the provider's own pages, and may be partial.
    """
    order = payment.order
    match fact:
        case Authorized(amount=amount) if amount != order.terms.amount:
            return Outcome.AMOUNT_MISMATCH
        case Authorized() if payment.authorization_reference is not None:
            return Outcome.CONTRADICTION
        case Captured(amount=amount):
            return _doubt_of_capture(standing, payment, amount)
        case _:
            return None


def _doubt_of_capture(standing: Standing, payment: Payment, amount: Money) -> Outcome | None:
    order = payment.order
    if amount.currency != order.terms.amount.currency or not amount.amount:
        return Outcome.AMOUNT_MISMATCH
    capture = standing.open_operation(payment.id, OperationKind.CAPTURE)
    wanted = order.terms.amount.amount if capture is None else capture.amount
    in_part = capture is None and order.terms.capture_method == "manual"
    if amount.amount > wanted or (amount.amount < wanted and not in_part):
        return Outcome.AMOUNT_MISMATCH
    if payment.captured + amount.amount > order.terms.amount.amount:
        return Outcome.CONTRADICTION
    return None


def unmoved(standing: Standing, outcome: Outcome, payment: Payment, arrival: Arrival) -> Verdict:
    """Return the verdict on a fact that leaves the payment as it is but may end an operation."""
    settled = tuple(_settled_by_end(standing, payment, arrival))
    if outcome is Outcome.ALREADY_SO:
        return Verdict(outcome, settled=settled)
    return set_aside(outcome, payment, arrival, settled)


def _settled_by_end(
    standing: Standing, payment: Payment, arrival: Arrival
) -> Iterator[OperationEnd]:
    """Yield the operation that a fact answers, if its payment has a terminal status.

    A capture does not end a capture operation here: it may be an earlier capture, which proves
    nothing about this one.
    """
    answered = standing.answered(payment.id, arrival)
    if answered is None or answered.kind is OperationKind.REFUND:
        return
    if answered.kind is OperationKind.CAPTURE and isinstance(arrival.report.fact, Captured):
        return
    if payment.status in TERMINAL:
        yield OperationEnd(payment.id, answered.id, end_by_status(answered.kind, payment.status))


def _move(case: _Case, status: Status) -> Verdict:
    """Return the verdict on a fact that moves its payment to ``status``."""
    fact, arrival = case.fact, case.arrival
    payment = _moved(case, status)
    effect, resumed = None, None
    match fact:
        case Captured(reference, amount):
            key = EffectKey(arrival.provider_account_id, EffectKind.CAPTURED, reference)
            effect = Effect(key, payment, amount, reference)
        case CaptureReturned(reference, amount) if payment.captured:
            key = EffectKey(arrival.provider_account_id, EffectKind.CAPTURE_RETURNED, reference)
            effect = Effect(key, payment, amount, reference)
        case Approved():
            waiting = case.standing.open_operation(payment.id, OperationKind.AUTHORIZE)
            resumed = None if waiting is None else waiting.id
        case _:
            pass
    return Verdict(
        Outcome.APPLIED,
        payment,
        settled=_settled(case.standing, payment, fact, arrival),
        resumed=resumed,
        effect=effect,
        change=change_of(_action(case), payment, arrival, **_reasons(case)),
    )


def _action(case: _Case) -> PaymentAction:
    """Return the audit action of a fact. A debit that fails before it succeeds is declined."""
    if isinstance(case.fact, CaptureReturned) and not case.payment.captured:
        return PaymentAction.DECLINED
    return _ACTIONS[type(case.fact)]


def _reasons(case: _Case) -> dict[str, Scalar]:
    """Return that the fallback came too late, if only the rule's time prevented it."""
    further = _further(case)
    if further is None or not _is_too_late_for(further, case):
        return {}
    return {"fallback": "too_late"}


def _moved(case: _Case, status: Status) -> Payment:
    """Return the payment after the fact.

    A payment that lapses after a partial capture has succeeded with the captured part.
    """
    payment, fact = case.payment, case.fact
    moved = replace(
        payment,
        status=status,
        updated_at=case.now,
        provider_reference=payment.provider_reference or case.arrival.report.provider_reference,
        next_action_url=None,
    )
    match fact:
        case RequiresAction(url):
            moved = replace(moved, next_action_url=url)
        case Authorized(reference, amount, expires_at):
            moved = replace(
                moved,
                authorized=amount.amount,
                authorization_reference=reference,
                authorization_expires_at=storable(expires_at),
            )
        case Captured(_, amount):
            captured = payment.captured + amount.amount
            moved = replace(moved, captured=captured, authorized=payment.order.terms.amount.amount)
        case CaptureReturned(_, amount, code):
            returned = payment.returned + amount.amount if payment.captured else 0
            failure = code if status is Status.FAILED else payment.failure_code
            moved = replace(moved, returned=returned, failure_code=failure)
        case Declined(code) | NotSent(code):
            moved = replace(moved, failure_code=code)
        case Canceled() | Expired() if payment.captured:
            moved = replace(moved, status=Status.SUCCEEDED)
        case Canceled() | Expired():
            moved = replace(moved, authorized=0)
        case Approved() | Processing():
            pass
        case _:
            assert_never(fact)
    return moved


def _settled(
    standing: Standing, payment: Payment, fact: PaymentFact, arrival: Arrival
) -> tuple[OperationEnd, ...]:
    """Return the open operations that a fact ends: by its kind, or as the answer to one."""
    ended_by_fact = {
        one.id: OperationEnd(
            payment.id, one.id, SETTLES[one.kind, told(fact)], payment.failure_code
        )
        for one in standing.operations.get(payment.id, ())
        if (one.kind, told(fact)) in SETTLES
    }
    ended_by_end = {one.operation_id: one for one in _settled_by_end(standing, payment, arrival)}
    return tuple((ended_by_end | ended_by_fact).values())


_RULES = (
    _no_to_command,
    _known_authorization,
    _being_canceled,
    _fall_back,
    _returned,
    _doubtful,
)
"""The rules that come before the lifecycle table, in their order."""

_REFUSED = {
    (OperationKind.CAPTURE, True): PaymentAction.CAPTURE_DECLINED,
    (OperationKind.CAPTURE, False): PaymentAction.CAPTURE_NOT_SENT,
    (OperationKind.CANCEL, True): PaymentAction.CANCEL_DECLINED,
    (OperationKind.CANCEL, False): PaymentAction.CANCEL_NOT_SENT,
}
"""Audit actions of a capture or a cancellation that was declined, or was not sent."""

_ACTIONS: dict[type[PaymentFact], PaymentAction] = {
    RequiresAction: PaymentAction.REQUIRES_ACTION,
    Approved: PaymentAction.APPROVED,
    Processing: PaymentAction.PROCESSING,
    Authorized: PaymentAction.AUTHORIZED,
    Captured: PaymentAction.CAPTURED,
    CaptureReturned: PaymentAction.CAPTURE_RETURNED,
    Declined: PaymentAction.DECLINED,
    NotSent: PaymentAction.NOT_SENT,
    Canceled: PaymentAction.CANCELED,
    Expired: PaymentAction.EXPIRED,
}
"""The last part of the audit action of each fact, as in ``payment.captured``."""
