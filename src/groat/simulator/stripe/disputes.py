"""Disputes: opened by customers' banks, answered by merchants, won or lost.

Source: Stripe, "Disputes".
"""

from __future__ import annotations

from typing import Literal

from groat.simulator.books import BookEntry, Status
from groat.simulator.references import stripe_id
from groat.simulator.stripe.account import StripeAccount, enter
from groat.simulator.stripe.errors import refusal
from groat.simulator.stripe.model import (
    NOBODY,
    EventCause,
    StripeBalanceTransaction,
    StripeCharge,
    StripeDispute,
)
from groat.simulator.stripe.requests import DisputeRequest

_DECIDING_EVIDENCE: dict[str | None, Literal["won", "lost"]] = {
    "winning_evidence": "won",
    "losing_evidence": "lost",
}
"""Texts of evidence that decide a dispute at once, as in Stripe's test mode."""


class StripeDisputes:
    """Opens disputes, accepts evidence, decides them, and sends their events."""

    def __init__(self, account: StripeAccount) -> None:
        self._account = account

    def open(self, charge: StripeCharge) -> bool:
        """Dispute the unrefunded amount of a charge. Return False if it cannot be disputed."""
        if not charge.disputable:
            return False
        dispute = StripeDispute(stripe_id("du"), charge, self._account.now(), charge.unrefunded)
        charge.dispute = dispute
        self._account.disputes[dispute.id] = dispute
        self._account.tell_of_dispute("created", dispute, NOBODY)
        self._move(dispute, -dispute.amount)
        self._enter(dispute, "succeeded")
        self._account.tell_of_dispute("funds_withdrawn", dispute, NOBODY)
        return True

    def answer(self, dispute: StripeDispute, request: DisputeRequest, cause: EventCause) -> None:
        """Store evidence, and submit it if the request says so.

        Raises:
            StripeError: The dispute is decided, or evidence was submitted before.
        """
        if dispute.status != "needs_response":
            raise refusal(f"This dispute is {dispute.status}: it takes no more evidence.")
        given = request.evidence.model_dump(exclude_unset=True)
        dispute.evidence = dispute.evidence.model_copy(update=given)
        if request.submit == "true":
            dispute.status, dispute.submissions = "under_review", dispute.submissions + 1
        self._account.tell_of_dispute("updated", dispute, cause)
        if request.submit == "true":
            self._decide_by_evidence(dispute)

    def close(self, dispute: StripeDispute, cause: EventCause) -> None:
        """Accept the dispute for the merchant, who loses it.

        Raises:
            StripeError: The dispute is decided already.
        """
        if not dispute.open:
            raise refusal("This dispute is already closed.", code="dispute_already_closed")
        self._lose(dispute, cause)

    def win(self, dispute: StripeDispute) -> bool:
        """Decide for the merchant and reinstate the funds. Return False if decided already."""
        if not dispute.open:
            return False
        dispute.status = "won"
        self._enter(dispute, "declined")
        self._account.tell_of_dispute("closed", dispute, NOBODY)
        self._move(dispute, dispute.amount)
        self._account.tell_of_dispute("funds_reinstated", dispute, NOBODY)
        return True

    def lose(self, dispute: StripeDispute) -> bool:
        """Decide for the customer. Return False if decided already."""
        if not dispute.open:
            return False
        self._lose(dispute, NOBODY)
        return True

    def _lose(self, dispute: StripeDispute, cause: EventCause) -> None:
        dispute.status = "lost"
        self._account.tell_of_dispute("closed", dispute, cause)

    def _decide_by_evidence(self, dispute: StripeDispute) -> None:
        match _DECIDING_EVIDENCE.get(dispute.evidence.uncategorized_text):
            case "won":
                self.win(dispute)
            case "lost":
                self.lose(dispute)
            case None:
                pass

    def _move(self, dispute: StripeDispute, amount: int) -> None:
        """Change the account's balance by ``amount``. Unlike at Stripe, a dispute has no fee."""
        transaction = StripeBalanceTransaction(
            id=stripe_id("txn"),
            kind="adjustment",
            reporting_category="dispute" if amount < 0 else "dispute_reversal",
            created=self._account.now(),
            amount=amount,
            fee=0,
            currency=dispute.charge.intent.currency,
            source=dispute.id,
        )
        dispute.transactions.append(self._account.add_transaction(transaction))

    def _enter(self, dispute: StripeDispute, status: Status) -> None:
        charge = dispute.charge
        money = charge.intent.money(dispute.amount)
        enter(self._account.books.disputes, BookEntry(dispute.id, money, None, status, charge.id))
