"""Disputes: opened by payers, reviewed and decided by PayPal."""

from __future__ import annotations

from dataclasses import replace

from groat.kernel.money import Money
from groat.simulator.paypal.model import TAKEN, DisputeOutcome, PayPalCapture, PayPalDispute
from groat.simulator.paypal.office import Office
from groat.simulator.paypal.refunds import PayPalRefunds
from groat.simulator.references import paypal_id


class PayPalDisputes:
    """Opens, reviews and decides disputes. A dispute is entered in the books when it is decided.

    Until then, the seller keeps the money. If the payer wins, PayPal takes the money back. It sends
    two events for this: one for the resolved dispute and one for the reversed capture.
    """

    def __init__(self, office: Office, refunds: PayPalRefunds) -> None:
        self._office = office
        self._refunds = refunds

    def open(self, order_id: str) -> bool:
        """Let the payer dispute the first successful capture of an order."""
        if not self.can_open(order_id):
            return False
        capture, now = self._taken(order_id)[0], self._office.now()
        dispute_id, money = f"PP-D-{paypal_id()}", capture.money
        zero = Money(0, money.currency)
        dispute = PayPalDispute(dispute_id, capture.id, now, now, money, "OPEN", zero)
        self._keep(dispute, "CUSTOMER.DISPUTE.CREATED")
        return True

    def review(self, order_id: str) -> bool:
        """Let PayPal review an open dispute."""
        dispute = self._unreviewed(order_id)
        if dispute is None:
            return False
        reviewed = replace(dispute, status="UNDER_REVIEW", updated=self._office.now())
        self._keep(reviewed, "CUSTOMER.DISPUTE.UPDATED")
        return True

    def win(self, order_id: str) -> bool:
        """Decide for the seller, who keeps the money."""
        dispute = self._undecided(order_id)
        if dispute is None:
            return False
        self._resolve(dispute, "RESOLVED_SELLER_FAVOUR")
        return True

    def lose(self, order_id: str) -> bool:
        """Decide for the payer, and take back the part of the money that was not refunded."""
        dispute = self._undecided(order_id)
        if dispute is None:
            return False
        capture = self._office.records.captures[dispute.capture_id]
        taken = min(dispute.money, self._refunds.left(capture), key=lambda money: money.amount)
        self._resolve(replace(dispute, taken=taken), "RESOLVED_BUYER_FAVOUR")
        if taken.amount:
            self._refunds.reverse(capture, taken)
        return True

    def can_open(self, order_id: str) -> bool:
        """Tell whether an order has a successful capture and no dispute."""
        return bool(self._taken(order_id)) and not self._office.records.dispute_in(order_id)

    def can_review(self, order_id: str) -> bool:
        """Tell whether an order has a dispute that PayPal has not reviewed yet."""
        return self._unreviewed(order_id) is not None

    def is_undecided(self, order_id: str) -> bool:
        """Tell whether an order has a dispute that is not decided yet."""
        return self._undecided(order_id) is not None

    def of_capture(self, capture_id: str | None) -> list[PayPalDispute]:
        """Return the disputes of a capture, or all disputes if ``capture_id`` is None."""
        return [
            dispute
            for dispute in self._office.records.disputes.values()
            if capture_id in {None, dispute.capture_id}
        ]

    def _taken(self, order_id: str) -> list[PayPalCapture]:
        captures = self._office.records.captures_of(order_id)
        return [capture for capture in captures if capture.status in TAKEN]

    def _unreviewed(self, order_id: str) -> PayPalDispute | None:
        return self._office.records.dispute_in(order_id, lambda dispute: dispute.status == "OPEN")

    def _undecided(self, order_id: str) -> PayPalDispute | None:
        return self._office.records.dispute_in(order_id, lambda dispute: dispute.outcome is None)

    def _resolve(self, dispute: PayPalDispute, outcome: DisputeOutcome) -> None:
        office = self._office
        resolved = replace(dispute, status="RESOLVED", outcome=outcome, updated=office.now())
        lost = outcome == "RESOLVED_BUYER_FAVOUR"
        money = dispute.taken if lost else dispute.money
        office.enter(office.books.disputes, dispute.id, money, None, dispute.capture_id, done=lost)
        self._keep(resolved, "CUSTOMER.DISPUTE.RESOLVED")

    def _keep(self, dispute: PayPalDispute, event_type: str) -> None:
        self._office.records.disputes[dispute.id] = dispute
        self._office.tell_dispute(event_type, dispute)
