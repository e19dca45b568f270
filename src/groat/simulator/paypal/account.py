"""One PayPal account in memory: its orders, captures and webhooks."""

from __future__ import annotations

import json
import uuid
from datetime import datetime

from groat.kernel.clock import Clock
from groat.simulator.books import Books, ChargeStatus, Entry
from groat.simulator.certificates import issue_identity
from groat.simulator.deliveries import Courier, Delivery, Letter
from groat.simulator.paypal import objects
from groat.simulator.paypal.model import Capture, Event, Happening, Order, Webhook
from groat.simulator.paypal.requests import (
    OrderRequest,
    VerificationRequest,
    WebhookRequest,
    money_of,
)
from groat.simulator.paypal.vault import PaymentMethod, find_payment_method
from groat.simulator.references import paypal_id
from groat.simulator.signatures import (
    paypal_signature,
    paypal_signature_is_valid,
    paypal_signed_text,
)
from groat.simulator.wire import encode

ALGORITHM = "SHA256withRSA"


class Account:
    """What PayPal knows and does for one merchant."""

    def __init__(self, clock: Clock) -> None:
        self.books = Books("paypal")
        self.courier = Courier()
        self.identity = issue_identity(clock.now())
        self.orders: dict[str, Order] = {}
        self.captures: dict[str, Capture] = {}
        self.webhooks: dict[str, Webhook] = {}
        self._clock = clock

    def pay(self, request: OrderRequest, host: str) -> Order | None:
        """Make an order, capture it and tell of it, or return None if PayPal refuses to.

        Raises:
            PayPalError: The order cannot be; nothing was made.
        """
        method = find_payment_method(request.payment_source.token.id)
        order = self._make_order(request, method)
        if method.refused:
            return None
        self._enter(order)
        for what in objects.happenings(order, host):
            self._tell(what, host)
        return order

    def add_webhook(self, request: WebhookRequest) -> Webhook:
        """Start delivering events from now on."""
        names = tuple(event_type.name for event_type in request.event_types)
        webhook = Webhook(paypal_id(), request.url, names)
        self.webhooks[webhook.id] = webhook
        return webhook

    def signed(self, request: VerificationRequest) -> bool:
        """Tell whether a delivery was signed here for that webhook.

        The event is encoded again, compactly and in its own order, which yields the bytes that
        were sent.
        """
        body = json.dumps(request.webhook_event, separators=(",", ":")).encode()
        text = paypal_signed_text(
            request.transmission_id, request.transmission_time, request.webhook_id, body
        )
        public_key = self.identity.key.public_key()
        return request.webhook_id in self.webhooks and paypal_signature_is_valid(
            public_key, request.transmission_sig, text
        )

    def _make_order(self, request: OrderRequest, method: PaymentMethod) -> Order:
        unit, now, order_id = request.purchase_units[0], self._now(), paypal_id()
        money = money_of(unit.amount)
        capture = Capture(paypal_id(), order_id, now, money, unit, method.response_code)
        return Order(order_id, now, capture)

    def _enter(self, order: Order) -> None:
        capture = order.capture
        self.orders[order.id] = order
        self.captures[capture.id] = capture
        status: ChargeStatus = "succeeded" if capture.paid else "declined"
        entry = Entry(capture.id, capture.money, capture.unit.custom_id, status)
        self.books.entries.append(entry)

    def _tell(self, what: Happening, host: str) -> None:
        event_id = f"WH-{paypal_id()}-{paypal_id()}"
        body = encode(objects.event_object(event_id, self._now(), what, host))
        event = Event(event_id, what.event_type, body)
        wanted = [webhook for webhook in self.webhooks.values() if webhook.wants(event.type)]
        deliveries = [self._delivery(event, webhook, host) for webhook in wanted]
        self.courier.announce(event_id, deliveries)

    def _delivery(self, event: Event, webhook: Webhook, host: str) -> Delivery:
        return Delivery(webhook.url, lambda: self._letter(event, webhook, host))

    def _letter(self, event: Event, webhook: Webhook, host: str) -> Letter | None:
        if webhook.id not in self.webhooks:
            return None
        transmission_id, now = str(uuid.uuid4()), self._now()
        text = paypal_signed_text(transmission_id, now, webhook.id, event.body)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "PayPal/AUHD-1.0-1",
            "PAYPAL-TRANSMISSION-ID": transmission_id,
            "PAYPAL-TRANSMISSION-TIME": now,
            "PAYPAL-TRANSMISSION-SIG": paypal_signature(self.identity.key, text),
            "PAYPAL-CERT-URL": f"{host}/v1/notifications/certs/{self.identity.id}",
            "PAYPAL-AUTH-ALGO": ALGORITHM,
        }
        return Letter(event.body, headers)

    def _now(self) -> str:
        return _rfc3339(self._clock.now())


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
