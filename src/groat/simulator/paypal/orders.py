"""Orders: created, approved or canceled by the payer, and completed."""

from __future__ import annotations

from dataclasses import replace

from groat.simulator.paypal.errors import PayPalError, unprocessable
from groat.simulator.paypal.model import OrderStatus, PayPalOrder
from groat.simulator.paypal.office import Office
from groat.simulator.paypal.payments import PayPalPayments
from groat.simulator.paypal.requests import Intent, OrderRequest, money_of
from groat.simulator.paypal.vault import INSTRUMENT_DECLINED, find_payment_method
from groat.simulator.references import paypal_id


class InstrumentDeclinedError(PayPalError):
    """PayPal refuses the payment method. Unlike other refusals, this answer is stored."""

    def __init__(self) -> None:
        super().__init__(422, "UNPROCESSABLE_ENTITY", INSTRUMENT_DECLINED)


class Orders:
    """The lifecycle of orders, until their money is authorized or captured."""

    def __init__(self, office: Office, payments: PayPalPayments) -> None:
        self._office = office
        self._payments = payments

    def create(self, request: OrderRequest, host: str) -> PayPalOrder:
        """Create an order, and complete it unless the payer must approve it first.

        Raises:
            PayPalError: The order is not possible. No order was created.
        """
        order = self._make(request, host)
        if order.method.payer_action:
            self._office.records.orders[order.id] = order
            return order
        if order.method.refused:
            raise InstrumentDeclinedError
        return self._complete(order)

    def complete(self, order: PayPalOrder, intent: Intent) -> PayPalOrder:
        """Capture or authorize an order that the payer has approved.

        Raises:
            PayPalError: The order is not approved or already completed, has another intent, or its
                payment method is refused.
        """
        if order.intent != intent:
            raise unprocessable(
                "ACTION_DOES_NOT_MATCH_INTENT", f"The order was created with {order.intent}."
            )
        if order.status == "COMPLETED":
            done = "CAPTURED" if intent == "CAPTURE" else "AUTHORIZED"
            raise unprocessable(f"ORDER_ALREADY_{done}", f"Order already {done.lower()}.")
        if order.status != "APPROVED":
            raise unprocessable(
                "ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment."
            )
        if order.method.refused:
            raise InstrumentDeclinedError
        return self._complete(order)

    def awaits_payer(self, order_id: str) -> bool:
        """Tell whether an order waits for its payer."""
        order = self._office.records.orders.get(order_id)
        return order is not None and order.waits

    def approve(self, order_id: str) -> bool:
        """Let the payer approve an order. The client must complete it afterwards."""
        return self._end_waiting(order_id, "APPROVED", "CHECKOUT.ORDER.APPROVED")

    def cancel(self, order_id: str) -> bool:
        """Let the payer cancel an order. PayPal itself voids such an order only after hours."""
        return self._end_waiting(order_id, "VOIDED", "CHECKOUT.ORDER.VOIDED")

    def is_incomplete(self, order_id: str) -> bool:
        """Tell whether an order exists that was not completed."""
        order = self._office.records.orders.get(order_id)
        return order is not None and order.status != "COMPLETED"

    def forget(self, order_id: str) -> bool:
        """Delete an order that nobody completed, as PayPal does after hours. No event tells."""
        if not self.is_incomplete(order_id):
            return False
        del self._office.records.orders[order_id]
        return True

    def is_approved(self, order_id: str) -> bool:
        """Tell whether an order is approved and not completed."""
        order = self._office.records.orders.get(order_id)
        return order is not None and order.status == "APPROVED"

    def reverse_approval(self, order_id: str) -> bool:
        """Give a local payment back that nobody captured. PayPal then forgets the order."""
        if not self.is_approved(order_id):
            return False
        order = self._office.records.orders.pop(order_id)
        self._office.tell_reversed_approval(order)
        return True

    def _make(self, request: OrderRequest, host: str) -> PayPalOrder:
        unit, now = request.purchase_units[0], self._office.now()
        method = find_payment_method(request.payment_source)
        return PayPalOrder(
            paypal_id(),
            host,
            now,
            now,
            request.intent,
            "PAYER_ACTION_REQUIRED" if request.payment_source else "CREATED",
            money_of(unit.amount, "/purchase_units/0/amount/"),
            unit,
            method,
            request.context.return_url,
            request.context.cancel_url,
        )

    def _complete(self, order: PayPalOrder) -> PayPalOrder:
        completed = replace(order, status="COMPLETED", updated=self._office.now())
        self._office.records.orders[order.id] = completed
        if order.intent == "CAPTURE":
            good = self._payments.take(completed).status != "DECLINED"
        else:
            good = self._payments.authorize(completed).status != "DENIED"
        if good:
            self._office.tell_order("CHECKOUT.ORDER.COMPLETED", completed)
        return completed

    def _end_waiting(self, order_id: str, status: OrderStatus, event_type: str) -> bool:
        if not self.awaits_payer(order_id):
            return False
        order = self._office.records.orders[order_id]
        ended = replace(order, status=status, updated=self._office.now())
        self._office.records.orders[order_id] = ended
        self._office.tell_order(event_type, ended)
        return True
