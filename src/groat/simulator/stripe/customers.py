"""Customers, and their JSON in Stripe's API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from groat.simulator.wire import JsonObject


@dataclass(frozen=True, slots=True)
class StripeCustomer:
    """A customer, as far as the simulator shows it."""

    id: str
    created: int
    description: str | None
    email: str | None
    name: str | None
    phone: str | None
    metadata: Mapping[str, str]


def customer_object(customer: StripeCustomer) -> JsonObject:
    """Return a customer."""
    return {
        "id": customer.id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": customer.created,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": customer.description,
        "discount": None,
        "email": customer.email,
        "invoice_prefix": customer.id[-8:].upper(),
        "livemode": False,
        "metadata": customer.metadata,
        "name": customer.name,
        "phone": customer.phone,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
