"""Decide facts about payments themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from groat.audit.domain.record import Scalar
from groat.kernel import ids
from groat.kernel.money import Money
from groat.kernel.value import Value, replace
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.changes import change_of
from groat.payments.domain.lifecycle import (
    TERMINAL,
    FactKind,
    Next,
    Outcome,
    Status,
    answer,
    told,
)
from groat.payments.domain.operation import (
    SETTLES,
    Operation,
    OperationKind,
    OperationOutcome,
    after,
    end_by_status,
    ending,
)
from groat.payments.domain.payment import Payment
from groat.payments.domain.progress import after_fact, with_failure
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

    @property
    def kind(self) -> FactKind:
        """The kind of the fact. A debit that fails before it has succeeded is a decline."""
        match self.fact:
            case CaptureReturned() if self.payment.captured:
                return FactKind.CAPTURE_RETURNED
            case Declined(code=code) | CaptureReturned(code=code):
                ends = self.payment.ends_after(code)
                return FactKind.DECLINED_FINALLY if ends else FactKind.DECLINED
            case fact:
                return told(fact)

    @property
    def is_of_earlier_attempt(self) -> bool:
        """Whether the fact is about an attempt before the present one.

        The provider may return the id of the attempt's operation. If it does not, the provider's id
        of the payment tells attempts apart.
        """
        report, payment = self.arrival.report, self.payment
        if report.operation_id is not None and self.failed is not None:
            return report.operation_id != self.failed.id
        if report.provider_reference is None:
            return False
        if payment.provider_reference is None:
            return report.provider_reference == payment.declined_reference
        return report.provider_reference != payment.provider_reference

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
    if verdict.payment is None and _brings_reference(case) and not case.is_of_earlier_attempt:
        named = arrival.report.provider_reference
        taught = replace(payment, provider_reference=named, updated_at=now)
        return replace(verdict, payment=taught)
    return verdict


def _decide(case: _Case) -> Verdict:
    """Return the verdict of the first rule that applies, or else of the lifecycle table."""
    payment = case.payment
    for rule in _RULES:
        verdict = rule(case)
        if verdict is not None:
            return verdict
    match answer(payment.status, case.kind):
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
    if isinstance(fact, Declined):
        words = fact.decline_code, fact.message
        end = OperationEnd(payment.id, asked.id, OperationOutcome.DECLINED, fact.code, *words)
    else:
        end = OperationEnd(payment.id, asked.id, OperationOutcome.FAILED, fact.code)
    action = _REFUSED[asked.kind, isinstance(fact, Declined)]
    return Verdict(Outcome.APPLIED, settled=(end,), change=change_of(action, payment, case.arrival))


def _late_attempt(case: _Case) -> Verdict | None:
    """Decide a fact about an earlier attempt: it is late, unless it moved money.

    Example: the first card is declined, the second one is being charged, and only now the webhook
    of the decline arrives.
    """
    moved = isinstance(case.fact, Authorized | Captured) or case.kind is FactKind.CAPTURE_RETURNED
    if moved or case.payment.status in TERMINAL or not case.is_of_earlier_attempt:
        return None
    return case.unmoved(Outcome.LATE)


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
    gone_on = replace(
        payment,
        order=order,
        provider_reference=None,
        declined_reference=None,
        declined_open=False,
        updated_at=case.now,
    )
    begun = after(failed)
    next_account = ids.render("provider_account", order.provider_account_id)
    return Verdict(
        Outcome.APPLIED,
        gone_on,
        settled=(_end(failed, SETTLES[failed.kind, told(fact)], with_failure(payment, fact)),),
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
    canceled = isinstance(arrival.report.fact, Canceled) and payment.status is Status.FAILED
    if answered.kind is OperationKind.CANCEL and canceled:
        yield OperationEnd(payment.id, answered.id, OperationOutcome.SUCCEEDED)
    elif payment.status in TERMINAL:
        yield OperationEnd(payment.id, answered.id, end_by_status(answered.kind, payment.status))


def _move(case: _Case, status: Status) -> Verdict:
    """Return the verdict on a fact that moves its payment to ``status``."""
    fact, arrival = case.fact, case.arrival
    reference = arrival.report.provider_reference
    payment = after_fact(case.payment, fact, status, reference, case.now)
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
    begun = _ending(case, payment)
    more = _asked(begun, payment)
    return Verdict(
        Outcome.APPLIED,
        payment,
        settled=_settled(case, payment),
        resumed=resumed,
        begun=begun,
        effect=effect,
        change=change_of(_action(case), payment, arrival, **_reasons(case), **more),
    )


def _ending(case: _Case, payment: Payment) -> Operation | None:
    """Return the operation that cancels a failed payment which its provider keeps open, if any.

    Otherwise money could still arrive for a payment that has ended here.
    """
    failed = case.failed
    is_over = case.kind is FactKind.DECLINED_FINALLY and payment.declined_open
    canceling = case.standing.open_operation(payment.id, OperationKind.CANCEL)
    return ending(failed) if is_over and failed is not None and canceling is None else None


def _asked(begun: Operation | None, payment: Payment) -> dict[str, Scalar]:
    """Return the fields of the audit record about the operation that a fact begins."""
    if begun is None:
        return {}
    return {
        "operation": ids.render("operation", begun.id),
        "amount": begun.amount,
        "provider_account": ids.render("provider_account", payment.order.provider_account_id),
    }


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


def _end(operation: Operation, outcome: OperationOutcome, payment: Payment) -> OperationEnd:
    """Return the end of an operation, with the reasons of its payment's failure."""
    words = payment.decline_code, payment.provider_message
    return OperationEnd(payment.id, operation.id, outcome, payment.failure_code, *words)


def _settled(case: _Case, payment: Payment) -> tuple[OperationEnd, ...]:
    """Return the open operations that a fact ends: by its kind, or as the answer to one."""
    kind, standing = case.kind, case.standing
    ended_by_fact = {
        one.id: _end(one, SETTLES[one.kind, kind], payment)
        for one in standing.operations.get(payment.id, ())
        if (one.kind, kind) in SETTLES
    }
    ended = _settled_by_end(standing, payment, case.arrival)
    return tuple(({one.operation_id: one for one in ended} | ended_by_fact).values())


_RULES = (
    _no_to_command,
    _late_attempt,
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
