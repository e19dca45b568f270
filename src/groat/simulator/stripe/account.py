"""One Stripe account in memory: its intents, charges, events and endpoints."""

from __future__ import annotations

from groat.kernel.clock import Clock
from groat.kernel.money import Money
from groat.simulator.books import Books, ChargeStatus, Entry
from groat.simulator.deliveries import Courier, Delivery, Letter
from groat.simulator.references import secret_text, stripe_id
from groat.simulator.signatures import stripe_signature
from groat.simulator.stripe import objects
from groat.simulator.stripe.cards import Card, find_card
from groat.simulator.stripe.model import Cause, Charge, Endpoint, Event, Intent
from groat.simulator.stripe.requests import PaymentIntentRequest, WebhookEndpointRequest
from groat.simulator.wire import JsonObject, encode

REFERENCE_KEY = "groat_payment"
"""The metadata key under which the books find what the client calls its payment."""


class Account:
    """What Stripe knows and does for one merchant, whichever secret key it uses."""

    def __init__(self, clock: Clock) -> None:
        self.books = Books("stripe")
        self.courier = Courier()
        self.intents: dict[str, Intent] = {}
        self.charges: dict[str, Charge] = {}
        self.events: dict[str, Event] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self._charge_of: dict[str, Charge] = {}
        self._clock = clock

    def pay(self, request: PaymentIntentRequest, cause: Cause) -> Charge:
        """Make an intent, charge it and tell of it; the charge says whether it was declined.

        Raises:
            StripeError: There is no such payment method; nothing was made.
        """
        card = find_card(request.payment_method)
        intent = self._make_intent(request)
        self._tell("payment_intent.created", self.render_intent(intent), cause)
        charge = self._charge(intent, card)
        outcomes = ("succeeded", "succeeded") if charge.paid else ("failed", "payment_failed")
        self._tell(f"charge.{outcomes[0]}", objects.charge_object(charge), cause)
        self._tell(f"payment_intent.{outcomes[1]}", self.render_intent(intent), cause)
        return charge

    def add_endpoint(self, request: WebhookEndpointRequest) -> Endpoint:
        """Start delivering events from now on."""
        endpoint = Endpoint(
            id=stripe_id("we"),
            secret=f"whsec_{secret_text(32)}",
            created=self._now(),
            url=request.url,
            enabled_events=request.enabled_events,
            description=request.description,
        )
        self.endpoints[endpoint.id] = endpoint
        return endpoint

    def render_intent(self, intent: Intent) -> JsonObject:
        """Return an intent as it is now."""
        return objects.payment_intent(intent, self._charge_of.get(intent.id))

    def render_event(self, event: Event) -> JsonObject:
        """Return an event as it would be delivered now."""
        return objects.event_object(event, self.courier.open_deliveries(event.id))

    def _make_intent(self, request: PaymentIntentRequest) -> Intent:
        intent_id = stripe_id("pi")
        intent = Intent(
            id=intent_id,
            client_secret=f"{intent_id}_secret_{secret_text(25)}",
            created=self._now(),
            amount=request.amount,
            currency=request.currency,
            capture_method=request.capture_method,
            payment_method_types=request.payment_method_types,
            description=request.description,
            metadata=request.metadata,
        )
        self.intents[intent.id] = intent
        return intent

    def _charge(self, intent: Intent, card: Card) -> Charge:
        transaction = stripe_id("txn") if card.decline is None else None
        charge = Charge(stripe_id("ch"), intent, stripe_id("pm"), card, transaction)
        self.charges[charge.id] = charge
        self._charge_of[intent.id] = charge
        money = Money(intent.amount, intent.currency.upper())
        status: ChargeStatus = "succeeded" if charge.paid else "declined"
        reference = intent.metadata.get(REFERENCE_KEY)
        self.books.entries.append(Entry(charge.id, money, reference, status))
        return charge

    def _tell(self, event_type: str, subject: JsonObject, cause: Cause) -> None:
        event = Event(stripe_id("evt"), event_type, self._now(), subject, cause)
        self.events[event.id] = event
        wanted = [endpoint for endpoint in self.endpoints.values() if endpoint.wants(event_type)]
        self.courier.announce(event.id, [self._delivery(event, endpoint) for endpoint in wanted])

    def _delivery(self, event: Event, endpoint: Endpoint) -> Delivery:
        return Delivery(endpoint.url, lambda: self._letter(event, endpoint))

    def _letter(self, event: Event, endpoint: Endpoint) -> Letter | None:
        if endpoint.id not in self.endpoints:
            return None
        body = encode(self.render_event(event))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": stripe_signature(endpoint.secret, body, self._now()),
        }
        return Letter(body, headers)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())
