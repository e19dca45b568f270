"""Reconciliation: each difference between our books and the provider's is named."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from groat.kernel import ids
from groat.kernel.clock import SystemClock
from groat.kernel.ids import ProviderAccountId
from groat.movements.service import MovementService
from groat.providers.domain.movements import Movement
from groat.settlement.domain.reconciliation import LineReason, OpenLine
from groat.settlement.service.feed import MovementFeeds
from groat.settlement.service.poster import BookOrigin, MovementPoster
from groat.settlement.service.reconciliation import AccountReconciliation
from tests.support.feeds import act, fed, read_feeds
from tests.support.payments import PROVIDERS, pay
from tests.support.world import Site, World


class _ReadOnly(MovementPoster):
    """Stores the movements of a feed, and posts none."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._service: MovementService = world.engine.movements

    async def post(self, origin: BookOrigin, movements: Sequence[Movement]) -> int:
        async with self._world.engine.database.transaction() as connection:
            keys = await self._service.read(
                connection, origin.merchant_id, origin.account_id, movements, SystemClock().now()
            )
        return len(keys)


@pytest.fixture
async def shop(world: World) -> AsyncIterator[World]:
    """A world with simulators of its own, and nothing booked there yet."""
    async with fed(world) as shop:
        yield shop


async def _reach_the_present(world: World) -> None:
    """Move the watermarks past the second of the last movements, which the feeds have read."""
    await world.rows(
        "update movement_feed set watermark = watermark + interval '1 second'"
        " where due_at <> 'infinity'"
    )


async def _reconciled(world: World, site: Site) -> AccountReconciliation:
    account_id = ProviderAccountId(ids.parse("provider_account", site.account))
    now, day = datetime.now(UTC), timedelta(days=1)
    return await world.engine.reconciliations.between(
        world.merchant_id, account_id, now - day, now + day
    )


def _lines(found: AccountReconciliation) -> list[OpenLine]:
    return [line for one in found.currencies for line in one.lines]


async def test_a_read_account_equals_the_provider_and_is_explained(shop: World) -> None:
    wallet = await shop.wallet()
    for provider in PROVIDERS:
        await pay(shop, wallet, provider)
    await act(shop.paypal, "withdraw", currency="EUR", amount=100)
    await read_feeds(shop)
    await _reach_the_present(shop)
    for provider, closing in (("stripe", 1011), ("paypal", 889)):
        found = await _reconciled(shop, shop.site(provider))
        [one] = found.currencies
        assert (one.opening, one.closing, one.told, one.lines) == (0, closing, closing, ())
        assert (found.not_told, found.is_explained) == (None, True)


async def test_untold_movements_are_named_while_the_feed_posts_nothing(
    shop: World,
) -> None:
    wallet = await shop.wallet()
    payment = await pay(shop, wallet, "stripe")
    await act(shop.stripe, "refund", id=payment["provider_reference"], amount=300, tell=False)
    await act(shop.stripe, "book", kind="fee", category="fee", amount=-90, currency="eur")
    feeds = MovementFeeds(
        shop.engine.database, shop.engine.providers, _ReadOnly(shop), pause=timedelta(days=1)
    )
    await shop.rows("update movement_feed set due_at = now() where due_at <> 'infinity'")
    while await feeds.read_batch():
        pass
    await _reach_the_present(shop)
    found = await _reconciled(shop, shop.stripe)
    posted = {key for (key,) in await shop.rows("select movement_key from movement_attribution")}
    stored = {key for (key,) in await shop.rows("select key from movement")}
    lines = _lines(found)
    assert {line.reason for line in lines} == {LineReason.NOT_POSTED}
    assert {line.reference for line in lines} == stored - posted
    assert sorted(line.amount for line in lines) == [-300, -90]
    assert (found.currencies[0].difference, found.is_explained) == (-390, False)


async def test_suspense_is_unexplained_and_the_command_exits_with_1(shop: World) -> None:
    await act(shop.stripe, "book", kind="adjustment", category="new", amount=30, currency="eur")
    await read_feeds(shop)
    await _reach_the_present(shop)
    merchant = ids.render_merchant(shop.merchant_id)
    line = ("reconcile", merchant, "--account", shop.stripe.account)
    shown = await shop.groat(*line, "--json")
    assert shown.returncode == 1
    [account] = json.loads(shown.stdout)
    [sheet] = account["currencies"]
    assert (sheet["difference"], sheet["lines"][0]["reason"]) == (0, "suspense")
    told = (await shop.api.get(f"/v1/reconciliation/{shop.stripe.account}")).json()
    ages = [
        told["currencies"][0]["lines"][0].pop("age_seconds"),
        sheet["lines"][0].pop("age_seconds"),
    ]
    assert all(age >= 0 for age in ages)
    assert told == account
    rows = list(csv.DictReader((await shop.groat(*line, "--csv")).stdout.splitlines()))
    amounts = {row["part"]: row["amount"] for row in rows}
    assert amounts["closing"] == amounts["provider_balance"] == amounts["open"] == "0.30"
    assert "suspense" in (await shop.groat(*line)).stdout


async def test_the_route_refuses_a_day_that_does_not_exist(world: World) -> None:
    path = f"/v1/reconciliation/{world.stripe.account}"
    answer = await world.api.get(path, params={"day": "2026-02-30"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_day")
    before = await world.api.get(path, params={"day": "2020-02-29", "zone": "Europe/Berlin"})
    assert (before.json()["not_told"], before.json()["explained"]) == ("feed_not_read", False)
    assert before.json()["currencies"] == []
