"""Translate Stripe's disputes to facts. Pure. Source: docs.stripe.com/disputes."""

from __future__ import annotations

from datetime import datetime

from groat.providers.domain.facts import (
    DisputeClosed,
    DisputeFact,
    DisputeOpened,
    DisputeUnderReview,
    InquiryClosed,
    InquiryOpened,
    Report,
)
from groat.providers.stripe.amounts import stripe_money
from groat.providers.stripe.movements import own_movements
from groat.providers.stripe.payloads import StripeDisputePayload


def dispute_reports(
    dispute: StripeDisputePayload, told_at: datetime | None = None
) -> tuple[Report, ...]:
    """Return the report of a dispute in its present status, with all its movements so far.

    The type of the event does not matter: the status says how the dispute stands, and the
    movements say what it took and gave back.
    """
    fact = _dispute_fact(dispute)
    if fact is None:
        return ()
    moved = own_movements(
        dispute.id, dispute.charge, *dispute.balance_transactions, told_at=told_at
    )
    intent, charge = dispute.payment_intent, dispute.charge
    return (Report(None, intent, fact, capture_reference=charge, movements=moved),)


def _dispute_fact(dispute: StripeDisputePayload) -> DisputeFact | None:
    reference, amount = dispute.id, stripe_money(dispute.amount, dispute.currency)
    match dispute.status:
        case "warning_needs_response" | "warning_under_review":
            return InquiryOpened(reference, amount)
        case "warning_closed":
            return InquiryClosed(reference, amount)
        case "needs_response":
            return DisputeOpened(reference, amount)
        case "under_review" | "appeal_needs_response" | "appeal_under_review":
            return DisputeUnderReview(reference, amount)
        case "won" | "lost" as outcome:
            return DisputeClosed(reference, amount, won=outcome == "won")
        case _:  # prevented, or a status that Stripe has added since
            return None
