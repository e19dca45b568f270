"""The shared tools of the simulator's parts: records, books, the clock and events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from groat.kernel.clock import Clock
from groat.kernel.money import Money
from groat.simulator.books import BookEntry, Books, Status
from groat.simulator.paypal import objects
from groat.simulator.paypal.bookings import Bookings
from groat.simulator.paypal.model import (
    PayPalAuthorization,
    PayPalCapture,
    PayPalDispute,
    PayPalOrder,
    PayPalRefund,
    Records,
)
from groat.simulator.paypal.post import Happening, PayPalPost
from groat.simulator.paypal.rows import Statement
from groat.simulator.paypal.settings import PayPalSettings


@dataclass(frozen=True, slots=True)
class Office:
    """Gives access to the records, the books, the rows and the clock, and sends events."""

    clock: Clock
    records: Records
    books: Books
    post: PayPalPost
    statement: Statement
    bookings: Bookings

    def now(self) -> datetime:
        """Return the present time."""
        return self.clock.now()

    def settings(self) -> PayPalSettings:
        """Return the account's settings."""
        return self.statement.settings.chosen

    def order_of(self, record: PayPalAuthorization | PayPalCapture) -> PayPalOrder:
        """Return the order that an authorization or a capture belongs to."""
        return self.records.orders[record.order_id]

    def tell_order(self, event_type: str, order: PayPalOrder) -> None:
        """Send an event of an order."""
        summary = f"Checkout order {event_type.rpartition('.')[2].lower()}"
        resource = objects.order_object(order, self.records, order.host)
        self.post.tell(
            Happening(event_type, "checkout-order", order.id, summary, resource), order.host
        )

    def tell_reversed_approval(self, order: PayPalOrder) -> None:
        """Send the event of an approved payment that PayPal gives back."""
        happening = Happening(
            "CHECKOUT.PAYMENT-APPROVAL.REVERSED",
            "checkout-order",
            order.id,
            "A payment has been reversed after approval",
            objects.reversed_approval(order),
        )
        self.post.tell(happening, order.host)

    def tell_authorization(self, event_type: str, authorization: PayPalAuthorization) -> None:
        """Send an event of an authorization."""
        order = self.order_of(authorization)
        summary = f"An authorization of {authorization.money} is {authorization.status.lower()}"
        resource = objects.authorization_object(authorization, order, order.host)
        happening = Happening(event_type, "authorization", authorization.id, summary, resource)
        self.post.tell(happening, order.host)

    def tell_capture(self, event_type: str, capture: PayPalCapture) -> None:
        """Send an event of a capture."""
        order = self.order_of(capture)
        summary = f"A payment of {capture.money} is {capture.status.lower()}"
        resource = objects.capture_object(capture, order, order.host)
        happening = Happening(event_type, "capture", capture.id, summary, resource)
        self.post.tell(happening, order.host)

    def tell_refund(self, event_type: str, refund: PayPalRefund) -> None:
        """Send an event of a refund or a reversal. The event's object is the refund."""
        host = self.order_of(self.records.captures[refund.capture_id]).host
        summary = f"{refund.money} of a captured payment went back"
        resource = objects.refund_object(refund, self.records, host)
        self.post.tell(Happening(event_type, "refund", refund.id, summary, resource), host)

    def tell_dispute(self, event_type: str, dispute: PayPalDispute) -> None:
        """Send an event of a dispute."""
        capture = self.records.captures[dispute.capture_ids[0]]
        host = self.order_of(capture).host
        summary = f"A dispute over {dispute.money} is {dispute.status.lower()}"
        resource = objects.dispute_object(dispute, self.records, host)
        self.post.tell(Happening(event_type, "dispute", capture.id, summary, resource), host)

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
        """Add an entry to the books, as succeeded if ``done`` and else as declined."""
        status: Status = "succeeded" if done else "declined"
        entries.append(BookEntry(record_id, money, reference, status, parent))


def less(money: Money, *taken: Money) -> Money:
    """Return ``money`` minus all amounts in ``taken``."""
    return Money(money.amount - sum(part.amount for part in taken), money.currency)
