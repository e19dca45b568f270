"""What the tests of the stand-in for PayPal have in common."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx

from tests.support.clock import ManualClock
from tests.support.http_servers import Receiver, settled

AUTHORIZATIONS = "/v2/payments/authorizations"
CAPTURES = "/v2/payments/captures"
DISPUTES = "/v1/customer/disputes"
ORDERS = "/v2/checkout/orders"
WEBHOOKS = "/v1/notifications/webhooks"


def order(
    token: str = "vault_visa",
    value: str = "10.50",
    currency: str = "EUR",
    intent: str = "CAPTURE",
) -> Any:
    return {
        "intent": intent,
        "purchase_units": [
            {
                "reference_id": "only",
                "custom_id": "pay_1",
                "invoice_id": "op_1",
                "amount": {"currency_code": currency, "value": value},
            }
        ],
        "payment_source": {"card": {"vault_id": token}},
    }


async def pay(
    paypal_http: httpx.AsyncClient, body: Any = None, request_id: str = "op_1"
) -> httpx.Response:
    headers = {"PayPal-Request-Id": request_id}
    return await paypal_http.post(ORDERS, json=body or order(), headers=headers)


async def listen(paypal_http: httpx.AsyncClient, url: str, event_type: str = "*") -> str:
    body = {"url": url, "event_types": [{"name": event_type}]}
    reply = await paypal_http.post(WEBHOOKS, json=body)
    assert reply.status_code == 201
    webhook_id: str = reply.json()["id"]
    return webhook_id


def first_capture(reply: httpx.Response) -> Any:
    (unit,) = reply.json()["purchase_units"]
    (capture,) = unit["payments"]["captures"]
    return capture


async def authorize(
    paypal_http: httpx.AsyncClient, token: str = "vault_visa", value: str = "10.50"
) -> Any:
    """Return the order of an authorization."""
    return (await pay(paypal_http, order(token, value, intent="AUTHORIZE"))).json()


def first_authorization(shown: Any) -> Any:
    (unit,) = shown["purchase_units"]
    (authorization,) = unit["payments"]["authorizations"]
    return authorization


async def capture(
    paypal_http: httpx.AsyncClient, authorization_id: str, value: str | None = None, **more: Any
) -> httpx.Response:
    amount = {} if value is None else {"amount": {"currency_code": "EUR", "value": value}}
    path = f"{AUTHORIZATIONS}/{authorization_id}/capture"
    return await paypal_http.post(path, json={**amount, **more})


async def refund(
    paypal_http: httpx.AsyncClient, capture_id: str, value: str | None = None, **more: Any
) -> httpx.Response:
    amount = {} if value is None else {"amount": {"currency_code": "EUR", "value": value}}
    return await paypal_http.post(f"{CAPTURES}/{capture_id}/refund", json={**amount, **more})


async def pull(paypal_http: httpx.AsyncClient, trigger: str, order_id: str) -> int:
    """Let something happen to an order; return the status of the answer."""
    reply = await paypal_http.post(f"/_simulator/triggers/{trigger}", json={"id": order_id})
    return reply.status_code


async def books(paypal_http: httpx.AsyncClient) -> Any:
    return (await paypal_http.get("/_simulator/books")).json()


def issue(reply: httpx.Response) -> str:
    """Return why PayPal refused."""
    (detail,) = reply.json()["details"]
    text: str = detail["issue"]
    return text


def links(shown: Any) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in shown["links"]}


async def told(paypal_http: httpx.AsyncClient, receiver: Receiver) -> list[Any]:
    """Return the events that were delivered, in the order of their types."""
    await settled(paypal_http)
    events = [json.loads(delivery.body) for delivery in receiver.deliveries]
    return sorted(events, key=lambda event: str(event["event_type"]))


async def types(paypal_http: httpx.AsyncClient, receiver: Receiver) -> list[str]:
    return [event["event_type"] for event in await told(paypal_http, receiver)]


@asynccontextmanager
async def access(host: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client with an access token."""
    async with httpx.AsyncClient(base_url=host) as client:
        grant = {"grant_type": "client_credentials"}
        token = await client.post("/v1/oauth2/token", data=grant, auth=("client", "secret"))
        client.headers["Prefer"] = "return=representation"
        client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        yield client


async def act(paypal_http: httpx.AsyncClient, action: str, **parameters: Any) -> Any:
    """Perform an action of the back office; return the object that it made or changed."""
    reply = await paypal_http.post(f"/_simulator/actions/{action}", json=parameters)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def choose(paypal_http: httpx.AsyncClient, **settings: Any) -> None:
    """Set the account's settings."""
    reply = await paypal_http.put("/_simulator/account", json=settings)
    assert reply.status_code == 200, reply.text


async def search(
    paypal_http: httpx.AsyncClient, clock: ManualClock, status: int = 200, **filters: Any
) -> Any:
    """Search the rows of the last 31 days."""
    window = {
        "start_date": (clock.now() - timedelta(days=30)).isoformat(),
        "end_date": (clock.now() + timedelta(days=1)).isoformat(),
    }
    query = {**window, "fields": "all", "page_size": 500, **filters}
    reply = await paypal_http.get("/v1/reporting/transactions", params=query)
    assert reply.status_code == status, reply.text
    return reply.json()


async def rows(paypal_http: httpx.AsyncClient, clock: ManualClock, **filters: Any) -> list[Any]:
    found = await search(paypal_http, clock, **filters)
    return [one["transaction_info"] for one in found.get("transaction_details", [])]


async def balances(paypal_http: httpx.AsyncClient, **query: str) -> dict[str, tuple[str, str, str]]:
    """Return the total, available and withheld balance of each currency."""
    reply = await paypal_http.get("/v1/reporting/balances", params=query)
    assert reply.status_code == 200, reply.text
    parts = ("total_balance", "available_balance", "withheld_balance")
    return {
        one["currency"]: (one[parts[0]]["value"], one[parts[1]]["value"], one[parts[2]]["value"])
        for one in reply.json()["balances"]
    }
