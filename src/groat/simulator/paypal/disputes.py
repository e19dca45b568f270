"""Disputes: opened by payers, reviewed and decided by PayPal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from groat.kernel.money import Money
from groat.simulator.paypal.bookings import FeeCode, Reversal
from groat.simulator.paypal.model import (
    TAKEN,
    DisputedCapture,
    DisputeOutcome,
    PayPalCapture,
    PayPalDispute,
)
from groat.simulator.paypal.office import Office
from groat.simulator.paypal.refunds import PayPalRefunds
from groat.simulator.references import paypal_id


class PayPalDisputes:
    """Opens, reviews and decides disputes. A dispute is entered in the books when it is decided.

    Until then, PayPal only holds the money. If the payer wins, PayPal takes it back, and sends two
    events: one for the resolved dispute and one for the reversed capture. A chargeback takes the
    money at once.
    """

    def __init__(self, office: Office, refunds: PayPalRefunds) -> None:
        self._office = office
        self._refunds = refunds

    def open(self, order_id: str) -> bool:
        """Let the payer dispute the first successful capture of an order."""
        if not self.can_open(order_id):
            return False
        capture = self._taken(order_id)[0]
        self.dispute([DisputedCapture(capture.id, capture.money)])
        return True

    def dispute(
        self, disputed: Sequence[DisputedCapture], *, chargeback: bool = False
    ) -> PayPalDispute:
        """Open a dispute of captures in one currency. A chargeback takes the money at once."""
        now, zero = self._office.now(), Money(0, disputed[0].money.currency)
        dispute = PayPalDispute(
            f"PP-D-{paypal_id()}", tuple(disputed), now, now, "OPEN", zero, zero, chargeback
        )
        if not chargeback:
            self._office.bookings.hold(dispute)
        self._keep(dispute, "CUSTOMER.DISPUTE.CREATED")
        return self._take(dispute, "T1201") if chargeback else dispute

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
        dispute = self.undecided(order_id)
        if dispute is None:
            return False
        self.decide(dispute, "RESOLVED_SELLER_FAVOUR")
        return True

    def lose(self, order_id: str) -> bool:
        """Decide for the payer, and take back the part of the money that was not refunded."""
        dispute = self.undecided(order_id)
        if dispute is None:
            return False
        self.decide(dispute, "RESOLVED_BUYER_FAVOUR")
        return True

    def decide(
        self,
        dispute: PayPalDispute,
        outcome: DisputeOutcome,
        fee: tuple[FeeCode, int] | None = None,
    ) -> PayPalDispute:
        """Decide a dispute, with a fee of its own if one is given, in minor units."""
        office, currency = self._office, dispute.money.currency
        office.bookings.release(dispute)
        if fee is not None:
            code, amount = fee
            office.bookings.charge_fee(dispute.capture_ids[0], code, Money(amount, currency))
        lost = outcome == "RESOLVED_BUYER_FAVOUR"
        if dispute.chargeback and not lost:
            dispute = self._return_chargeback(dispute)
        given_back = Money(self._given_back(dispute, outcome), currency)
        resolved = self._resolve(replace(dispute, given_back=given_back), outcome)
        return self._take(resolved, "T1106") if lost and not dispute.chargeback else resolved

    def can_reverse(self, order_id: str) -> bool:
        """Tell whether an order has a successful capture that was not given back."""
        return any(self._refunds.left(capture).amount for capture in self._taken(order_id))

    def reverse(self, order_id: str) -> bool:
        """Take a capture back without a dispute, as after a bank's return."""
        for capture in self._taken(order_id):
            left = self._refunds.left(capture)
            if left.amount:
                self._refunds.reverse(capture, left)
                return True
        return False

    def can_open(self, order_id: str) -> bool:
        """Tell whether an order has a successful capture and no dispute."""
        return bool(self._taken(order_id)) and not self._office.records.dispute_in(order_id)

    def can_review(self, order_id: str) -> bool:
        """Tell whether an order has a dispute that PayPal has not reviewed yet."""
        return self._unreviewed(order_id) is not None

    def is_undecided(self, order_id: str) -> bool:
        """Tell whether an order has a dispute that is not decided yet."""
        return self.undecided(order_id) is not None

    def undecided(self, order_id: str) -> PayPalDispute | None:
        """Return the dispute of an order that is not decided yet, or None."""
        return self._office.records.dispute_in(order_id, lambda dispute: dispute.outcome is None)

    def of_capture(self, capture_id: str | None) -> list[PayPalDispute]:
        """Return the disputes of a capture, or all disputes if ``capture_id`` is None."""
        return [
            dispute
            for dispute in self._office.records.disputes.values()
            if capture_id is None or capture_id in dispute.capture_ids
        ]

    def _taken(self, order_id: str) -> list[PayPalCapture]:
        captures = self._office.records.captures_of(order_id)
        return [capture for capture in captures if capture.status in TAKEN]

    def _unreviewed(self, order_id: str) -> PayPalDispute | None:
        return self._office.records.dispute_in(order_id, lambda dispute: dispute.status == "OPEN")

    def _given_back(self, dispute: PayPalDispute, outcome: DisputeOutcome) -> int:
        """Return the amount that the payer gets.

        It includes the seller's refunds during the dispute. With ``RESOLVED_WITH_PAYOUT``, PayPal
        pays the payer, and takes nothing from the seller.
        """
        refunded, whole = self._refunded(dispute), dispute.money.amount
        match outcome:
            case "RESOLVED_WITH_PAYOUT":
                return whole
            case "RESOLVED_BUYER_FAVOUR" if not dispute.chargeback:
                return min(whole, refunded + self._takeable(dispute))
            case _:
                return min(whole, refunded + dispute.taken.amount)

    def _return_chargeback(self, dispute: PayPalDispute) -> PayPalDispute:
        self._office.bookings.return_chargeback(dispute.capture_ids[0], dispute.taken)
        return replace(dispute, taken=Money(0, dispute.money.currency))

    def _refunded(self, dispute: PayPalDispute) -> int:
        captures = map(self._office.records.captures.__getitem__, dispute.capture_ids)
        return sum(self._refunds.made_since(capture, dispute.created) for capture in captures)

    def _parts(self, dispute: PayPalDispute) -> list[tuple[PayPalCapture, Money]]:
        """Return each disputed capture with the amount that can still be taken."""
        captures = self._office.records.captures
        parts = [(captures[part.capture_id], part.money) for part in dispute.disputed]
        return [
            (capture, min(money, self._refunds.left(capture), key=lambda one: one.amount))
            for capture, money in parts
        ]

    def _takeable(self, dispute: PayPalDispute) -> int:
        return sum(money.amount for _, money in self._parts(dispute))

    def _take(self, dispute: PayPalDispute, code: Reversal) -> PayPalDispute:
        """Take the disputed amounts, as far as they were not given back."""
        taken = 0
        for capture, money in self._parts(dispute):
            taken += money.amount
            if money.amount:
                self._refunds.reverse(capture, money, code)
        after = replace(dispute, taken=Money(taken, dispute.money.currency))
        self._office.records.disputes[dispute.id] = after
        return after

    def _resolve(self, dispute: PayPalDispute, outcome: DisputeOutcome) -> PayPalDispute:
        office = self._office
        resolved = replace(dispute, status="RESOLVED", outcome=outcome, updated=office.now())
        lost = outcome == "RESOLVED_BUYER_FAVOUR"
        taken = dispute.taken.amount or self._takeable(dispute)
        money = Money(taken, dispute.money.currency) if lost else dispute.money
        capture_id = dispute.capture_ids[0]
        office.enter(office.books.disputes, dispute.id, money, None, capture_id, done=lost)
        self._keep(resolved, "CUSTOMER.DISPUTE.RESOLVED")
        return resolved

    def _keep(self, dispute: PayPalDispute, event_type: str) -> None:
        self._office.records.disputes[dispute.id] = dispute
        self._office.tell_dispute(event_type, dispute)
