"""Decide facts about disputes. Pure.

A dispute's status moves no money. The provider's movements do, when they are booked.
"""

from __future__ import annotations

from datetime import datetime

from groat.kernel import ids
from groat.kernel.value import replace
from groat.payments.domain.actions import PaymentAction
from groat.payments.domain.changes import change_of
from groat.payments.domain.dispute import Dispute, dispute_id
from groat.payments.domain.lifecycle import DisputeStatus, Next, Outcome, answer_dispute
from groat.payments.domain.payment import Payment
from groat.payments.domain.standing import Arrival, Standing
from groat.payments.domain.verdict import Verdict, set_aside
from groat.providers.domain.facts import (
    DisputeClosed,
    DisputeFact,
    DisputeOpened,
    DisputeUnderReview,
    InquiryClosed,
    InquiryOpened,
)


def decide_dispute(
    standing: Standing, payment: Payment, fact: DisputeFact, arrival: Arrival, now: datetime
) -> Verdict:
    """Return the verdict on a fact about a dispute of ``payment``.

    The disputed amount blocks refunds at once, whatever the provider has booked so far.
    """
    if fact.amount.currency != payment.order.terms.amount.currency:
        return set_aside(Outcome.AMOUNT_MISMATCH, payment, arrival)
    fresh = _new(payment, fact, arrival, now)
    known = standing.disputes.get(fresh.id)
    match answer_dispute(None if known is None else known.status, fact):
        case Next(status):
            dispute = replace(known or fresh, status=status, updated_at=now)
            blocked = dispute.blocked - (0 if known is None else known.blocked)
            payment = replace(payment, in_dispute=payment.in_dispute + blocked, updated_at=now)
            change = change_of(
                _ACTIONS[type(fact)],
                payment,
                arrival,
                dispute_status=dispute.status.value,
                capture=dispute.capture_reference,
                provider_account=ids.render("provider_account", dispute.provider_account_id),
            )
            return Verdict(Outcome.APPLIED, payment, dispute=dispute, change=change)
        case Outcome.ALREADY_SO as outcome:
            return Verdict(outcome)
        case outcome:
            return set_aside(outcome, payment, arrival)


def _new(payment: Payment, fact: DisputeFact, arrival: Arrival, now: datetime) -> Dispute:
    capture = arrival.report.capture_reference or ""
    return Dispute(
        dispute_id(arrival.provider_account_id, fact.reference, capture),
        payment.id,
        arrival.provider_account_id,
        fact.reference,
        capture,
        DisputeStatus.INQUIRY,
        fact.amount.amount,
        fact.amount.currency,
        created_at=now,
        updated_at=now,
    )


_ACTIONS: dict[type[DisputeFact], PaymentAction] = {
    InquiryOpened: PaymentAction.INQUIRY_OPENED,
    InquiryClosed: PaymentAction.INQUIRY_CLOSED,
    DisputeOpened: PaymentAction.DISPUTE_OPENED,
    DisputeUnderReview: PaymentAction.DISPUTE_UNDER_REVIEW,
    DisputeClosed: PaymentAction.DISPUTE_CLOSED,
}
"""The last part of the audit action of each fact, as in ``payment.dispute_opened``."""
