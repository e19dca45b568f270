"""PayPal's events: searched, shown, and what the fault plan does to their deliveries."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.simulator.paypal.shop import (
    authorize,
    first_authorization,
    first_capture,
    listen,
    order,
    pay,
    refund,
)
from tests.support.clock import ManualClock
from tests.support.http_servers import Received, Receiver, settled, until

EVENTS = "/v1/notifications/webhooks-events"
OF_A_PAYMENT = ["CHECKOUT.ORDER.COMPLETED", "PAYMENT.CAPTURE.COMPLETED"]


async def found(paypal_http: httpx.AsyncClient, **params: str | int) -> list[str]:
    shown = (await paypal_http.get(EVENTS, params=params)).json()
    assert shown["count"] == len(shown["events"])
    return [event["event_type"] for event in shown["events"]]


async def test_events_are_listed_newest_first(paypal_http: httpx.AsyncClient) -> None:
    assert await found(paypal_http) == []
    await pay(paypal_http)
    assert await found(paypal_http) == OF_A_PAYMENT
    await pay(paypal_http, order("vault_declined"), "op_2")
    assert await found(paypal_http) == ["PAYMENT.CAPTURE.DECLINED", *OF_A_PAYMENT]


async def test_a_listed_event_equals_the_delivered_event(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(paypal_http, receiver.url, "PAYMENT.CAPTURE.COMPLETED")
    await pay(paypal_http)
    await settled(paypal_http)
    (delivery,) = receiver.deliveries
    listed = (await paypal_http.get(EVENTS)).json()["events"][1]
    assert listed == json.loads(delivery.body)
    shown = await paypal_http.get(listed["links"][0]["href"])
    assert shown.content == delivery.body


async def test_an_unknown_event_is_not_found(paypal_http: httpx.AsyncClient) -> None:
    reply = await paypal_http.get(f"{EVENTS}/WH-1")
    assert (reply.status_code, reply.json()["name"]) == (404, "RESOURCE_NOT_FOUND")


async def test_events_are_filtered_by_transaction(paypal_http: httpx.AsyncClient) -> None:
    first = first_capture(await pay(paypal_http, order("vault_dispute")))["id"]
    other = first_capture(await pay(paypal_http, request_id="op_2"))["id"]
    given_back = (await refund(paypal_http, other)).json()["id"]
    reserved = first_authorization(await authorize_anew(paypal_http))["id"]
    assert await found(paypal_http, transaction_id=first) == [
        "CUSTOMER.DISPUTE.CREATED",
        "PAYMENT.CAPTURE.COMPLETED",
    ]
    assert await found(paypal_http, transaction_id=other) == ["PAYMENT.CAPTURE.COMPLETED"]
    assert await found(paypal_http, transaction_id=given_back) == ["PAYMENT.CAPTURE.REFUNDED"]
    assert await found(paypal_http, transaction_id=reserved) == ["PAYMENT.AUTHORIZATION.CREATED"]
    assert await found(paypal_http, transaction_id="x") == []


async def authorize_anew(paypal_http: httpx.AsyncClient) -> Any:
    return (await pay(paypal_http, order(intent="AUTHORIZE"), "op_3")).json()


async def test_events_are_filtered_by_type(paypal_http: httpx.AsyncClient) -> None:
    await authorize(paypal_http)
    one = "PAYMENT.AUTHORIZATION.CREATED"
    assert await found(paypal_http, event_type=one) == [one]


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [(None, None, 4), (0, None, 4), (1, None, 2), (None, 0, 2), (0, 9, 2), (0, 10, 4), (1, 9, 0)],
)
async def test_events_are_filtered_by_time(
    paypal_http: httpx.AsyncClient,
    clock: ManualClock,
    start: int | None,
    end: int | None,
    count: int,
) -> None:
    """Two payments ten seconds apart; the bounds are seconds after the first."""
    first = clock.now()
    await pay(paypal_http)
    clock.advance(timedelta(seconds=10))
    await pay(paypal_http, request_id="op_2")
    bounds = {"start_time": start, "end_time": end}
    params: dict[str, str | int] = {
        name: (first + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, seconds in bounds.items()
        if seconds is not None
    }
    assert len(await found(paypal_http, **params)) == count


async def test_pages_are_linked(paypal_http: httpx.AsyncClient) -> None:
    for number in range(6):
        await pay(paypal_http, request_id=f"op_{number}")
    assert len(await found(paypal_http)) == 10
    sizes, ids = [], []
    url: str | None = f"{EVENTS}?page_size=5&event_type=PAYMENT.CAPTURE.COMPLETED"
    while url is not None:
        page = (await paypal_http.get(url)).json()
        sizes.append(page["count"])
        ids += [event["id"] for event in page["events"]]
        following = {link["rel"]: link["href"] for link in page["links"]}
        url = following.get("next")
    assert sizes == [5, 1]
    assert len(set(ids)) == 6


async def test_new_events_do_not_shift_a_page(paypal_http: httpx.AsyncClient) -> None:
    await pay(paypal_http, request_id="op_1")
    listed = await found(paypal_http)
    page = (await paypal_http.get(f"{EVENTS}?page_size=1")).json()
    await pay(paypal_http, request_id="op_2")
    (following,) = [link["href"] for link in page["links"] if link["rel"] == "next"]
    assert "move_to=next" in following
    page = (await paypal_http.get(following)).json()
    assert [event["event_type"] for event in page["events"]] == listed[1:]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("page_size", "0"),
        ("page_size", "301"),
        ("page_size", "ten"),
        ("start_time", "yesterday"),
        ("end_time", "2026-01-01T00:00:00"),
        ("colour", "red"),
    ],
)
async def test_an_invalid_search_is_refused(
    paypal_http: httpx.AsyncClient, parameter: str, value: str
) -> None:
    reply = await paypal_http.get(EVENTS, params={parameter: value})
    assert (reply.status_code, reply.json()["name"]) == (400, "INVALID_REQUEST")
    (detail,) = reply.json()["details"]
    assert (detail["field"], detail["location"]) == (f"/{parameter}", "query")


async def test_a_dropped_event_is_still_listed(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await paypal_http.put("/_simulator/faults", json={"drop": 1})
    await listen(paypal_http, receiver.url)
    await pay(paypal_http)
    assert (await settled(paypal_http))["dropped"] == 2
    assert receiver.deliveries == []
    assert await found(paypal_http) == OF_A_PAYMENT


async def test_a_change_can_be_reported_by_two_events(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await paypal_http.put("/_simulator/faults", json={"twin": 1})
    await listen(paypal_http, receiver.url, "PAYMENT.CAPTURE.COMPLETED")
    await pay(paypal_http)
    await settled(paypal_http)
    one, other = (json.loads(delivery.body) for delivery in receiver.deliveries)
    assert one["id"] != other["id"]
    assert one["resource"] == other["resource"]
    assert len(await found(paypal_http)) == 4


@pytest.mark.parametrize("stale_seconds", [400, -400])
async def test_a_transmission_can_carry_a_past_or_future_time(
    paypal_http: httpx.AsyncClient, receiver: Receiver, clock: ManualClock, stale_seconds: int
) -> None:
    await paypal_http.put("/_simulator/faults", json={"stale_seconds": stale_seconds})
    webhook_id = await listen(paypal_http, receiver.url, "PAYMENT.CAPTURE.COMPLETED")
    await pay(paypal_http)
    await settled(paypal_http)
    (delivery,) = receiver.deliveries
    sent_at = datetime.fromisoformat(delivery.headers["PAYPAL-TRANSMISSION-TIME"])
    assert clock.now().replace(microsecond=0) - sent_at == timedelta(seconds=stale_seconds)
    assert await verdict(paypal_http, delivery, webhook_id) == "SUCCESS"


async def test_a_transmission_can_be_signed_with_a_wrong_key(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answers = [400]
    await paypal_http.put("/_simulator/faults", json={"wrong_secret": 1})
    webhook_id = await listen(paypal_http, receiver.url, "PAYMENT.CAPTURE.COMPLETED")
    await pay(paypal_http)
    await until(lambda: len(receiver.deliveries) == 1)
    await paypal_http.put("/_simulator/faults", json={})
    await settled(paypal_http)
    wrong, right = receiver.deliveries
    assert await verdict(paypal_http, wrong, webhook_id) == "FAILURE"
    assert await verdict(paypal_http, right, webhook_id) == "SUCCESS"


async def verdict(paypal_http: httpx.AsyncClient, delivery: Received, webhook_id: str) -> str:
    """Return what PayPal itself says of a delivery."""
    names = ("auth-algo", "cert-url", "transmission-id", "transmission-sig", "transmission-time")
    told = {name.replace("-", "_"): delivery.headers[f"paypal-{name}"] for name in names}
    body = {**told, "webhook_id": webhook_id, "provider_event": json.loads(delivery.body)}
    reply = await paypal_http.post("/v1/notifications/verify-webhook-signature", json=body)
    status: str = reply.json()["verification_status"]
    return status
