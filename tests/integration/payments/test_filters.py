"""Lists of payments, refunds and disputes can be filtered and ordered."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from tests.support.pages import pages
from tests.support.world import GOOD_PAYPAL, World


@pytest_asyncio.fixture(loop_scope="session")
async def three(world: World) -> list[dict[str, Any]]:
    """Three payments: 10.50 EUR at Stripe, 20 EUR at PayPal, 30 EUR at Stripe."""
    wallet = await world.wallet()
    return [
        await world.pay(wallet, reference="order-1", metadata={"shop": "north"}),
        await world.pay(
            wallet,
            amount=2000,
            provider_account=world.paypal.account,
            payment_method=GOOD_PAYPAL,
            metadata={"shop": "south", "rush": "yes"},
        ),
        await world.pay(wallet, amount=3000, confirm=False),
    ]


async def ids_of(world: World, path: str, **query: str | int) -> list[str]:
    answer = await world.api.get(f"/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["object"] == "list"
    return [one["id"] for one in page["data"]]


async def test_payments_are_filtered_by_their_fields(
    world: World, three: list[dict[str, Any]]
) -> None:
    first, second, third = (one["id"] for one in three)

    async def found(**query: str | int) -> list[str]:
        return await ids_of(world, "payments", **query)

    assert await found() == [third, second, first]
    assert await found(order="asc") == [first, second, third]
    assert await found(created_from=three[1]["created_at"]) == [third, second]
    assert await found(created_before=three[1]["created_at"], order="asc") == [first]
    assert await found(amount_min=2000) == [third, second]
    assert await found(amount_max=2000, amount_min=1051) == [second]
    assert await found(currency="EUR", amount_max=1050) == [first]
    assert await found(currency="JPY") == []
    assert await found(status="created") == [third]
    assert await found(provider="paypal") == [second]
    assert await found(provider="nobody") == []
    assert await found(provider_account=world.stripe.account) == [third, first]
    assert await found(provider_reference=three[0]["provider_reference"]) == [first]
    assert await found(reference="order-1") == [first]
    assert await found(metadata_key="shop") == [second, first]
    assert await found(metadata_key="shop", metadata_value="north") == [first]
    assert await found(metadata_key="rush", metadata_value="no") == []


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_follow_each_other_in_both_orders(
    world: World, three: list[dict[str, Any]], order: str
) -> None:
    wanted = [one["id"] for one in three][:: 1 if order == "asc" else -1]
    found = await pages(
        world.api, "/v1/payments", limit=1, order=order, created_from="2020-01-01T00:00:00Z"
    )
    assert [one["id"] for one in found] == wanted
    refunds = [
        (await world.refund(three[at], amount=amount))["id"]
        for at, amount in ((0, 1), (1, 2), (0, 3))
    ]
    found = await pages(world.api, "/v1/refunds", limit=1, order=order)
    assert [one["id"] for one in found] == refunds[:: 1 if order == "asc" else -1]


async def test_refunds_and_disputes_are_filtered_by_their_fields(
    world: World, three: list[dict[str, Any]]
) -> None:
    at_stripe = (await world.refund(three[0], amount=100, metadata={"why": "late"}))["id"]
    at_paypal = (await world.refund(three[1], amount=200))["id"]
    assert await ids_of(world, "refunds", provider="stripe") == [at_stripe]
    assert await ids_of(world, "refunds", amount_min=101) == [at_paypal]
    assert await ids_of(world, "refunds", metadata_key="why") == [at_stripe]
    assert await ids_of(world, "refunds", currency="JPY") == []
    await world.stripe.pull("dispute", three[0])
    await world.settle()
    [dispute] = (await world.api.get("/v1/disputes")).json()["data"]
    named = {"provider_reference": dispute["provider_reference"]}
    for query in (
        {"provider": "stripe"},
        {"order": "asc"},
        named,
        {"amount_min": dispute["amount"]},
    ):
        assert await ids_of(world, "disputes", **query) == [dispute["id"]]
    for query in (
        {"provider": "paypal"},
        {"amount_min": dispute["amount"] + 1},
        {"currency": "JPY"},
    ):
        assert await ids_of(world, "disputes", **query) == []


async def test_a_value_of_metadata_needs_its_key(shared_world: World) -> None:
    answer = await shared_world.api.get("/v1/payments?metadata_value=north")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_metadata")
