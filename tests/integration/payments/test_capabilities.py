"""The engine with an adapter that has no look-ups and no list of events, and answers by webhook."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from groat.inbox.domain.event import TRIES_BEFORE_LOOKUP
from groat.kernel import ids
from groat.providers.conformance.harness import Fault
from tests.support import slate
from tests.support.http_servers import running
from tests.support.slate_host import GOOD, KEY, POOR, SECRET, Slate
from tests.support.soundness import assert_sound
from tests.support.world import OPERATOR, Payment, World, engine_and_api


@dataclass(frozen=True)
class Shop:
    """A world in which Slate's adapters are installed, and a merchant's accounts there."""

    world: World
    host: Slate
    account: str
    mute: str

    async def pay(self, wallet: str, method: str = GOOD, **changes: object) -> Payment:
        changes = {"provider_account": self.account, "payment_method": method, **changes}
        return await self.world.pay(wallet, **changes)

    async def deliver(self) -> None:
        """Hand Slate's webhooks to the engine, and let a worker apply them."""
        for sent in self.host.take_sent():
            merchant = ids.render_merchant(self.world.merchant_id)
            path = f"/webhooks/{merchant}/{self.account}"
            answer = await self.world.api.post(path, content=sent.body, headers=sent.headers)
            assert answer.status_code == 200, answer.text
        await self.world.make_due()
        await self.world.drain()

    async def recover(self) -> int:
        await self.world.make_due()
        return await self.world.engine.recovery.recover_batch()

    async def operations(self) -> list[tuple[Any, ...]]:
        return await self.world.rows("select outcome, reason from operation order by id")


@pytest.fixture
async def shop(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shop]:
    slate.install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    host = Slate()
    async with (
        running(host.app()) as base,
        engine_and_api(world.settings, world.api_key) as (engine, api),
    ):
        operator = OPERATOR.acting_for(world.merchant_id)
        accounts = [
            await engine.merchants.put_provider_account(
                operator, name, name, {"key": KEY, "base": base, "secret": SECRET}
            )
            for name in ("slate", "mute")
        ]
        texts = [ids.render("provider_account", one) for one in accounts]
        yield Shop(replace(world, engine=engine, api=api), host, *texts)


async def test_a_payment_lives_its_whole_life_by_webhooks_alone(shop: Shop) -> None:
    wallet = await shop.world.wallet()
    payment = await shop.pay(wallet, capture_method="manual")
    assert payment["status"] == "processing"
    await shop.deliver()
    assert (await shop.world.payment(payment["id"]))["status"] == "authorized"
    captured = await shop.world.command(payment, "capture")
    assert (captured["status"], captured["captured"]) == ("authorized", 0)
    await shop.deliver()
    assert (await shop.world.payment(payment["id"]))["status"] == "succeeded"
    refund = await shop.world.refund(payment, amount=300)
    assert refund["status"] == "pending"
    await shop.deliver()
    assert (await shop.world.payment(payment["id"]))["refunded"] == 300
    assert await shop.world.balance(wallet) == 750
    assert {outcome for outcome, _ in await shop.operations()} == {"succeeded"}
    await assert_sound(shop.world)


async def test_a_decline_and_a_cancellation_come_by_webhook(shop: Shop) -> None:
    wallet = await shop.world.wallet()
    declined = await shop.pay(wallet, POOR)
    canceled = await shop.pay(wallet, capture_method="manual")
    await shop.deliver()
    await shop.world.command(canceled, "cancel")
    await shop.deliver()
    found = [await shop.world.payment(one["id"]) for one in (declined, canceled)]
    assert [one["status"] for one in found] == ["requires_payment_method", "canceled"]
    assert found[0]["failure_code"] == "insufficient_funds"


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
async def test_without_a_look_up_the_lost_call_is_repeated_with_its_key(
    shop: Shop, fault: Fault
) -> None:
    wallet = await shop.world.wallet()
    shop.host.fault = fault
    payment = await shop.pay(wallet)
    shop.host.fault = None
    assert await shop.recover() == 1
    await shop.deliver()
    assert (await shop.world.payment(payment["id"]))["status"] == "succeeded"
    assert [one["status"] for one in shop.host.charges.values()] == ["taken"]
    assert await shop.world.balance(wallet) == 1050


