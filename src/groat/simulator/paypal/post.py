"""The events of one PayPal account, its webhooks, and the signatures of deliveries."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from groat.kernel.clock import Clock
from groat.simulator.certificates import issue_identity, new_key
from groat.simulator.deliveries import Courier, Delivery, Letter
from groat.simulator.faults import Signing
from groat.simulator.paypal.model import PayPalEvent, Webhook
from groat.simulator.paypal.objects import EVENTS_PATH, link, rfc3339
from groat.simulator.paypal.requests import VerificationRequest, WebhookRequest
from groat.simulator.references import paypal_id
from groat.simulator.signatures import (
    paypal_signature,
    paypal_signature_is_valid,
    paypal_signed_text,
)
from groat.simulator.wire import JsonObject, encode

ALGORITHM = "SHA256withRSA"

LISTED_FOR = timedelta(days=30)
"""Maximum age of events in a list. Source: PayPal, "Webhooks Events dashboard"."""


@dataclass(frozen=True, slots=True)
class Happening:
    """The content of an event: its type, a summary for people, and its object.

    Searches find the event by ``transaction_id``.
    """

    event_type: str
    resource_type: str
    transaction_id: str
    summary: str
    resource: JsonObject


class PayPalPost:
    """Sends events to webhooks, and stores them for searches."""

    def __init__(self, clock: Clock) -> None:
        self.courier = Courier()
        self.identity = issue_identity(clock.now())
        self.webhooks: dict[str, Webhook] = {}
        self.events: dict[str, PayPalEvent] = {}
        self._clock = clock
        self._silent = False

    @contextmanager
    def silence(self, *, unless: bool) -> Iterator[None]:
        """Send no events inside the block, unless the argument is true."""
        self._silent = not unless
        try:
            yield
        finally:
            self._silent = False

    def add_webhook(self, request: WebhookRequest) -> Webhook:
        """Add a webhook, which gets all events from now on."""
        names = tuple(event_type.name for event_type in request.event_types)
        webhook = Webhook(paypal_id(), request.url, names)
        self.webhooks[webhook.id] = webhook
        return webhook

    def listed(self) -> list[tuple[int, PayPalEvent]]:
        """Return the events of the last 30 days, newest first, each with its number."""
        oldest = self._clock.now() - LISTED_FOR
        numbered = reversed(list(enumerate(self.events.values())))
        return [(number, event) for number, event in numbered if event.created >= oldest]

    def signed(self, request: VerificationRequest) -> bool:
        """Tell whether this account signed a delivery for the named webhook.

        The event in the request is encoded again, compactly and in its own order. This yields the
        bytes that were sent.
        """
        body = json.dumps(request.provider_event, separators=(",", ":")).encode()
        text = paypal_signed_text(
            request.transmission_id, request.transmission_time, request.webhook_id, body
        )
        public_key = self.identity.key.public_key()
        return request.webhook_id in self.webhooks and paypal_signature_is_valid(
            public_key, request.transmission_sig, text
        )

    def tell(self, happening: Happening, host: str) -> None:
        """Send an event. The fault plan may send a second one with another id."""
        if self._silent:
            return
        for _ in range(2 if self.courier.faults.twins() else 1):
            self._announce(self._event(happening, host), host)

    @cached_property
    def _wrong_key(self) -> RSAPrivateKey:
        """A key without a certificate. It is made at its first use, because making it is slow."""
        return new_key()

    def _event(self, happening: Happening, host: str) -> PayPalEvent:
        event_id, now = f"WH-{paypal_id()}-{paypal_id()}", self._clock.now()
        body = encode(_event_object(event_id, rfc3339(now), happening, host))
        return PayPalEvent(event_id, happening.event_type, now, happening.transaction_id, body)

    def _announce(self, event: PayPalEvent, host: str) -> None:
        self.events[event.id] = event
        wanted = [webhook for webhook in self.webhooks.values() if webhook.wants(event.type)]
        deliveries = [self._delivery(event, webhook, host) for webhook in wanted]
        self.courier.announce(event.id, event.type, deliveries)

    def _delivery(self, event: PayPalEvent, webhook: Webhook, host: str) -> Delivery:
        return Delivery(webhook.url, lambda signing: self._letter(event, webhook, host, signing))

    def _letter(
        self, event: PayPalEvent, webhook: Webhook, host: str, signing: Signing
    ) -> Letter | None:
        if webhook.id not in self.webhooks:
            return None
        sent_at = rfc3339(self._clock.now() - timedelta(seconds=signing.stale_seconds))
        transmission_id = str(uuid.uuid4())
        text = paypal_signed_text(transmission_id, sent_at, webhook.id, event.body)
        key = self._wrong_key if signing.wrong_secret else self.identity.key
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "PayPal/AUHD-1.0-1",
            "PAYPAL-TRANSMISSION-ID": transmission_id,
            "PAYPAL-TRANSMISSION-TIME": sent_at,
            "PAYPAL-TRANSMISSION-SIG": paypal_signature(key, text),
            "PAYPAL-CERT-URL": f"{host}/v1/notifications/certs/{self.identity.id}",
            "PAYPAL-AUTH-ALGO": ALGORITHM,
        }
        return Letter(event.body, headers)


def _event_object(event_id: str, created: str, happening: Happening, host: str) -> JsonObject:
    """Return the body of a webhook."""
    path = f"{host}{EVENTS_PATH}/{event_id}"
    return {
        "id": event_id,
        "event_version": "1.0",
        "create_time": created,
        "resource_type": happening.resource_type,
        "resource_version": "2.0",
        "event_type": happening.event_type,
        "summary": happening.summary,
        "resource": happening.resource,
        "links": [link(path, "self"), link(f"{path}/resend", "resend", method="POST")],
    }
