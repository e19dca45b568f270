"""Stripe's events about payments of ours: one, or two that tell the same, or a dispute besides."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from groat.simulator.signatures import stripe_signature

SECRET = "whsec_of_the_faults"
MOST_DELIVERIES = 5
PERIOD, EVENTS_IN_PERIOD = 8, 11
"""Eight payments have eleven events: see ``events_of``."""


class Payment(NamedTuple):
    """A payment that waits for its answer. ``reference`` is its id as Stripe gives it back."""

    number: int
    reference: str
    amount: int

    @property
    def charge(self) -> str:
        return f"ch_{self.number}"

    @property
    def intent(self) -> str:
        return f"pi_{self.number}"

    @property
    def dispute(self) -> str:
        return f"dp_{self.number}"


class Event(NamedTuple):
    """An event of Stripe's, and the payment that it is about."""

    id: str
    type: str
    payment: Payment
    body: bytes

    @property
    def captures(self) -> bool:
        """Whether it tells of the money taken, and not of a dispute."""
        return self.type != "charge.dispute.funds_withdrawn"


def charge_succeeded(payment: Payment) -> Event:
    charge = {
        "object": "charge",
        "id": payment.charge,
        "status": "succeeded",
        "captured": True,
        "currency": "eur",
        "amount": payment.amount,
        "amount_captured": payment.amount,
        "payment_intent": payment.intent,
        "metadata": {"groat_payment": payment.reference},
    }
    return _event("charge.succeeded", payment, charge)


def intent_succeeded(payment: Payment) -> Event:
    intent = {
        "object": "payment_intent",
        "id": payment.intent,
        "status": "succeeded",
        "currency": "eur",
        "amount_received": payment.amount,
        "latest_charge": payment.charge,
        "metadata": {"groat_payment": payment.reference},
    }
    return _event("payment_intent.succeeded", payment, intent)


def funds_withdrawn(payment: Payment) -> Event:
    dispute = {
        "object": "dispute",
        "id": payment.dispute,
        "status": "needs_response",
        "currency": "eur",
        "amount": payment.amount,
        "charge": payment.charge,
        "payment_intent": payment.intent,
        "balance_transactions": [
            {
                "object": "balance_transaction",
                "id": f"txn_{payment.dispute}",
                "amount": -payment.amount,
                "fee": 0,
                "net": -payment.amount,
                "currency": "eur",
                "reporting_category": "dispute",
                "created": 1_767_312_000,
            }
        ],
    }
    return _event("charge.dispute.funds_withdrawn", payment, dispute)


def events_of(payment: Payment) -> list[Event]:
    """Return what Stripe has to say about a payment."""
    match payment.number % PERIOD:
        case 0:
            return [intent_succeeded(payment)]
        case 1:
            return [charge_succeeded(payment), intent_succeeded(payment)]
        case 2:
            return [
                charge_succeeded(payment),
                intent_succeeded(payment),
                funds_withdrawn(payment),
            ]
        case _:
            return [charge_succeeded(payment)]


def signature(body: bytes) -> str:
    """Return the ``Stripe-Signature`` of ``body``, made now."""
    return stripe_signature(SECRET, body, int(time.time()))


def deliveries(events: Sequence[Event], chance: Random) -> list[Event]:
    """Return the order of deliveries: each event one to five times, all of them shuffled.

    A dispute comes late, and what it builds on early: it may have to wait for minutes otherwise.
    """
    disputed = {event.payment for event in events if not event.captures}
    placed = [
        (_place(event, disputed, chance), event)
        for event in events
        for _ in range(chance.randint(1, MOST_DELIVERIES))
    ]
    return [event for _, event in sorted(placed, key=lambda one: one[0])]


def _place(event: Event, disputed: set[Payment], chance: Random) -> float:
    if not event.captures:
        return chance.uniform(0.7, 1)
    return chance.uniform(0, 0.5 if event.payment in disputed else 1)


def _event(event_type: str, payment: Payment, subject: dict[str, object]) -> Event:
    event_id = f"evt_{payment.number}_{subject['object']}"
    document = {
        "id": event_id,
        "object": "event",
        "type": event_type,
        "data": {"object": subject},
    }
    return Event(event_id, event_type, payment, json.dumps(document).encode())
