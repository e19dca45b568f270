from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.clock import ManualClock
from tests.unit.simulator.servers import Receiver, settled, until

PAYMENT = {"amount": "5", "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}


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
async def test_what_is_refused_comes_again_with_a_new_signature(
    stripe_http: httpx.AsyncClient, receiver: Receiver, clock: ManualClock, refusal: int
) -> None:
    receiver.answers = [refusal]
    await listen(stripe_http, receiver.url, "charge.succeeded")
    await pay(stripe_http)
    await until(lambda: len(receiver.deliveries) == 1)
    clock.moment = clock.moment.replace(year=clock.moment.year + 1)
    tally = await settled(stripe_http)
    assert tally == {"events": 3, "attempted": 2, "acknowledged": 1, "refused": 1, "pending": 0}
    first, second = receiver.deliveries
    assert first.body == second.body
    assert first.headers["Stripe-Signature"] != second.headers["Stripe-Signature"]


async def test_a_receiver_that_is_down_hears_of_it_later(
    stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(stripe_http, "http://127.0.0.1:1/", "charge.succeeded")
    await listen(stripe_http, receiver.url, "charge.succeeded")
    await pay(stripe_http)
    await until(lambda: len(receiver.deliveries) == 1)
    tally = (await stripe_http.get("/_simulator/deliveries")).json()
    assert tally["pending"] == 1


async def test_an_endpoint_that_is_gone_hears_no_more(
    stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answers = [500] * 100
    endpoint_id = await listen(stripe_http, receiver.url, "charge.succeeded")
    await pay(stripe_http)
    await until(lambda: len(receiver.deliveries) > 0)
    await stripe_http.delete(f"/v1/webhook_endpoints/{endpoint_id}")
    assert (await settled(stripe_http))["acknowledged"] == 0


async def test_duplicates_and_disorder(stripe_http: httpx.AsyncClient, receiver: Receiver) -> None:
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


async def test_the_plan_is_shown(stripe_http: httpx.AsyncClient) -> None:
    none = (await stripe_http.get("/_simulator/faults")).json()
    assert none == {"seed": 0, "duplicate": 0, "shuffle_ms": 0, "answer_ms": 0, "answer": "right"}
    plan = {**none, "seed": 3, "duplicate": 0.25, "shuffle_ms": 20, "answer": "html"}
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
