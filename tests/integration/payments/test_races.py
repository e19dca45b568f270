"""Many commands at once on one payment, through several engines as through several processes."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.support.payments import PROVIDERS, pay
from tests.support.soundness import assert_sound
from tests.support.world import Payment, World, engine_and_api


async def crowd(
    world: World, calls: list[tuple[str, object]], engines: int = 3
) -> list[httpx.Response]:
    """Make all calls at once, spread over engines with connections of their own."""
    async with AsyncExitStack() as stack:
        apis = [
            (await stack.enter_async_context(engine_and_api(world.settings, world.api_key)))[1]
            for _ in range(engines)
        ]
        return await asyncio.gather(
            *(
                apis[number % engines].post(f"/v1/{path}", json=body)
                for number, (path, body) in enumerate(calls)
            )
        )


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_one_of_a_hundred_refunds_of_60_of_100_succeeds(world: World, provider: str) -> None:
    wallet = await world.wallet()
    await pay(world, wallet, provider, amount=10_000)  # so that funds are not what refuses
    payment = await pay(world, wallet, provider, amount=100)
    body = {"payment": payment["id"], "amount": 60}
    answers = await crowd(world, [("refunds", body)] * 100)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 99}
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {
        "refund_exceeds_captured"
    }
    await world.settle()
    assert (await world.payment(payment["id"]))["refunded"] == 60
    assert [one["amount"] for one in await world.site(provider).really("refunds")] == [60]
    assert await world.balance(wallet) == 10_040
    await assert_sound(world)


def _both(payment: Payment) -> list[tuple[str, object]]:
    return [(f"payments/{payment['id']}/{name}", None) for name in ("capture", "cancel")]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_one_of_captures_and_cancellations_wins(world: World, provider: str) -> None:
    wallet = await world.wallet()
    payments = [await world.reserve(wallet, provider) for _ in range(5)]
    calls = [call for payment in payments for call in _both(payment) * 3]
    answers = await crowd(world, calls)
    assert Counter(answer.status_code for answer in answers) == {200: 5, 409: 25}
    await world.settle()
    found = [await world.payment(payment["id"]) for payment in payments]
    assert {one["status"] for one in found} <= {"succeeded", "canceled"}
    captured = [one for one in found if one["status"] == "succeeded"]
    assert await world.balance(wallet) == 1050 * len(captured)
    assert len(await world.site(provider).charges()) == len(captured)
    await assert_sound(world)
