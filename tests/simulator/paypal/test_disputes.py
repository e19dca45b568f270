"""Disputes at the stand-in for PayPal."""

from __future__ import annotations

from typing import Any

import httpx

from tests.simulator.paypal.shop import (
    CAPTURES,
    DISPUTES,
    ORDERS,
    books,
    links,
    listen,
    order,
    pay,
    pull,
    refund,
    told,
    types,
)
from tests.support.http_servers import Receiver, settled


async def _disputed(paypal_http: httpx.AsyncClient) -> tuple[str, Any]:
    """Return the id of a disputed order, and its dispute."""
    reply = await pay(paypal_http, order("vault_dispute"))
    (item,) = (await paypal_http.get(DISPUTES)).json()["items"]
    shown = (await paypal_http.get(f"{DISPUTES}/{item['dispute_id']}")).json()
    return reply.json()["id"], shown


async def test_a_dispute_is_about_a_capture(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(paypal_http, receiver.url, "CUSTOMER.DISPUTE.CREATED")
    order_id, dispute = await _disputed(paypal_http)
    (unit,) = (await paypal_http.get(f"{ORDERS}/{order_id}")).json()["purchase_units"]
    capture_id = unit["payments"]["captures"][0]["id"]
    assert dispute["status"] == "OPEN"
    assert dispute["dispute_amount"]["value"] == "10.50"
    (transaction,) = dispute["disputed_transactions"]
    assert transaction["seller_transaction_id"] == capture_id
    for asked, found in ((capture_id, 1), ("x", 0)):
        listed = await paypal_http.get(DISPUTES, params={"disputed_transaction_id": asked})
        assert len(listed.json()["items"]) == found
    (event,) = await told(paypal_http, receiver)
    assert (event["resource_type"], event["resource"]) == ("dispute", dispute)
    assert await pull(paypal_http, "dispute", order_id) == 409


async def test_a_won_dispute_leaves_the_money(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(paypal_http, receiver.url)
    order_id, dispute = await _disputed(paypal_http)
    assert await pull(paypal_http, "dispute_review", order_id) == 200
    assert await pull(paypal_http, "dispute_review", order_id) == 409
    assert await pull(paypal_http, "dispute_won", order_id) == 200
    assert await pull(paypal_http, "dispute_lost", order_id) == 409
    resolved = (await paypal_http.get(f"{DISPUTES}/{dispute['dispute_id']}")).json()
    assert resolved["dispute_outcome"]["outcome_code"] == "RESOLVED_SELLER_FAVOUR"
    assert [entry["status"] for entry in (await books(paypal_http))["disputes"]] == ["declined"]
    assert await types(paypal_http, receiver) == [
        "CHECKOUT.ORDER.COMPLETED",
        "CUSTOMER.DISPUTE.CREATED",
        "CUSTOMER.DISPUTE.RESOLVED",
        "CUSTOMER.DISPUTE.UPDATED",
        "PAYMENT.CAPTURE.COMPLETED",
    ]


async def test_a_lost_dispute_takes_the_remaining_amount(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(paypal_http, receiver.url, "PAYMENT.CAPTURE.REVERSED")
    order_id, dispute = await _disputed(paypal_http)
    capture_id = dispute["disputed_transactions"][0]["seller_transaction_id"]
    await refund(paypal_http, capture_id, "1.00")
    assert await pull(paypal_http, "dispute_lost", order_id) == 200
    (event,) = await told(paypal_http, receiver)
    assert event["resource_type"] == "refund"
    reversal = event["resource"]
    assert reversal["amount"]["value"] == "9.50"
    assert reversal["note_to_payer"] == "Payment reversed"
    assert (await paypal_http.get(links(reversal)["self"])).json() == reversal
    assert (await paypal_http.get(f"{CAPTURES}/{capture_id}")).json()["status"] == "REFUNDED"
    (entry,) = (await books(paypal_http))["disputes"]
    assert (entry["status"], entry["amount"], entry["parent"]) == ("succeeded", 950, capture_id)
    resolved = (await paypal_http.get(f"{DISPUTES}/{dispute['dispute_id']}")).json()
    given_back = resolved["dispute_outcome"]["amount_refunded"]  # the refund is a part of it
    assert given_back["value"] == "10.50"


async def test_a_lost_dispute_of_a_refunded_capture_takes_nothing(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(paypal_http, receiver.url, "PAYMENT.CAPTURE.REVERSED")
    order_id, dispute = await _disputed(paypal_http)
    await refund(paypal_http, dispute["disputed_transactions"][0]["seller_transaction_id"])
    assert await pull(paypal_http, "dispute_lost", order_id) == 200
    assert (await settled(paypal_http))["attempted"] == 0
