"""One Stripe account in memory: its objects and the delivery of its events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from groat.kernel.clock import Clock
from groat.simulator.books import BookEntry, Books
from groat.simulator.deliveries import Courier, Delivery, Letter
from groat.simulator.faults import Signing
from groat.simulator.references import secret_text, stripe_id
from groat.simulator.signatures import stripe_signature
from groat.simulator.stripe import balance_objects, claim_objects, objects, payment_objects
from groat.simulator.stripe.balance import StripeBalance
from groat.simulator.stripe.balance_model import (
    StripeBalanceTransaction,
    StripePayout,
    StripeTopup,
    StripeTransfer,
)
from groat.simulator.stripe.model import (
    EventCause,
    Intent,
    Method,
    StripeCharge,
    StripeDispute,
    StripeEvent,
    StripeRefund,
    WebhookEndpoint,
)
from groat.simulator.stripe.requests import WebhookEndpointRequest
from groat.simulator.wire import JsonObject, encode

SETTLING_SECONDS = 1.0
"""Seconds until the bank settles or returns a refund. At Stripe, this takes days."""


class StripeAccount:
    """The objects of one merchant at Stripe. All secret keys lead to the same account."""

    def __init__(self, clock: Clock) -> None:
        self.books = Books("stripe")
        self.courier = Courier()
        self.intents: dict[str, Intent] = {}
        self.charges: dict[str, StripeCharge] = {}
        self.refunds: dict[str, StripeRefund] = {}
        self.disputes: dict[str, StripeDispute] = {}
        self.hidden_refunds: dict[str, StripeRefund] = {}
        self.balance = StripeBalance(clock, self.books)
        self.payouts: dict[str, StripePayout] = {}
        self.topups: dict[str, StripeTopup] = {}
        self.transfers: dict[str, StripeTransfer] = {}
        self.methods: dict[str, Method] = {}
        self.events: dict[str, StripeEvent] = {}
        self.endpoints: dict[str, WebhookEndpoint] = {}
        self._silent = False
        self._to_come: set[asyncio.TimerHandle] = set()
        self._clock = clock

    def add_endpoint(self, request: WebhookEndpointRequest) -> WebhookEndpoint:
        """Add an endpoint, which gets all events from now on."""
        endpoint = WebhookEndpoint(
            id=stripe_id("we"),
            secret=_new_secret(),
            older_secret=_new_secret(),
            created=self.now(),
            url=request.url,
            enabled_events=request.enabled_events,
            description=request.description,
        )
        self.endpoints[endpoint.id] = endpoint
        return endpoint

    def find(self, reference: str) -> JsonObject | None:
        """Return the present state of an object that an answer may expand, or None."""
        renderings: tuple[JsonObject | None, ...] = (
            _rendered(self.intents, reference, payment_objects.payment_intent),
            _rendered(self.charges, reference, payment_objects.charge),
            _rendered(self.balance.transactions, reference, self.render_transaction),
            _rendered(self.refunds, reference, claim_objects.refund),
            _rendered(self.hidden_refunds, reference, claim_objects.refund),
            _rendered(self.disputes, reference, claim_objects.dispute),
            _rendered(self.payouts, reference, balance_objects.payout),
            _rendered(self.topups, reference, balance_objects.topup),
            _rendered(self.transfers, reference, balance_objects.transfer),
            _rendered(self.methods, reference, payment_objects.payment_method),
            balance_objects.reserve_hold(reference),
        )
        return next((one for one in renderings if one is not None), None)

    def render_transaction(self, transaction: StripeBalanceTransaction) -> JsonObject:
        """Return a balance transaction in its present status."""
        return balance_objects.balance_transaction(transaction, self.now())

    def render_event(self, event: StripeEvent) -> JsonObject:
        """Return an event in the form in which it would be delivered now."""
        return objects.event_object(event, self.courier.open_deliveries(event.id))

    def tell_of_intent(self, happened: str, intent: Intent, cause: EventCause) -> None:
        """Send an event of an intent, such as ``succeeded``."""
        self._send(f"payment_intent.{happened}", payment_objects.payment_intent(intent), cause)

    def tell_of_charge(
        self,
        happened: str,
        charge: StripeCharge,
        cause: EventCause,
        previous: JsonObject | None = None,
    ) -> None:
        """Send an event of a charge, such as ``captured``."""
        self._send(f"charge.{happened}", payment_objects.charge(charge), cause, previous)

    def tell_of_refund(self, event_type: str, refund: StripeRefund, cause: EventCause) -> None:
        """Send an event of a refund. Its type is given in full: two families of events exist."""
        self._send(event_type, claim_objects.refund(refund), cause)

    def tell_of_dispute(self, happened: str, dispute: StripeDispute, cause: EventCause) -> None:
        """Send an event of a dispute, such as ``created``."""
        self._send(f"charge.dispute.{happened}", claim_objects.dispute(dispute), cause)

    def tell(self, event_type: str, subject: JsonObject, cause: EventCause) -> None:
        """Send an event of another object."""
        self._send(event_type, subject, cause)

    @contextmanager
    def silence(self, *, unless: bool) -> Iterator[None]:
        """Send no events inside the block, unless the argument is true."""
        self._silent = not unless
        try:
            yield
        finally:
            self._silent = False

    def later(self, happen: Callable[[], object]) -> None:
        """Call ``happen`` after the bank's settling time, unless the account closes before."""
        loop = asyncio.get_running_loop()

        def fire() -> None:
            self._to_come.discard(handle)
            happen()

        handle = loop.call_later(SETTLING_SECONDS, fire)
        self._to_come.add(handle)

    def now(self) -> int:
        """Return the time in Unix seconds."""
        return int(self._clock.now().timestamp())

    async def aclose(self) -> None:
        """Cancel all scheduled changes and deliveries."""
        for handle in self._to_come:
            handle.cancel()
        await self.courier.aclose()

    def _send(
        self,
        event_type: str,
        subject: JsonObject,
        cause: EventCause,
        previous: JsonObject | None = None,
    ) -> None:
        """Send the event of a change. The fault plan may send a second one with another id."""
        if self._silent:
            return
        chosen = self.balance.settings.chosen
        for _ in range(2 if self.courier.faults.twins() else 1):
            self._announce(
                StripeEvent(
                    stripe_id("evt"),
                    event_type,
                    self.now(),
                    subject,
                    cause,
                    previous,
                    chosen.livemode,
                    chosen.connected_account,
                )
            )

    def _announce(self, event: StripeEvent) -> None:
        self.events[event.id] = event
        wanted = [endpoint for endpoint in self.endpoints.values() if endpoint.wants(event.type)]
        deliveries = [self._delivery(event, endpoint) for endpoint in wanted]
        self.courier.announce(event.id, event.type, deliveries)

    def _delivery(self, event: StripeEvent, endpoint: WebhookEndpoint) -> Delivery:
        return Delivery(endpoint.url, lambda signing: self._letter(event, endpoint, signing))

    def _letter(
        self, event: StripeEvent, endpoint: WebhookEndpoint, signing: Signing
    ) -> Letter | None:
        if endpoint.id not in self.endpoints:
            return None
        body = encode(self.render_event(event))
        secret = _new_secret() if signing.wrong_secret else endpoint.secret
        older = [endpoint.older_secret] if signing.two_secrets else []
        signed_at = self.now() - signing.stale_seconds
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": stripe_signature(secret, body, signed_at, *older),
        }
        return Letter(body, headers)


def _new_secret() -> str:
    return f"whsec_{secret_text(32)}"


Thing = TypeVar("Thing")


def _rendered(
    things: Mapping[str, Thing], reference: str, render: Callable[[Thing], JsonObject]
) -> JsonObject | None:
    return render(things[reference]) if reference in things else None


def enter(entries: list[BookEntry], entry: BookEntry) -> None:
    """Add ``entry`` to the books, or replace the entry with the same id."""
    for position, known in enumerate(entries):
        if known.id == entry.id:
            entries[position] = entry
            return
    entries.append(entry)
