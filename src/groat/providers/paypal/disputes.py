"""Translate PayPal's disputes to facts. Pure. Source: developer.paypal.com, Disputes v1."""

from __future__ import annotations

from collections.abc import Iterator

from groat.providers.domain.facts import (
    DisputeClosed,
    DisputeFact,
    DisputeOpened,
    DisputeUnderReview,
    DisputeWithdrawn,
    Report,
)
from groat.providers.paypal.payloads import PayPalDisputePayload

_FOR_THE_BUYER = frozenset({"ACCEPTED", "RESOLVED_BUYER_FAVOUR"})
"""Outcomes that cost the seller money. PayPal itself pays for ``RESOLVED_WITH_PAYOUT``."""


def dispute_reports(dispute: PayPalDisputePayload) -> tuple[Report, ...]:
    """Report every stage of a dispute up to now, since the engine may have missed earlier ones."""
    capture_id = dispute.disputed_transactions[0].seller_transaction_id
    return tuple(Report(None, None, fact, capture_reference=capture_id) for fact in _facts(dispute))


def _facts(dispute: PayPalDisputePayload) -> Iterator[DisputeFact]:
    reference, amount = dispute.dispute_id, dispute.dispute_amount.money()
    yield DisputeOpened(reference, amount)
    match dispute.status:
        case "UNDER_REVIEW" | "WAITING_FOR_BUYER_RESPONSE":  # the seller has nothing to answer
            yield DisputeUnderReview(reference, amount)
        case "RESOLVED":
            yield from _decided(dispute)
        case _:
            return


def _decided(dispute: PayPalDisputePayload) -> Iterator[DisputeFact]:
    outcome = dispute.dispute_outcome
    if outcome is None:
        return
    reference, amount = dispute.dispute_id, dispute.dispute_amount.money()
    lost = outcome.outcome_code in _FOR_THE_BUYER
    taken = outcome.amount_refunded.money() if outcome.amount_refunded else amount
    if lost and taken.amount > 0:
        yield DisputeWithdrawn(reference, taken)
    yield DisputeClosed(reference, amount, won=not lost)
