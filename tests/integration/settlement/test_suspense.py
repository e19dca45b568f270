"""Suspense: a person attributes or dismisses a movement, and can take that back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.settlement.life import assert_equal_balances
from tests.support.feeds import accounts, act, fed, read_feeds
from tests.support.soundness import assert_sound
from tests.support.world import World


@pytest.fixture
async def shop(world: World) -> AsyncIterator[World]:
    """A world in which a movement of an unknown category stands in suspense."""
    async with fed(world) as shop:
        await act(
            shop.stripe, "book", kind="adjustment", category="brand_new", amount=30, currency="eur"
        )
        await read_feeds(shop)
        assert await accounts(shop, "suspense") == {"suspense": -30}
        yield shop


async def _listed(world: World) -> list[dict[str, Any]]:
    answer = await world.api.get("/v1/suspense", params={"provider_account": world.stripe.account})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def _decide(world: World, verb: str, status: int = 200, **more: str) -> dict[str, Any]:
    [key] = await world.rows("select movement_key from movement_attribution where number = 1")
    body = {"provider_account": world.stripe.account, "movement": key[0], **more}
    answer = await world.ask(f"suspense/{verb}", body)
    assert answer.status_code == status, answer.text
    decided: dict[str, Any] = answer.json()
    return decided


async def test_a_dismissed_movement_goes_to_the_account_and_comes_back(shop: World) -> None:
    [shown] = await _listed(shop)
    assert (shown["gross"], shown["reason"]) == (30, "category brand_new")
    account = await shop.wallet("revenue:other")
    dismissed = await _decide(shop, "dismiss", account=account)
    assert (dismissed["place"], dismissed["reference"]) == ("named", account)
    assert await _listed(shop) == []
    assert await shop.balance(account) == 30
    assert await accounts(shop, "suspense") == {}
    await assert_equal_balances(shop)
    await assert_sound(shop)
    again = await _decide(shop, "dismiss", 409, account=account)
    assert again["code"] == "not_in_suspense"
    # The account has a floor, so nothing may be taken from it without being asked for.
    refused = await _decide(shop, "restore", 409, reason="a mistake")
    assert refused["code"] == "account_not_usable"


async def test_a_dismissal_is_taken_back_by_a_further_posting(shop: World) -> None:
    body = {"code": "expense:other", "currency": "EUR", "normal_side": "debit"}
    account = (await shop.api.post("/v1/accounts", json=body)).json()["id"]
    await _decide(shop, "dismiss", account=account)
    restored = await _decide(shop, "restore", reason="a mistake")
    assert (restored["place"], restored["reason"]) == ("suspense", "a mistake")
    assert await shop.balance(account) == 0
    assert await accounts(shop, "suspense") == {"suspense": -30}
    [shown] = await _listed(shop)
    assert shown["reason"] == "a mistake"
    actions = await shop.rows(
        "select action from recorded_change where action like 'movement.%%' order by id"
    )
    assert [one[0] for one in actions] == ["movement.dismissed", "movement.restored"]
    await assert_sound(shop)


async def test_an_attributed_movement_waits_in_clearing_for_its_fact(shop: World) -> None:
    attributed = await _decide(shop, "attribute", reference="ch_unknown")
    assert (attributed["place"], attributed["reference"]) == ("clearing", "ch_unknown")
    assert await accounts(shop, "suspense", "clearing") == {"clearing": -30}
    [item] = await shop.engine.movement_queries.open_items(
        shop.merchant_id, shop.stripe.account_id, limit=10
    )
    assert (item.reference, item.booked) == ("ch_unknown", 30)
    await assert_sound(shop)
    await _decide(shop, "restore", reason="another charge")
    assert await accounts(shop, "suspense", "clearing") == {"suspense": -30}
    await assert_equal_balances(shop)
    await assert_sound(shop)


async def test_accounts_that_cannot_take_a_movement_are_refused(shop: World) -> None:
    yen = await shop.wallet("wallet:yen", "JPY")
    assert (await _decide(shop, "dismiss", 422, account=yen))["code"] == "currency_mismatch"
    engines = (await shop.api.get("/v1/accounts")).json()["data"]
    fees = next(one["id"] for one in engines if one["code"].startswith("suspense:"))
    assert (await _decide(shop, "dismiss", 409, account=fees))["code"] == "account_not_usable"
    unmoved = await _decide(shop, "restore", 409, reason="why not")
    assert unmoved["code"] == "not_moved_by_hand"
    body = {"provider_account": shop.stripe.account, "movement": "txn_none", "reference": "ch_1"}
    missing = await shop.ask("suspense/attribute", body)
    assert (missing.status_code, missing.json()["code"]) == (404, "movement_not_found")
    assert await accounts(shop, "suspense") == {"suspense": -30}


async def test_of_two_decisions_at_once_the_second_is_refused(shop: World) -> None:
    [shown] = await _listed(shop)
    body = {"provider_account": shop.stripe.account, "movement": shown["movement"]}
    async with shop.locked("select 1 from movement for update"), asyncio.timeout(60):
        decisions = [
            asyncio.create_task(shop.ask("suspense/attribute", {**body, "reference": charge}))
            for charge in ("ch_1", "ch_2")
        ]
        while [(len(decisions),)] != await shop.rows(
            "select count(*) from pg_stat_activity"
            " where wait_event_type = 'Lock' and datname = current_database()"
        ):
            pass
    answers = await asyncio.gather(*decisions)
    assert sorted(one.status_code for one in answers) == [200, 409]
    [refused] = [one for one in answers if one.status_code == 409]
    assert refused.json()["code"] == "not_in_suspense"
    await assert_sound(shop)


async def test_a_repeated_request_decides_once(shop: World) -> None:
    [shown] = await _listed(shop)
    body = {
        "provider_account": shop.stripe.account,
        "movement": shown["movement"],
        "reference": "ch_1",
    }
    answers = [await shop.ask("suspense/attribute", body, key="once") for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    await assert_sound(shop)


async def test_the_commands_list_and_decide(shop: World) -> None:
    line = ("suspense", "list", shop.stripe.account)
    [shown] = json.loads((await shop.groat(*line, "--json")).stdout)
    assert "brand_new" in (await shop.groat(*line)).stdout
    key = shown["movement"]
    account = await shop.wallet("revenue:other", floor=-1000)
    await shop.groat("suspense", "attribute", shop.stripe.account, key, "ch_1")
    await shop.groat("suspense", "restore", shop.stripe.account, key, "--reason", "no")
    done = await shop.groat("suspense", "dismiss", shop.stripe.account, key, account)
    assert json.loads(done.stdout)["place"] == "named"
    await assert_sound(shop)
