"""Stripe's objects in JSON, in the form of its API reference."""

from __future__ import annotations

from collections.abc import Sequence

from groat.simulator.stripe.model import StripeEvent, WebhookEndpoint
from groat.simulator.wire import JsonObject

API_VERSION = "2026-10-28.endive"
"""The API version of the account and of its events."""


def event_object(event: StripeEvent, pending_webhooks: int) -> JsonObject:
    """Return an event. ``pending_webhooks`` changes over time, and so do the event's bytes."""
    previous = {} if event.previous is None else {"previous_attributes": event.previous}
    return {
        "id": event.id,
        "object": "event",
        **({} if event.account is None else {"account": event.account}),
        "api_version": API_VERSION,
        "created": event.created,
        "data": {"object": event.subject, **previous},
        "livemode": event.livemode,
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
