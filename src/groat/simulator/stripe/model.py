"""What the stand-in for Stripe remembers. Amounts are in minor units, times in Unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from groat.simulator.stripe.cards import Card
from groat.simulator.wire import JsonObject


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment intent before anything was charged."""

    id: str
    client_secret: str
    created: int
    amount: int
    currency: str
    capture_method: str
    payment_method_types: tuple[str, ...]
    description: str | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt to charge an intent; the card says whether it was declined."""

    id: str
    intent: Intent
    payment_method: str
    card: Card
    balance_transaction: str | None

    @property
    def paid(self) -> bool:
        """Whether money was taken."""
        return self.card.decline is None


@dataclass(frozen=True, slots=True)
class Cause:
    """The request that made something happen."""

    request_id: str
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, with the object as it was at that moment."""

    id: str
    type: str
    created: int
    subject: JsonObject
    cause: Cause


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a client wants to hear of events."""

    id: str
    secret: str
    created: int
    url: str
    enabled_events: tuple[str, ...]
    description: str | None

    def wants(self, event_type: str) -> bool:
        """Tell whether events of this type go there."""
        return "*" in self.enabled_events or event_type in self.enabled_events
