"""What the stand-in for PayPal remembers."""

from __future__ import annotations

from dataclasses import dataclass

from groat.kernel.money import Money
from groat.simulator.paypal.requests import PurchaseUnit
from groat.simulator.paypal.vault import APPROVED
from groat.simulator.wire import JsonObject


@dataclass(frozen=True, slots=True)
class Capture:
    """One attempt to take an order's money."""

    id: str
    order_id: str
    created: str
    money: Money
    unit: PurchaseUnit
    response_code: str

    @property
    def paid(self) -> bool:
        """Whether money was taken."""
        return self.response_code == APPROVED


@dataclass(frozen=True, slots=True)
class Order:
    """An order, always with its one capture."""

    id: str
    created: str
    capture: Capture


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as it is delivered: every delivery has the same bytes."""

    id: str
    type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a client wants to hear of events."""

    id: str
    url: str
    event_types: tuple[str, ...]

    def wants(self, event_type: str) -> bool:
        """Tell whether events of this type go there."""
        return "*" in self.event_types or event_type in self.event_types


@dataclass(frozen=True, slots=True)
class Happening:
    """What an event tells: its type, a summary for people, and the object it is about."""

    event_type: str
    resource_type: str
    summary: str
    resource: JsonObject
