"""The events of one PayPal account: who wants to hear of them, and how they are signed."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from groat.kernel.clock import Clock
from groat.simulator.certificates import issue_identity
from groat.simulator.deliveries import Courier, Delivery, Letter
from groat.simulator.paypal.model import Event, Webhook
from groat.simulator.paypal.objects import link, rfc3339
from groat.simulator.paypal.requests import VerificationRequest, WebhookRequest
from groat.simulator.references import paypal_id
from groat.simulator.signatures import (
    paypal_signature,
    paypal_signature_is_valid,
    paypal_signed_text,
)
from groat.simulator.wire import JsonObject, encode

ALGORITHM = "SHA256withRSA"


@dataclass(frozen=True, slots=True)
class Happening:
    """What an event tells: its type, a summary for people, and the object it is about."""

    event_type: str
    resource_type: str
    summary: str
    resource: JsonObject


class Post:
    """Tells webhooks what happens."""

    def __init__(self, clock: Clock) -> None:
        self.courier = Courier()
        self.identity = issue_identity(clock.now())
        self.webhooks: dict[str, Webhook] = {}
        self._clock = clock

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

    def tell(self, what: Happening, host: str) -> None:
        """Start delivering an event that has just happened."""
        event_id = f"WH-{paypal_id()}-{paypal_id()}"
        body = encode(_event_object(event_id, rfc3339(self._clock.now()), what, host))
        event = Event(event_id, what.event_type, body)
        wanted = [webhook for webhook in self.webhooks.values() if webhook.wants(event.type)]
        deliveries = [self._delivery(event, webhook, host) for webhook in wanted]
        self.courier.announce(event_id, deliveries)

    def _delivery(self, event: Event, webhook: Webhook, host: str) -> Delivery:
        return Delivery(webhook.url, lambda: self._letter(event, webhook, host))

    def _letter(self, event: Event, webhook: Webhook, host: str) -> Letter | None:
        if webhook.id not in self.webhooks:
            return None
        transmission_id, now = str(uuid.uuid4()), rfc3339(self._clock.now())
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


def _event_object(event_id: str, created: str, what: Happening, host: str) -> JsonObject:
    """Return the envelope of a webhook."""
    path = f"{host}/v1/notifications/webhooks-events/{event_id}"
    return {
        "id": event_id,
        "event_version": "1.0",
        "create_time": created,
        "resource_type": what.resource_type,
        "resource_version": "2.0",
        "event_type": what.event_type,
        "summary": what.summary,
        "resource": what.resource,
        "links": [link(path, "self"), link(f"{path}/resend", "resend", method="POST")],
    }
