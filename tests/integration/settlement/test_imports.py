"""Files and the feed give the same movements: whichever comes first posts them, the other none."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from groat.kernel import ids, value
from groat.kernel.errors import Unavailable
from groat.providers.domain.movements import MovementCategory
from tests.integration.settlement.life import assert_equal_balances, live_together
from tests.integration.settlement.reports import import_all, import_content
from tests.support.clock import ShiftedClock
from tests.support.feeds import accounts, act, fed, ours, read_feeds, theirs
from tests.support.movements import itemized, moved
from tests.support.payments import PROVIDERS, pay
from tests.support.soundness import assert_sound
from tests.support.world import OPERATOR, World


@pytest.fixture
async def shop(world: World) -> AsyncIterator[World]:
    """A world with simulators of its own, and nothing booked there yet."""
    async with fed(world) as shop:
        yield shop


async def _import(world: World) -> list[int]:
    """Import the files of both providers; return the numbers of movements that were posted."""
    return [
        outcome.posted for provider in PROVIDERS for outcome in await import_all(world, provider)
    ]


@pytest.mark.parametrize("first", ["file", "feed"])
async def test_files_and_the_feed_post_each_movement_once(shop: World, first: str) -> None:
    wallet = await shop.wallet()
    for provider in PROVIDERS:
        await shop.site(provider).set_faults(seed=3, drop=0.1, duplicate=0.3)
    await live_together(shop, wallet, Random(7))  # noqa: S311 - the same course in every run
    for provider in PROVIDERS:
        await shop.site(provider).set_faults()
    await shop.settle()
    if first == "file":
        posted = await _import(shop)
        assert posted[0] > 0 < posted[2], posted
    else:
        await read_feeds(shop)
    await assert_equal_balances(shop)
    before = await shop.counts()
    assert await _import(shop) == [0, 0, 0]
    await read_feeds(shop)
    after = await shop.counts()
    assert after["ledger_entry"] == before["ledger_entry"]
    await assert_equal_balances(shop)
    assert await accounts(shop, "suspense", "foreign", "clearing") == {}
    await assert_sound(shop)


async def test_a_file_with_three_equal_rows_posts_the_one_that_the_feed_lacks(shop: World) -> None:
    hold = {"event_code": "T1110", "amount": -300, "currency": "EUR", "transaction_id": "7AA1"}
    await act(shop.paypal, "book", copies=2, **hold)
    await read_feeds(shop)
    assert await accounts(shop, "reserve") == {"reserve": 600}
    await act(shop.paypal, "book", **hold)
    [outcome] = await import_all(shop, "paypal")
    assert await accounts(shop, "reserve") in ({"reserve": 900}, {"reserve": 600})
    assert outcome.added == outcome.posted
    await read_feeds(shop)
    assert await ours(shop, shop.paypal) == await theirs(shop.paypal)
    await assert_sound(shop)


async def test_an_import_that_the_provider_does_not_explain_posts_nothing(shop: World) -> None:
    caller = OPERATOR.acting_for(shop.merchant_id)
    away = {"api_key": "sk_test_1", "api_base": "http://127.0.0.1:9"}
    account_id = await shop.engine.merchants.put_provider_account(caller, "stripe", "Away", away)
    site = replace(shop.stripe, account=ids.render("provider_account", account_id))
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    charge = value.replace(moved("txn_1", MovementCategory.CHARGE, 1050), occurred_at=tomorrow)
    with pytest.raises(Unavailable, match="txn_1"):
        await import_content(shop, site, itemized([charge]))
    assert await accounts(shop, "provider", "suspense", "foreign") == {}
    await assert_sound(shop)


async def test_an_account_with_a_history_gets_one_opening_movement(world: World) -> None:
    clock = ShiftedClock(-timedelta(minutes=1))
    async with fed(world, clock, clock) as shop:
        await act(shop.paypal, "book", event_code="T0300", amount=9000, currency="EUR")
        await act(shop.paypal, "book", event_code="T1110", amount=-400, currency="EUR")
        await act(shop.stripe, "book", kind="topup", category="topup", amount=7000, currency="eur")
        clock.shift = timedelta()  # what was booked so far is older than the account here
        wallet = await shop.wallet()
        for provider in PROVIDERS:
            await pay(shop, wallet, provider)
        await read_feeds(shop)
        assert await ours(shop, shop.paypal) != await theirs(shop.paypal)
        for provider in PROVIDERS:
            line = ("settlement", "open", shop.site(provider).account)
            opened = json.loads((await shop.groat(*line, "--json")).stdout)
            assert opened["posted"]
            again = await shop.groat(*line)
            assert "before" in again.stdout
        await assert_equal_balances(shop)
        assert await accounts(shop, "reserve") == {"reserve": 400}
        outcomes = [one for provider in PROVIDERS for one in await import_all(shop, provider)]
        assert sum(outcome.early for outcome in outcomes) == 3
        await assert_equal_balances(shop)
        await assert_sound(shop)
