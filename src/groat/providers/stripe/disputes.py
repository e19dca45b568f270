"""Translate Stripe's disputes to facts. Pure. Source: docs.stripe.com/disputes."""

from __future__ import annotations

from groat.kernel.money import Money
from groat.providers.domain.facts import (
    DisputeClosed,
    DisputeFact,
    DisputeOpened,
    DisputeReinstated,
    DisputeUnderReview,
    DisputeWithdrawn,
    Report,
)
from groat.providers.stripe.amounts import stripe_money
from groat.providers.stripe.payloads import StripeDisputePayload


def dispute_reports(event_type: str, dispute: StripeDisputePayload) -> tuple[Report, ...]:
    """Return the report of an event about a dispute. An inquiry takes no money and has none."""
    fact = _dispute_fact(event_type, dispute)
    if fact is None:
        return ()
    return (Report(None, dispute.payment_intent, fact, capture_reference=dispute.charge),)


def _dispute_fact(event_type: str, dispute: StripeDisputePayload) -> DisputeFact | None:
    """Return the fact of the event's type, else the fact of the dispute's status."""
    amount = stripe_money(dispute.amount, dispute.currency)
    match event_type:
        case _ if dispute.status.startswith("warning_"):
            return None
        case "charge.dispute.funds_withdrawn":
            return DisputeWithdrawn(dispute.id, amount)
        case "charge.dispute.funds_reinstated":
            return DisputeReinstated(dispute.id, amount)
        case "charge.dispute.created" if dispute.status != "prevented":
            return DisputeOpened(dispute.id, amount)
        case _:
            return _dispute_standing(dispute, amount)


def _dispute_standing(dispute: StripeDisputePayload, amount: Money) -> DisputeFact | None:
    match dispute.status:
        case "needs_response":  # an inquiry may have become a dispute
            return DisputeOpened(dispute.id, amount)
        case "under_review":
            return DisputeUnderReview(dispute.id, amount)
        case "won" | "lost" as outcome:
            return DisputeClosed(dispute.id, amount, won=outcome == "won")
        case _:
            return None
