"""One PayPal account in memory, with all its parts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from groat.kernel.clock import Clock
from groat.simulator.books import Books
from groat.simulator.control import Trigger
from groat.simulator.paypal.bookings import Bookings
from groat.simulator.paypal.disputes import PayPalDisputes
from groat.simulator.paypal.model import Records
from groat.simulator.paypal.office import Office
from groat.simulator.paypal.orders import Orders
from groat.simulator.paypal.payments import PayPalPayments
from groat.simulator.paypal.post import PayPalPost
from groat.simulator.paypal.refunds import PayPalRefunds
from groat.simulator.paypal.rows import Statement


class PayPalAccount:
    """The records, books and services of one merchant's account."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.books = Books("paypal")
        self.records = Records()
        self.post = PayPalPost(clock)
        self.statement = Statement(clock, self.books, self.post.courier)
        bookings = Bookings(self.records, self.statement)
        office = Office(clock, self.records, self.books, self.post, self.statement, bookings)
        self.refunds = PayPalRefunds(office)
        self.disputes = PayPalDisputes(office, self.refunds)
        self.payments = PayPalPayments(office, self.disputes)
        self.orders = Orders(office, self.payments)

    def now(self) -> datetime:
        """Return the time."""
        return self._clock.now()

    def triggers(self) -> Mapping[str, Trigger]:
        """Return the triggers by name. Each takes the id of an order."""
        orders, payments, refunds = self.orders, self.payments, self.refunds
        disputes = self.disputes
        return {
            "approve": Trigger(orders.awaits_payer, orders.approve),
            "cancel_approval": Trigger(orders.awaits_payer, orders.cancel),
            "expire": Trigger(payments.can_expire, payments.expire),
            "complete_capture": Trigger(payments.has_pending, payments.complete_captures),
            "deny_capture": Trigger(payments.has_pending, payments.deny_captures),
            "complete_refund": Trigger(refunds.has_pending, refunds.complete),
            "fail_refund": Trigger(refunds.has_pending, refunds.fail),
            "reverse_capture": Trigger(disputes.can_reverse, disputes.reverse),
            "forget": Trigger(orders.is_incomplete, orders.forget),
            "reverse_approval": Trigger(orders.is_approved, orders.reverse_approval),
            "dispute": Trigger(disputes.can_open, disputes.open),
            "dispute_review": Trigger(disputes.can_review, disputes.review),
            "dispute_won": Trigger(disputes.is_undecided, disputes.win),
            "dispute_lost": Trigger(disputes.is_undecided, disputes.lose),
        }
