"""More calls than one provider account has places for: our overload, and no payment's failure."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import httpx
import pytest

from groat.platform.postgres import database
from tests.support.http_servers import PATIENCE_SECONDS
from tests.support.world import GOOD, World, engine_and_api

MANY = 130


async def _ask(world: World, provider: str, wallet: str) -> httpx.Response:
    order = {
        "provider_account": world.site(provider).account,
        "payment_method": GOOD[provider],
    }
    return await world.ask("payments", world.order(wallet, **order))


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
async def test_calls_above_the_limit_are_refused_before_any_row_is_written(
    world: World, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallets = [await world.wallet(f"wallet:{number}") for number in range(10)]
    # The provider's places alone are scarce: a slow machine has time for everything else.
    monkeypatch.setattr(database, "_ACQUIRE_SECONDS", 60.0)
    strict = world.settings.model_copy(
        update={"provider_timeout_seconds": 120, "breaker_failures": 5}
    )
    async with engine_and_api(strict, world.api_key) as (engine, api):
        busy = replace(world, engine=engine, api=api)
        await world.site(provider).set_faults(answer_ms=9_000)
        answers = await asyncio.gather(
            *(_ask(busy, provider, wallets[number % 10]) for number in range(MANY))
        )
        await world.site(provider).set_faults()
        counted = Counter(answer.status_code for answer in answers)
        assert counted.keys() <= {201, 503}
        assert counted[201] >= 100
        for answer in answers:
            if answer.status_code == 503:
                assert answer.json()["code"] == "provider_account_busy"
                assert int(answer.headers["retry-after"]) >= 1
            else:
                assert answer.json()["status"] == "succeeded", answer.json()
        [[written]] = await world.rows("select count(*) from payment")
        assert written == counted[201] == len(await world.site(provider).charges())
        # With an open breaker nothing would be sent.
        assert (await _ask(busy, provider, wallets[0])).json()["status"] == "succeeded"


async def test_a_slow_provider_takes_no_place_of_another_provider(world: World) -> None:
    wallet = await world.wallet()
    small = world.settings.model_copy(update={"provider_calls": 3})
    async with engine_and_api(small, world.api_key) as (engine, api):
        busy = replace(world, engine=engine, api=api)
        await world.stripe.set_faults(answer_ms=9_000)
        slow = [asyncio.create_task(_ask(busy, "stripe", wallet)) for _ in range(3)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(await world.stripe.charges()) < len(slow):  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.01)
        assert (await _ask(busy, "stripe", wallet)).status_code == 503
        assert (await _ask(busy, "paypal", wallet)).json()["status"] == "succeeded"
        await world.stripe.set_faults()  # now it answers
        assert {one.json()["status"] for one in await asyncio.gather(*slow)} == {"succeeded"}
        assert (await _ask(busy, "stripe", wallet)).json()["status"] == "succeeded"
