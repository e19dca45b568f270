"""Stripe's objects in JSON, in the form of its API reference."""

from __future__ import annotations

from collections.abc import Sequence

from groat.simulator.stripe.model import StripeBalanceTransaction, StripeEvent, WebhookEndpoint
from groat.simulator.wire import JsonObject

API_VERSION = "2026-10-28.endive"
"""The API version of the account and of its events."""

_SETTLING_SECONDS = 2 * 24 * 3600


def event_object(event: StripeEvent, pending_webhooks: int) -> JsonObject:
    """Return an event. ``pending_webhooks`` changes over time, and so do the event's bytes."""
    return {
        "id": event.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": event.created,
        "data": {"object": event.subject},
        "livemode": False,
        "pending_webhooks": pending_webhooks,
        "request": {
            "id": event.cause.request_id,
            "idempotency_key": event.cause.idempotency_key,
        },
        "type": event.type,
    }


def webhook_endpoint(endpoint: WebhookEndpoint) -> JsonObject:
    """Return an endpoint without its secret, which only the answer to its creation has."""
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": endpoint.created,
        "description": endpoint.description,
        "enabled_events": endpoint.enabled_events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": endpoint.url,
    }


def list_object(url: str, data: Sequence[JsonObject], *, has_more: bool) -> JsonObject:
    """Return one page of a list."""
    return {"object": "list", "url": url, "has_more": has_more, "data": data}


def balance_transaction(transaction: StripeBalanceTransaction) -> JsonObject:
    """Return a change of the account's balance."""
    fee = {
        "amount": transaction.fee,
        "application": None,
        "currency": transaction.currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    return {
        "id": transaction.id,
        "object": "balance_transaction",
        "amount": transaction.amount,
        "available_on": transaction.created + _SETTLING_SECONDS,
        "balance_type": "payments",
        "created": transaction.created,
        "currency": transaction.currency,
        "description": None,
        "exchange_rate": None,
        "fee": transaction.fee,
        "fee_details": [fee] if transaction.fee else [],
        "net": transaction.amount - transaction.fee,
        "reporting_category": transaction.reporting_category,
        "source": transaction.source,
        "status": "pending",
        "type": transaction.kind,
    }
