"""A shop that is paid through the official SDK, unchanged, against the stand-in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe


def order(payment_method: str = "pm_card_visa", **changes: Any) -> Any:
    return {
        "amount": 1050,
        "currency": "eur",
        "confirm": True,
        "payment_method": payment_method,
        "payment_method_types": ["card"],
        "capture_method": "automatic",
        "description": "Two books",
        "metadata": {"groat_payment": "pay_1", "shelf": "Ä & b=c"},
        **changes,
    }


async def pay(client: stripe.StripeClient, **changes: Any) -> stripe.PaymentIntent:
    return await client.v1.payment_intents.create_async(order(**changes))


async def authorize(client: stripe.StripeClient, **changes: Any) -> stripe.PaymentIntent:
    return await pay(client, capture_method="manual", **changes)


async def decline(client: stripe.StripeClient, payment_method: str, **changes: Any) -> Any:
    with pytest.raises(stripe.CardError) as refusal:
        await pay(client, payment_method=payment_method, **changes)
    assert refusal.value.http_status == 402
    return refusal.value.error


async def charge_of(client: stripe.StripeClient, intent: stripe.PaymentIntent) -> stripe.Charge:
    return await client.v1.charges.retrieve_async(str(intent.latest_charge))


async def told_of(client: stripe.StripeClient) -> list[str]:
    """Return the types of all events, in the order in which they happened."""
    events = (await client.v1.events.list_async({"limit": 100})).data
    return [str(event.type) for event in reversed(events)]


async def books(control: httpx.AsyncClient) -> Any:
    return (await control.get("/_simulator/books")).json()


async def pull(control: httpx.AsyncClient, trigger: str, intent_id: str) -> int:
    """Pull a trigger; return the status."""
    reply = await control.post(f"/_simulator/triggers/{trigger}", json={"id": intent_id})
    return reply.status_code


def refused(error: pytest.ExceptionInfo[stripe.InvalidRequestError]) -> tuple[Any, Any]:
    return error.value.http_status, error.value.code
