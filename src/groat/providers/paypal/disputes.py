"""Translate PayPal's disputes to facts. Pure. Source: developer.paypal.com, Disputes v1."""

from __future__ import annotations

from collections.abc import Iterator

from groat.kernel.money import Money
from groat.providers.domain.facts import (
    DisputeClosed,
    DisputeFact,
    DisputeOpened,
    DisputeUnderReview,
    Report,
)
from groat.providers.paypal.payloads import DisputedTransaction, PayPalDisputePayload

_FOR_THE_BUYER = frozenset({"ACCEPTED", "RESOLVED_BUYER_FAVOUR"})
"""Outcomes that cost the seller money. PayPal itself pays for ``RESOLVED_WITH_PAYOUT``."""


def dispute_reports(dispute: PayPalDisputePayload) -> tuple[Report, ...]:
    """Report every stage of a dispute up to now, since the engine may have missed earlier ones.

    A dispute may be about several captures, each with an amount of its own. Its outcome moves no
    money here: PayPal books the reversal, the chargeback, or a refund by the seller.
    """
    several = len(dispute.disputed_transactions) > 1
    return tuple(
        Report(None, None, fact, capture_reference=one.seller_transaction_id)
        for one in dispute.disputed_transactions
        for fact in _facts(dispute, _amount(dispute, one, several=several))
    )


def _amount(dispute: PayPalDisputePayload, one: DisputedTransaction, *, several: bool) -> Money:
    """Return the disputed amount of a capture. The dispute's own is the sum of all captures."""
    if several and one.gross_amount is not None:
        return one.gross_amount.money()
    return dispute.dispute_amount.money()


def _facts(dispute: PayPalDisputePayload, amount: Money) -> Iterator[DisputeFact]:
    reference, outcome = dispute.dispute_id, dispute.dispute_outcome
    yield DisputeOpened(reference, amount)
    match dispute.status:
        case "UNDER_REVIEW" | "WAITING_FOR_BUYER_RESPONSE":  # the seller has nothing to answer
            yield DisputeUnderReview(reference, amount)
        case "RESOLVED" if outcome is not None:
            won = outcome.outcome_code not in _FOR_THE_BUYER
            yield DisputeClosed(reference, amount, won=won)
        case _:
            return
