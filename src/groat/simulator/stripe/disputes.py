"""Disputes: opened by customers' banks, answered by merchants, won or lost.

Source: Stripe, "Disputes".
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from groat.simulator.books import BookEntry, Status
from groat.simulator.references import stripe_id
from groat.simulator.stripe.account import StripeAccount, enter
from groat.simulator.stripe.balance import BalanceChange, returned
from groat.simulator.stripe.balance_model import FeePart
from groat.simulator.stripe.errors import refusal
from groat.simulator.stripe.metadata import changed_metadata
from groat.simulator.stripe.model import NOBODY, EventCause, StripeCharge, StripeDispute
from groat.simulator.stripe.requests import DisputeRequest

Decision: TypeAlias = Literal["won", "lost", "prevented"]

_DECIDING_EVIDENCE: dict[str | None, Literal["won", "lost"]] = {
    "winning_evidence": "won",
    "losing_evidence": "lost",
}
"""Texts of evidence that decide a dispute at once, as in Stripe's test mode."""


class StripeDisputes:
    """Opens disputes and inquiries, accepts evidence, decides them, and sends their events."""

    def __init__(self, account: StripeAccount) -> None:
        self._account = account
        self._balance = account.balance

    def open(self, charge: StripeCharge) -> bool:
        """Dispute the unrefunded amount of a charge. Return False if it cannot be disputed."""
        if not charge.disputable:
            return False
        self.dispute(charge, charge.unrefunded)
        return True

    def dispute(self, charge: StripeCharge, amount: int, difference: int = 0) -> StripeDispute:
        """Dispute an amount, which may be less or more than the charge.

        ``difference`` is an exchange difference, in the settlement currency, that is withdrawn by a
        movement of its own.
        """
        dispute = self._new(charge, amount)
        self._account.tell_of_dispute("created", dispute, NOBODY)
        self._withdraw(dispute, difference)
        return dispute

    def inquire(self, charge: StripeCharge) -> bool:
        """Open an inquiry, which takes no money. Return False if the charge is disputed."""
        if not charge.disputable:
            return False
        dispute = self._new(charge, charge.unrefunded)
        dispute.status = "warning_needs_response"
        self._account.tell_of_dispute("created", dispute, NOBODY)
        return True

    def escalate(self, dispute: StripeDispute) -> bool:
        """Make a dispute of an open inquiry. Return False if it is none."""
        if not dispute.open_inquiry:
            return False
        dispute.status = "needs_response"
        self._account.tell_of_dispute("updated", dispute, NOBODY)
        self._withdraw(dispute, 0)
        return True

    def drop(self, dispute: StripeDispute) -> bool:
        """Close an open inquiry, as Stripe does after 120 days. Return False if it is none."""
        if not dispute.open_inquiry:
            return False
        self._close_inquiry(dispute, NOBODY)
        return True

    def answer(self, dispute: StripeDispute, request: DisputeRequest, cause: EventCause) -> None:
        """Store metadata and evidence, and submit the evidence if the request says so.

        Raises:
            StripeError: The dispute is decided, or evidence was submitted before.
        """
        submits = request.evidence is not None or "submit" in request.model_fields_set
        submits = submits and request.submit == "true"
        if (submits or request.evidence) and not dispute.answerable:
            raise refusal(f"This dispute is {dispute.status}: it takes no more evidence.")
        if request.evidence is not None:
            given = request.evidence.model_dump(exclude_unset=True)
            dispute.evidence = dispute.evidence.model_copy(update=given)
        dispute.metadata = changed_metadata(dispute.metadata, request.metadata)
        if submits:
            dispute.submissions += 1
            dispute.status = "warning_under_review" if dispute.inquiry else "under_review"
        self._account.tell_of_dispute("updated", dispute, cause)
        if submits and dispute.open:
            self._decide_by_evidence(dispute)

    def close(self, dispute: StripeDispute, cause: EventCause) -> None:
        """Accept the dispute for the merchant, who loses it. An inquiry is only closed.

        Raises:
            StripeError: The dispute is decided already.
        """
        if dispute.open_inquiry:
            self._close_inquiry(dispute, cause)
        elif dispute.open:
            self._lose(dispute, cause)
        else:
            raise refusal("This dispute is already closed.", code="dispute_already_closed")

    def win(self, dispute: StripeDispute) -> bool:
        """Decide for the merchant and reinstate the funds. Return False if decided already."""
        if not dispute.open:
            return False
        self.decide(dispute, "won", dispute.withdrawn)
        return True

    def win_late(self, dispute: StripeDispute) -> bool:
        """Decide a lost dispute for the merchant after all. Return False if it is not lost."""
        if dispute.status != "lost":
            return False
        self.decide(dispute, "won", dispute.withdrawn)
        return True

    def lose(self, dispute: StripeDispute) -> bool:
        """Decide for the customer. Return False if decided already."""
        if not dispute.open:
            return False
        self._lose(dispute, NOBODY)
        return True

    def decide(
        self, dispute: StripeDispute, outcome: Decision, amount: int, *, fee_back: bool = False
    ) -> None:
        """Decide a dispute, also a decided one, and give an amount back.

        ``amount`` is in the settlement currency. A dispute that is lost may give a part back.
        ``fee_back`` tells whether the fee comes back as well.
        """
        dispute.status = outcome
        if outcome != "lost":
            self._enter(dispute, "declined")
        self._account.tell_of_dispute("closed", dispute, NOBODY)
        if amount:
            self._reinstate(dispute, amount, fee_back=fee_back)
            self._account.tell_of_dispute("funds_reinstated", dispute, NOBODY)

    def _new(self, charge: StripeCharge, amount: int) -> StripeDispute:
        dispute = StripeDispute(stripe_id("du"), charge, self._account.now(), amount)
        charge.dispute = dispute
        self._account.disputes[dispute.id] = dispute
        return dispute

    def _close_inquiry(self, dispute: StripeDispute, cause: EventCause) -> None:
        dispute.status = "warning_closed"
        self._account.tell_of_dispute("closed", dispute, cause)

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

    def _withdraw(self, dispute: StripeDispute, difference: int) -> None:
        """Take the disputed amount and the fee, and a difference if there is one."""
        currency = dispute.charge.intent.currency
        fee = self._balance.settings.chosen.dispute_fee
        fees = (FeePart("stripe_fee", fee, "Dispute fee"),) if fee else ()
        change = BalanceChange("adjustment", "dispute", -dispute.amount, currency, dispute.id, fees)
        withdrawn = self._balance.settle(change)
        dispute.transactions.append(withdrawn)
        if difference:
            extra = BalanceChange(
                "adjustment", "dispute", -difference, withdrawn.currency, dispute.id
            )
            dispute.transactions.append(self._balance.book(extra))
        self._enter(dispute, "succeeded")
        self._account.tell_of_dispute("funds_withdrawn", dispute, NOBODY)

    def _reinstate(self, dispute: StripeDispute, amount: int, *, fee_back: bool) -> None:
        first = dispute.transactions[0]
        fees = returned(first.fees) if fee_back else ()
        change = BalanceChange(
            "adjustment", "dispute_reversal", amount, first.currency, dispute.id, fees
        )
        dispute.transactions.append(self._balance.book(change))

    def _enter(self, dispute: StripeDispute, status: Status) -> None:
        charge = dispute.charge
        money = charge.intent.money(dispute.amount)
        enter(self._account.books.disputes, BookEntry(dispute.id, money, None, status, charge.id))
