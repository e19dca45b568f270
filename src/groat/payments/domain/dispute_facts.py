"""Decide facts about disputes. Pure."""

from __future__ import annotations

from datetime import datetime

from groat.kernel.value import replace
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.changes import change_of
from groat.payments.domain.dispute import Dispute, dispute_id
from groat.payments.domain.lifecycle import DisputeStatus, Next, Outcome, answer_dispute
from groat.payments.domain.payment import Payment
from groat.payments.domain.standing import Arrival, Standing, effect_key
from groat.payments.domain.verdict import Effect, Verdict, set_aside
from groat.providers.domain.facts import (
    DisputeClosed,
    DisputeFact,
    DisputeOpened,
    DisputeReinstated,
    DisputeUnderReview,
    DisputeWithdrawn,
)


def decide_dispute(
    standing: Standing, payment: Payment, fact: DisputeFact, arrival: Arrival, now: datetime
) -> Verdict:
    """Return the verdict on a fact about a dispute of ``payment``."""
    if fact.amount.currency != payment.order.terms.amount.currency:
        return set_aside(Outcome.AMOUNT_MISMATCH, payment, arrival)
    known = standing.disputes.get(dispute_id(arrival.provider_account_id, fact.reference))
    match answer_dispute(None if known is None else known.status, fact):
        case Next(status):
            dispute = known or _new(payment, fact, arrival, now)
            dispute = replace(dispute, status=status, updated_at=now)
            return _move(replace(payment, updated_at=now), dispute, fact, arrival)
        case (Outcome.ALREADY_SO | Outcome.PREMATURE) as outcome:
            return Verdict(outcome)
        case outcome:
            return set_aside(outcome, payment, arrival)


def _new(payment: Payment, fact: DisputeFact, arrival: Arrival, now: datetime) -> Dispute:
    return Dispute(
        dispute_id(arrival.provider_account_id, fact.reference),
        payment.id,
        arrival.provider_account_id,
        fact.reference,
        DisputeStatus.NEEDS_RESPONSE,
        fact.amount.amount,
        fact.amount.currency,
        withdrawn=0,
        reinstated=0,
        shortfall=0,
        created_at=now,
        updated_at=now,
    )


def _move(payment: Payment, dispute: Dispute, fact: DisputeFact, arrival: Arrival) -> Verdict:
    """Return the verdict on a fact; ``dispute`` already has the status that the fact gives it."""
    amount = fact.amount.amount
    shortfall = 0
    match fact:
        case DisputeWithdrawn():
            if payment.disputed + amount > payment.captured:
                return set_aside(Outcome.AMOUNT_MISMATCH, payment, arrival)
            payment = replace(payment, disputed=payment.disputed + amount)
            dispute = replace(dispute, withdrawn=amount, shortfall=None)
        case DisputeReinstated():
            if not dispute.withdrawn or dispute.shortfall is None:
                return Verdict(Outcome.PREMATURE)
            if amount > dispute.withdrawn:
                return set_aside(Outcome.AMOUNT_MISMATCH, payment, arrival)
            shortfall = min(dispute.shortfall, amount)
            payment = replace(payment, disputed=payment.disputed - amount)
            dispute = replace(dispute, reinstated=amount)
        case DisputeOpened() | DisputeUnderReview() | DisputeClosed():
            pass
    key = effect_key(arrival)
    return Verdict(
        Outcome.APPLIED,
        payment,
        dispute=dispute,
        effect=None
        if key is None
        else Effect(key, payment, fact.amount, dispute_id=dispute.id, shortfall=shortfall),
        change=change_of(
            _ACTIONS[type(fact)],
            payment,
            arrival,
            dispute_status=dispute.status.value,
        ),
    )


_ACTIONS: dict[type[DisputeFact], PaymentAction] = {
    DisputeOpened: PaymentAction.DISPUTE_OPENED,
    DisputeUnderReview: PaymentAction.DISPUTE_UNDER_REVIEW,
    DisputeWithdrawn: PaymentAction.DISPUTE_WITHDRAWN,
    DisputeReinstated: PaymentAction.DISPUTE_REINSTATED,
    DisputeClosed: PaymentAction.DISPUTE_CLOSED,
}
"""The last part of the audit action of each fact, as in ``payment.dispute_opened``."""
