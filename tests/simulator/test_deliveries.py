from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from groat.simulator.faults import FaultPlan
from tests.support.clock import ManualClock
from tests.support.http_servers import Receiver, settled, until

PAYMENT = {
    "amount": "5",
    "currency": "eur",
    "confirm": "true",
    "payment_method": "pm_card_visa",
    "capture_method": "automatic",  # so that its movement is booked at once, without an event
}


async def listen(stripe_http: httpx.AsyncClient, url: str, event_type: str) -> str:
    form = {"url": url, "enabled_events[]": event_type}
    reply = await stripe_http.post("/v1/webhook_endpoints", data=form)
    endpoint_id: str = reply.json()["id"]
    return endpoint_id


async def pay(stripe_http: httpx.AsyncClient) -> None:
    reply = await stripe_http.post("/v1/payment_intents", data=PAYMENT)
    assert reply.status_code == 200


def ids(receiver: Receiver) -> list[Any]:
    return [json.loads(delivery.body)["id"] for delivery in receiver.deliveries]


@pytest.mark.parametrize("refusal", [500, 404, 302])
async def test_a_refused_delivery_is_retried_with_a_new_signature(
    stripe_http: httpx.AsyncClient, receiver: Receiver, clock: ManualClock, refusal: int
) -> None:
    receiver.answers = [refusal]
    await listen(stripe_http, receiver.url, "charge.succeeded")
    await pay(stripe_http)
    await until(lambda: len(receiver.deliveries) == 1)
    clock.moment = clock.moment.replace(year=clock.moment.year + 1)
    tally = await settled(stripe_http)
    assert tally == {
        "events": 3,
        "dropped": 0,
        "attempted": 2,
        "acknowledged": 1,
        "ignored": 0,
        "refused": 1,
        "pending": 0,
    }
    first, second = receiver.deliveries
    assert first.body == second.body
    assert first.headers["Stripe-Signature"] != second.headers["Stripe-Signature"]


async def test_a_delivery_to_a_stopped_receiver_is_retried(
    stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(stripe_http, "http://127.0.0.1:1/", "charge.succeeded")
    await listen(stripe_http, receiver.url, "charge.succeeded")
    await pay(stripe_http)
    await until(lambda: len(receiver.deliveries) == 1)
    tally = (await stripe_http.get("/_simulator/deliveries")).json()
    assert tally["pending"] == 1


async def test_a_deleted_endpoint_receives_no_more_events(
    stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answers = [500] * 100
    endpoint_id = await listen(stripe_http, receiver.url, "charge.succeeded")
    await pay(stripe_http)
    await until(lambda: len(receiver.deliveries) > 0)
    await stripe_http.delete(f"/v1/webhook_endpoints/{endpoint_id}")
    assert (await settled(stripe_http))["acknowledged"] == 0


async def test_a_plan_duplicates_and_shuffles_deliveries(
    stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    plan = {"seed": 1, "duplicate": 1, "shuffle_ms": 300}
    assert (await stripe_http.put("/_simulator/faults", json=plan)).status_code == 200
    await listen(stripe_http, receiver.url, "*")
    for _ in range(5):
        await pay(stripe_http)
    tally = await settled(stripe_http)
    events = (await stripe_http.get("/v1/events?limit=100")).json()["data"]
    made = [event["id"] for event in reversed(events)]
    received = ids(receiver)
    assert sorted(set(received)) == sorted(made)
    assert list(dict.fromkeys(received)) != made
    assert all(2 <= received.count(event_id) <= 4 for event_id in made)
    assert tally["acknowledged"] == len(received)
    assert tally["events"] == 15


async def set_plan(stripe_http: httpx.AsyncClient, **plan: object) -> None:
    assert (await stripe_http.put("/_simulator/faults", json=plan)).status_code == 200


async def test_a_dropped_event_is_still_listed(
    stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await set_plan(stripe_http, drop=1)
    await listen(stripe_http, receiver.url, "charge.succeeded")
    await pay(stripe_http)
    await set_plan(stripe_http)
    await pay(stripe_http)
    tally = await settled(stripe_http)
    assert (tally["events"], tally["dropped"], tally["acknowledged"]) == (6, 3, 1)
    listed = (await stripe_http.get("/v1/events?type=charge.succeeded")).json()["data"]
    delivered, dropped = listed
    assert ids(receiver) == [delivered["id"]]
    assert (delivered["pending_webhooks"], dropped["pending_webhooks"]) == (0, 1)


async def test_a_delivery_with_an_ignored_acknowledgement_is_retried(
    stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await set_plan(stripe_http, ignore_acks=1)
    await listen(stripe_http, receiver.url, "charge.succeeded")
    await pay(stripe_http)
    await until(lambda: len(receiver.deliveries) >= 2)
    await set_plan(stripe_http)
    tally = await settled(stripe_http)
    assert len(set(ids(receiver))) == 1
    assert (tally["acknowledged"], tally["refused"]) == (len(receiver.deliveries), 0)
    assert tally["ignored"] == tally["acknowledged"] - 1


async def test_a_change_can_be_reported_by_two_events(
    stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await set_plan(stripe_http, twin=1)
    await listen(stripe_http, receiver.url, "charge.succeeded")
    await pay(stripe_http)
    await settled(stripe_http)
    one, other = (json.loads(delivery.body) for delivery in receiver.deliveries)
    assert one["id"] != other["id"]
    assert (one["type"], one["data"]) == (other["type"], other["data"])
    listed = (await stripe_http.get("/v1/events?type=charge.succeeded")).json()["data"]
    assert {event["id"] for event in listed} == {one["id"], other["id"]}
    books = (await stripe_http.get("/_simulator/books")).json()
    assert len(books["charges"]) == 1


async def test_the_plan_is_shown(stripe_http: httpx.AsyncClient) -> None:
    none = (await stripe_http.get("/_simulator/faults")).json()
    assert none == FaultPlan().model_dump()
    assert {name for name, value in none.items() if value} == {"answer"}
    plan = {
        **none,
        "seed": 3,
        "duplicate": 0.25,
        "shuffle_ms": 20,
        "answer": "html",
        "on": "refunds",
    }
    assert (await stripe_http.put("/_simulator/faults", json=plan)).json() == plan
    assert (await stripe_http.get("/_simulator/faults")).json() == plan


@pytest.mark.parametrize(
    "plan",
    [
        '{"duplicate": 1.5}',
        '{"duplicate": NaN}',
        '{"shuffle_ms": -1}',
        '{"shuffle_ms": "5"}',
        '{"seed": 1.5}',
        '{"twin": 1.01}',
        '{"drop": -0.1}',
        '{"stale_seconds": 86401}',
        '{"two_secrets": 1}',
        '{"on": "disputes"}',
        '{"answer": "wrong"}',
        '{"wind": 1}',
        "[]",
        "{",
    ],
)
async def test_a_bad_plan_is_refused(stripe_http: httpx.AsyncClient, plan: str) -> None:
    reply = await stripe_http.put("/_simulator/faults", content=plan)
    assert reply.status_code == 422
    assert reply.json()["detail"]
    assert (await stripe_http.get("/_simulator/faults")).json()["duplicate"] == 0
