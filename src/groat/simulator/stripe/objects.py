"""Stripe's objects as they go over the wire, in the shape of its API reference."""

from __future__ import annotations

from collections.abc import Sequence

from groat.simulator.stripe.cards import Card, Decline
from groat.simulator.stripe.model import Charge, Endpoint, Event, Intent
from groat.simulator.wire import JsonObject

API_VERSION = "2026-10-28.endive"
"""The API version of the account, which is that of its events."""

_NO_ADDRESS = {
    "address": {
        "city": None,
        "country": None,
        "line1": None,
        "line2": None,
        "postal_code": None,
        "state": None,
    },
    "email": None,
    "name": None,
    "phone": None,
}


def payment_intent(intent: Intent, charge: Charge | None) -> JsonObject:
    """Return the intent after ``charge``, or as it was made."""
    paid = charge is not None and charge.card.decline is None
    return {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": intent.amount if paid else 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": intent.capture_method,
        "client_secret": intent.client_secret,
        "confirmation_method": "automatic",
        "created": intent.created,
        "currency": intent.currency,
        "customer": None,
        "description": intent.description,
        "last_payment_error": last_payment_error(charge) if charge else None,
        "latest_charge": charge.id if charge else None,
        "livemode": False,
        "metadata": intent.metadata,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": charge.payment_method if charge and paid else None,
        "payment_method_options": {},
        "payment_method_types": intent.payment_method_types,
        "processing": None,
        "receipt_email": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded" if paid else "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def charge_object(charge: Charge) -> JsonObject:
    """Return a charge. Its metadata and description are the intent's, copied."""
    intent, decline = charge.intent, charge.card.decline
    paid = decline is None
    return {
        "id": charge.id,
        "object": "charge",
        "amount": intent.amount,
        "amount_captured": intent.amount if paid else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": charge.balance_transaction,
        "billing_details": _NO_ADDRESS,
        "calculated_statement_descriptor": "GROAT SIMULATOR",
        "captured": paid,
        "created": intent.created,
        "currency": intent.currency,
        "customer": None,
        "description": intent.description,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent.metadata,
        "on_behalf_of": None,
        "outcome": _outcome(decline),
        "paid": paid,
        "payment_intent": intent.id,
        "payment_method": charge.payment_method,
        "payment_method_details": {"card": _card(charge.card), "type": "card"},
        "receipt_email": None,
        "receipt_url": None,
        "refunded": False,
        "shipping": None,
        "statement_descriptor": None,
        "status": "succeeded" if paid else "failed",
    }


def last_payment_error(charge: Charge) -> JsonObject | None:
    """Return the ``card_error`` of a declined charge."""
    decline = charge.card.decline
    if decline is None:
        return None
    error: JsonObject = {
        "charge": charge.id,
        "code": decline.code,
        "message": decline.message,
        "payment_method": _payment_method(charge),
        "type": "card_error",
    }
    if decline.decline_code is None:
        return error
    return {**error, "decline_code": decline.decline_code}


def decline_reply(intent: JsonObject, charge: Charge) -> JsonObject:
    """Return the body of the 402 for a declined charge, which carries the intent."""
    return {"error": {**(last_payment_error(charge) or {}), "payment_intent": intent}}


def event_object(event: Event, pending_webhooks: int) -> JsonObject:
    """Return an event. ``pending_webhooks`` is of this moment, so its bytes are too."""
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


def webhook_endpoint(endpoint: Endpoint) -> JsonObject:
    """Return an endpoint without its secret, which is shown once, at its creation."""
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


def _payment_method(charge: Charge) -> JsonObject:
    return {
        "id": charge.payment_method,
        "object": "payment_method",
        "billing_details": _NO_ADDRESS,
        "card": _card(charge.card),
        "created": charge.intent.created,
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def _card(card: Card) -> JsonObject:
    return {
        "brand": card.brand,
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "funding": "credit",
        "last4": card.last4,
    }


def _outcome(decline: Decline | None) -> JsonObject:
    if decline is None:
        return {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "network_status": "declined_by_network",
        "reason": decline.decline_code or decline.code,
        "risk_level": "normal",
        "seller_message": "The bank did not accept this charge.",
        "type": "issuer_declined",
    }