async def test_after_the_key_expires_no_call_is_repeated_and_the_operator_sees_the_reason(
    shop: Shop,
) -> None:
    shop.host.fault = Fault.CUT_AFTER
    payment = await shop.pay(await shop.world.wallet())
    shop.host.fault = None
    await shop.world.rows("update operation set created_at = created_at - interval '2 hours'")
    assert await shop.recover() == 1
    assert shop.host.calls == 1
    [(outcome, reason)] = await shop.operations()
    assert (outcome, reason) == ("unknown", "no_look_up")
    synced = await shop.world.ask(f"payments/{payment['id']}/sync")
    assert synced.json()["reason"] == "no_look_up"
    await shop.deliver()
    assert (await shop.world.payment(payment["id"]))["status"] == "succeeded"


async def test_an_unsent_repetition_does_not_fail_the_first_call(
    shop: Shop,
) -> None:
    """No look-up has said that Slate knows nothing of the first call."""
    payment = await shop.pay(await shop.world.wallet())
    assert await shop.operations() == [("pending", None)]
    shop.host.fault = Fault.RATE_LIMITED
    assert await shop.recover() == 1
    assert (await shop.world.payment(payment["id"]))["status"] == "processing"
    [(outcome, _)] = await shop.operations()
    assert outcome == "unknown"
    await shop.deliver()
    assert (await shop.world.payment(payment["id"]))["status"] == "succeeded"


async def test_a_dispute_before_its_capture_waits_for_the_capture_and_is_applied(
    shop: Shop,
) -> None:
    """Slate cannot be asked for the capture; its own webhook reports it in the end."""
    payment = await shop.pay(await shop.world.wallet())
    taken = shop.host.take_sent()
    shop.host.dispute(next(iter(shop.host.charges.values())))
    await shop.deliver()
    for _ in range(TRIES_BEFORE_LOOKUP + 1):
        await shop.world.make_due()
        await shop.world.drain()
    [(_, status, reason, *_)] = await shop.world.inbox()
    assert (status, reason) == ("deferred", "premature")
    shop.host.sent = taken
    await shop.deliver()
    await shop.world.make_due()
    await shop.world.drain()
    assert {row[1] for row in await shop.world.inbox()} == {"processed"}
    disputes = (await shop.world.api.get("/v1/disputes")).json()["data"]
    assert [one["payment"] for one in disputes] == [payment["id"]]


async def test_a_backfill_without_an_event_list_is_refused(shop: Shop) -> None:
    path = f"/v1/provider-accounts/{shop.account}/backfill"
    answer = await shop.world.api.post(path, json={"since": "2026-01-01T00:00:00Z"})
    assert (answer.status_code, answer.json()["code"]) == (422, "backfill_not_supported")


async def test_a_webhook_for_an_adapter_without_webhooks_is_refused(shop: Shop) -> None:
    path = f"/webhooks/{ids.render_merchant(shop.world.merchant_id)}/{shop.mute}"
    answer = await shop.world.api.post(path, content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (400, "webhooks_not_supported")
    assert await shop.world.inbox() == []


async def test_the_feed_of_an_old_account_without_a_list_is_left_until_the_next_pause(
    shop: Shop,
) -> None:
    """It has nothing to catch up with, so a worker does not read it again and again."""
    feeds, world = shop.world.engine.movement_feeds, shop.world
    assert await feeds.read_batch() == 1  # begins the feeds
    await world.rows(
        "update movement_feed f set watermark = watermark - interval '30 days', due_at ="
        " case when provider in ('slate', 'mute') then now() else 'infinity'::timestamptz end"
        " from provider_account a where a.id = f.provider_account_id"
    )
    assert [await feeds.read_batch() for _ in range(3)] == [1, 1, 0]
