"""Stripe's list of events: how it is narrowed down, and paged both ways."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe

from tests.simulator.stripe.shop import pay
from tests.support.clock import ManualClock
from tests.support.http_servers import Receiver, settled, until

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

OF_A_PAYMENT = ["payment_intent.succeeded", "charge.succeeded", "payment_intent.created"]


async def listed(client: stripe.StripeClient, **params: Any) -> list[str]:
    return [str(event.type) for event in (await client.v1.events.list_async(params or None)).data]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("params", "types"),
    [
        ({"types": ["charge.succeeded"]}, OF_A_PAYMENT[1:2]),
        ({"types": ["charge.succeeded", "payment_intent.created"]}, OF_A_PAYMENT[1:]),
        ({"types": ["charge.*"]}, []),
        ({"type": "payment_intent.*"}, [OF_A_PAYMENT[0], OF_A_PAYMENT[2]]),
        ({"type": "*"}, OF_A_PAYMENT),
        ({"type": "charge_succeeded"}, []),
        ({"type": "charge"}, []),
    ],
)
async def test_events_are_filtered_by_types(
    client: stripe.StripeClient, params: Any, types: list[str]
) -> None:
    await pay(client)
    assert await listed(client, **params) == types


@pytest.mark.parametrize(
    "params",
    [
        {"type": "charge.succeeded", "types": ["charge.succeeded"]},
        {"types": ["charge.succeeded"] * 21},
        {"delivery_success": "perhaps"},
        {"created": {"since": 1}},
        {"created": "yesterday"},
        {"limit": 101},
    ],
)
async def test_an_invalid_list_is_refused(client: stripe.StripeClient, params: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await listed(client, **params)
    assert refusal.value.http_status == 400


@pytest.mark.parametrize(
    ("bounds", "count"),
    [
        ({"gte": 0}, 2),
        ({"gte": 1}, 1),
        ({"gt": 0}, 1),
        ({"lte": 0}, 1),
        ({"lt": 0}, 0),
        ({"lt": 10, "gte": 0}, 1),
        ({"lte": 10, "gt": 0}, 1),
        (0, 1),
        (5, 0),
    ],
)
async def test_events_are_filtered_by_time(
    client: stripe.StripeClient, clock: ManualClock, bounds: Any, count: int
) -> None:
    """Two payments ten seconds apart; ``bounds`` are seconds after the first."""
    first = (await pay(client)).created
    clock.advance(timedelta(seconds=10))
    await pay(client)
    at = (
        {name: first + seconds for name, seconds in bounds.items()}
        if isinstance(bounds, dict)
        else first + bounds
    )
    assert len(await listed(client, created=at, type="charge.succeeded")) == count


async def test_events_are_listed_for_thirty_days(
    client: stripe.StripeClient, clock: ManualClock
) -> None:
    await pay(client)
    clock.advance(timedelta(days=30))
    assert await listed(client) == OF_A_PAYMENT
    clock.advance(timedelta(seconds=1))
    assert await listed(client) == []


async def test_events_are_filtered_by_delivery(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    endpoint: Any = {"url": receiver.url, "enabled_events": ["charge.succeeded"]}
    await client.v1.webhook_endpoints.create_async(endpoint)
    await pay(client)
    await settled(stripe_http)
    await stripe_http.put("/_simulator/faults", json={"drop": 1})
    await pay(client)
    assert await listed(client, delivery_success=False) == ["charge.succeeded"]
    assert len(await listed(client, delivery_success=True)) == 5


async def test_a_refused_event_counts_as_undelivered(
    client: stripe.StripeClient, receiver: Receiver
) -> None:
    receiver.answers = [500] * 100
    endpoint: Any = {"url": receiver.url, "enabled_events": ["charge.succeeded"]}
    await client.v1.webhook_endpoints.create_async(endpoint)
    await pay(client)
    await until(lambda: len(receiver.deliveries) > 0)
    assert await listed(client, delivery_success=False) == ["charge.succeeded"]


async def test_pages_lead_forward_and_backward(client: stripe.StripeClient) -> None:
    made = [(await pay(client)).id for _ in range(5)]
    newest_first = made[::-1]
    intents = client.v1.payment_intents
    page = await intents.list_async({"limit": 2, "ending_before": newest_first[4]})
    assert [intent.id for intent in page.data] == newest_first[2:4]
    assert page.has_more
    page = await intents.list_async({"limit": 2, "ending_before": newest_first[2]})
    assert [intent.id for intent in page.data] == newest_first[:2]
    assert not page.has_more
    page = await intents.list_async({"limit": 2, "ending_before": newest_first[0]})
    assert (page.data, page.has_more) == ([], False)
    back = await intents.list_async({"limit": 2, "ending_before": newest_first[4]})
    assert [intent.id async for intent in back.auto_paging_iter()] == made[1:]


async def test_a_page_of_filtered_events_leads_backward(client: stripe.StripeClient) -> None:
    for _ in range(3):
        await pay(client)
    charges = (await client.v1.events.list_async({"type": "charge.succeeded"})).data
    page = await client.v1.events.list_async(
        {"type": "charge.succeeded", "limit": 1, "ending_before": charges[2].id}
    )
    assert [event.id for event in page.data] == [charges[1].id]
    assert page.has_more


@pytest.mark.parametrize("cursors", [("pi_none", None), (None, "pi_none"), ("paid", "paid")])
async def test_a_page_needs_one_existing_cursor(
    client: stripe.StripeClient, cursors: tuple[str | None, str | None]
) -> None:
    paid = (await pay(client)).id
    names = ("starting_after", "ending_before")
    params: Any = {
        name: paid if cursor == "paid" else cursor
        for name, cursor in zip(names, cursors, strict=True)
        if cursor
    }
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await client.v1.payment_intents.list_async(params)
    assert refusal.value.param == list(params)[-1]
