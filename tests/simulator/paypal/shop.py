"""What the tests of the stand-in for PayPal have in common."""

from __future__ import annotations

import json
from typing import Any

import httpx

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
