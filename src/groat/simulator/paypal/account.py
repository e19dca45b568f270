"""One PayPal account in memory: all that it knows and does for one merchant."""

from __future__ import annotations

from collections.abc import Mapping

from groat.kernel.clock import Clock
from groat.simulator.books import Books
from groat.simulator.control import Trigger
from groat.simulator.paypal.disputes import Disputes
from groat.simulator.paypal.model import Records
from groat.simulator.paypal.office import Office
from groat.simulator.paypal.orders import Orders
from groat.simulator.paypal.payments import Payments
from groat.simulator.paypal.post import Post
from groat.simulator.paypal.refunds import Refunds


class Account:
    """Puts the parts together."""

    def __init__(self, clock: Clock) -> None:
        self.books = Books("paypal")
        self.records = Records()
        self.post = Post(clock)
        office = Office(clock, self.records, self.books, self.post)
        self.refunds = Refunds(office)
        self.disputes = Disputes(office, self.refunds)
        self.payments = Payments(office, self.disputes)
        self.orders = Orders(office, self.payments)

    def triggers(self) -> Mapping[str, Trigger]:
        """Return what can be let happen to an order."""
        return {
            "approve": self.orders.approve,
            "cancel_approval": self.orders.cancel,
            "expire": self.payments.expire,
            "complete_capture": self.payments.complete_captures,
            "deny_capture": self.payments.deny_captures,
            "complete_refund": self.refunds.complete,
            "fail_refund": self.refunds.fail,
            "dispute": self.disputes.open,
            "dispute_review": self.disputes.review,
            "dispute_won": self.disputes.win,
            "dispute_lost": self.disputes.lose,
        }
