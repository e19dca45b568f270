"""A shop that is paid through the official SDK, unchanged, against the stand-in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe


def stripe_client(host: str, http_client: stripe.HTTPXClient) -> stripe.StripeClient:
    """Return the official client of a simulator."""
    return stripe.StripeClient(
        "sk_test_1",
        base_addresses={"api": host},
        http_client=http_client,
        max_network_retries=0,
    )


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


async def act(control: httpx.AsyncClient, action: str, **parameters: Any) -> Any:
    """Perform an action of the back office; return the object that it made or changed."""
    reply = await control.post(f"/_simulator/actions/{action}", json=parameters)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def choose(control: httpx.AsyncClient, **settings: Any) -> None:
    """Set the account's settings."""
    reply = await control.put("/_simulator/account", json=settings)
    assert reply.status_code == 200, reply.text


async def rows_of(client: stripe.StripeClient, **filters: Any) -> list[stripe.BalanceTransaction]:
    """Return balance transactions, oldest first, from all pages of their list."""
    request: Any = {"limit": 2, **filters}
    listed = await client.v1.balance_transactions.list_async(request)
    return [row async for row in listed.auto_paging_iter()][::-1]


def told_amounts(rows: list[stripe.BalanceTransaction]) -> list[tuple[str, int, int, str]]:
    return [(row.reporting_category, row.amount, row.fee, row.currency) for row in rows]


async def balance_of(client: stripe.StripeClient, currency: str) -> tuple[int, int]:
    """Return the available and the pending amount of a currency."""
    shown = await client.v1.balance.retrieve_async()
    parts = (shown.available, shown.pending)
    available, pending = (
        sum(one.amount for one in part if one.currency == currency) for part in parts
    )
    return available, pending
