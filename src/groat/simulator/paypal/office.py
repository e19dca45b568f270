"""What every part of the stand-in works with: records, books, the time, and telling of events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from groat.kernel.clock import Clock
from groat.kernel.money import Money
from groat.simulator.books import BookEntry, Books, Status
from groat.simulator.paypal import objects
from groat.simulator.paypal.model import (
    PayPalAuthorization,
    PayPalCapture,
    PayPalDispute,
    PayPalOrder,
    PayPalRefund,
    Records,
)
from groat.simulator.paypal.post import Happening, PayPalPost


@dataclass(frozen=True, slots=True)
class Office:
    """Keeps a record as it has become, and tells of it."""

    clock: Clock
    records: Records
    books: Books
    post: PayPalPost

    def now(self) -> datetime:
        """Return the present moment."""
        return self.clock.now()

    def order_of(self, record: PayPalAuthorization | PayPalCapture) -> PayPalOrder:
        """Return the order that an authorization or a capture belongs to."""
        return self.records.orders[record.order_id]

    def tell_order(self, event_type: str, order: PayPalOrder) -> None:
        """Tell of an order."""
        summary = f"Checkout order {event_type.rpartition('.')[2].lower()}"
        resource = objects.order_object(order, self.records, order.host)
        self.post.tell(
            Happening(event_type, "checkout-order", order.id, summary, resource), order.host
        )

    def tell_authorization(self, event_type: str, authorization: PayPalAuthorization) -> None:
        """Tell of an authorization."""
        order = self.order_of(authorization)
        summary = f"An authorization of {authorization.money} is {authorization.status.lower()}"
        resource = objects.authorization_object(authorization, order, order.host)
        what = Happening(event_type, "authorization", authorization.id, summary, resource)
        self.post.tell(what, order.host)

    def tell_capture(self, event_type: str, capture: PayPalCapture) -> None:
        """Tell of a capture."""
        order = self.order_of(capture)
        summary = f"A payment of {capture.money} is {capture.status.lower()}"
        resource = objects.capture_object(capture, order, order.host)
        what = Happening(event_type, "capture", capture.id, summary, resource)
        self.post.tell(what, order.host)

    def tell_refund(self, event_type: str, refund: PayPalRefund) -> None:
        """Tell of a refund or a reversal: the event's object is the refund, not the capture."""
        host = self.order_of(self.records.captures[refund.capture_id]).host
        summary = f"{refund.money} of a captured payment went back"
        resource = objects.refund_object(refund, host)
        self.post.tell(Happening(event_type, "refund", refund.id, summary, resource), host)

    def tell_dispute(self, event_type: str, dispute: PayPalDispute) -> None:
        """Tell of a dispute."""
        capture = self.records.captures[dispute.capture_id]
        order = self.order_of(capture)
        summary = f"A dispute over {dispute.money} is {dispute.status.lower()}"
        resource = objects.dispute_object(dispute, capture, order, order.host)
        what = Happening(event_type, "dispute", capture.id, summary, resource)
        self.post.tell(what, order.host)

    def enter(
        self,
        entries: list[BookEntry],
        record_id: str,
        money: Money,
        reference: str | None,
        parent: str | None = None,
        *,
        done: bool,
    ) -> None:
        """Write down what was really done, or refused."""
        status: Status = "succeeded" if done else "declined"
        entries.append(BookEntry(record_id, money, reference, status, parent))


def less(money: Money, *taken: Money) -> Money:
    """Return what is left of ``money``."""
    return Money(money.amount - sum(one.amount for one in taken), money.currency)
