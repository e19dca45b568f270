"""Behind the door: each event is applied once, whatever order, crowd or wreck it comes in."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from groat.app.verify import verify
from groat.app.wiring import open_engine
from groat.inbox.domain.conclusion import (
    MOST_POISONED,
    MOST_UNKNOWN,
    EventStatus,
    RetryLater,
    Settled,
)
from groat.inbox.domain.event import SUSPECT_AFTER, ClaimedEvent, WebhookDelivery
from groat.inbox.infrastructure import events as store
from groat.inbox.service.drain import FULL_BATCH
from groat.kernel import ids
from groat.kernel.clock import SystemClock
from groat.platform.postgres.queries import Query
from groat.providers.stripe.webhooks import StripeWebhooks
from tests.support.events import charge_event
from tests.support.http_servers import until
from tests.support.world import World, drained, without_answers

PAID = ("charge.succeeded", "payment_intent.succeeded")


async def effects(world: World) -> int:
    return len(await world.rows("select from applied_effect where kind = 'captured'"))


async def test_two_events_for_one_charge_post_once(world: World) -> None:
    async with without_answers(world) as hasty:
        wallet = await hasty.wallet()
        payment = await hasty.pay(wallet)
        await hasty.deliver_all(await hasty.posted_mail(*PAID))
        await hasty.drain()
        assert (await hasty.payment(payment["id"]))["status"] == "succeeded"
        assert await hasty.balance(wallet) == 1050
    assert {row[1:3] for row in await world.inbox()} == {
        ("processed", None),
        ("processed", "already_so"),
    }
    assert await effects(world) == 1


async def test_a_webhook_can_arrive_before_the_reply(world: World) -> None:
    await world.stripe.set_faults(answer_ms=9_000)
    wallet = await world.wallet()
    paying = asyncio.create_task(world.pay(wallet))
    await until(lambda: {one.event_type for one in world.mailbox.mail} >= set(PAID))
    await world.deliver_all(await world.posted_mail(*PAID))
    await world.drain()
    assert not paying.done()
    assert await world.balance(wallet) == 1050
    await world.stripe.set_faults()  # now it answers
    assert (await paying)["status"] == "succeeded"
    assert await world.balance(wallet) == 1050
    assert await effects(world) == 1


async def test_an_event_of_an_unknown_payment_is_retried_then_ignored(world: World) -> None:
    event = charge_event("evt_1", "ch_1", ids.render("payment", ids.uuid7()), 100)
    await world.deliver(await world.signed(event))
    for attempt in range(1, MOST_UNKNOWN):
        assert await world.drain() == 1
        assert await world.inbox() == [
            ("charge.succeeded", "deferred", "unknown_payment", attempt, 1)
        ]
        await world.make_due()
    while await world.drain():
        await world.make_due()
    [(_, status, reason, attempts, _)] = await world.inbox()
    assert (status, reason) == ("ignored", "unknown_payment")
    assert attempts == MOST_UNKNOWN


async def test_a_poison_event_among_fifty_delays_no_other_event(world: World) -> None:
    async with without_answers(world) as hasty:
        wallet = await hasty.wallet()
        payments = await asyncio.gather(*(hasty.pay(wallet) for _ in range(48)))
        good = await hasty.posted_mail("payment_intent.succeeded")
        lie = charge_event("evt_lie", "ch_lie", payments[0]["id"], 1)
        unstorable = charge_event("evt_raises", "ch_\0", payments[1]["id"], 1050)
        poison = [await hasty.signed(event) for event in (lie, unstorable)]
        await hasty.deliver_all([poison[0], *good[:24], poison[1], *good[24:]])
        assert await hasty.drain() == 50
        assert await hasty.balance(wallet) == 48 * 1050
    bad = {
        (row[1], row[2])
        for row in await world.inbox()
        if row[:2] != (good[0].event_type, "processed")
    }
    assert bad == {("dead", "amount_mismatch"), ("retrying", "CharacterNotInRepertoire")}
    assert await effects(world) == 48


async def test_while_postgresql_writes_a_full_batch_the_next_is_claimed(world: World) -> None:
    unknown = [ids.render("payment", ids.uuid7()) for _ in range(FULL_BATCH + 30)]
    events = [charge_event(f"evt_{one}", f"ch_{one}", one, 100) for one in unknown]
    await world.deliver_all([await world.signed(event) for event in events])
    drain = world.engine.drain
    async with world.locked("lock table payment in access exclusive mode"):
        async with asyncio.timeout(5):
            assert await drain.drain_batch() == FULL_BATCH
        rest = asyncio.create_task(drain.drain_batch())
        limit = time.monotonic() + 5
        while await world.rows("select from provider_event where claimed_until is null"):
            assert time.monotonic() < limit
            await asyncio.sleep(0.01)
    assert await rest == 30
    assert {row[1:] for row in await world.inbox()} == {("deferred", "unknown_payment", 1, 1)}


async def test_an_event_whose_account_cannot_be_opened_waits_while_others_pass(
    world: World,
) -> None:
    async with without_answers(world) as hasty:
        wallet = await hasty.wallet()
        await hasty.pay(wallet)
        await hasty.pay(
            wallet, provider_account=world.paypal.account, payment_method="card:vault_visa"
        )
        await hasty.deliver_all(
            await hasty.posted_mail("payment_intent.succeeded", "PAYMENT.CAPTURE.COMPLETED")
        )
    await world.tamper(
        "update provider_account set credentials = credentials || '\\x00' where provider = 'paypal'"
    )
    async with open_engine(world.settings) as engine:  # which has read no credentials before
        await drained(engine)
    assert sorted(row[:2] for row in await world.inbox()) == [
        ("PAYMENT.CAPTURE.COMPLETED", "retrying"),
        ("payment_intent.succeeded", "processed"),
    ]
    assert (
        await world.rows("select from provider_event where reason is null and settled_at is null")
        == []
    )
    assert await world.balance(wallet) == 1050


async def test_a_charge_reference_can_have_any_length(world: World) -> None:
    async with without_answers(world) as hasty:
        wallet = await hasty.wallet()
        payment = await hasty.pay(wallet)
    event = charge_event("evt_long", "ch_" + "a" * 250, payment["id"], 1050)
    await world.deliver(await world.signed(event))
    await world.drain()
    assert await world.balance(wallet) == 1050
    findings = await asyncio.to_thread(verify, world.settings, print)
    assert all(finding.ok for finding in findings)


async def claim(world: World, limit: int = 10) -> list[ClaimedEvent]:
    """Claim what is due as a worker does, and do no more."""
    async with world.engine.database.transaction() as connection:
        return await store.claim(connection, timedelta(seconds=20), limit)


@pytest.mark.parametrize("hours", [-24, 24])
async def test_the_clock_of_the_database_decides_which_events_are_due(
    world: World, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    wrong = timedelta(hours=hours)
    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + wrong)
    event = charge_event("evt_1", "ch_1", ids.render("payment", ids.uuid7()), 100)
    delivery = WebhookDelivery(
        world.merchant_id,
        world.stripe.account_id,
        "evt_1",
        ids.ProviderEventId(ids.uuid7()),
        "charge.succeeded",
        json.dumps(event).encode(),
        SystemClock().now(),
    )
    async with world.engine.database.autocommit() as connection:
        await store.put(connection, [delivery])
    assert await world.drain() == 1
    assert await world.rows(
        "select status, due_at > now() - interval '1 min', due_at < now() + interval '1 min'"
        " from provider_event"
    ) == [("deferred", True, True)]


async def test_no_suspect_is_processed_while_a_batch_is_running(world: World) -> None:
    unknown = [ids.render("payment", ids.uuid7()) for _ in range(FULL_BATCH + 1)]
    events = [charge_event(f"evt_{one}", f"ch_{one}", one, 100) for one in unknown]
    await world.deliver_all([await world.signed(event) for event in events])
    await world.rows(
        "update provider_event set attempts_lost = %s where provider_reference = %s",
        SUSPECT_AFTER,
        events[0]["id"],
    )
    drain = world.engine.drain
    async with world.locked("lock table payment in access exclusive mode"):
        assert await drain.drain_batch() == FULL_BATCH
        suspect = asyncio.create_task(drain.take_suspect())
        done, _ = await asyncio.wait({suspect}, timeout=0.3)
        claimed = await world.rows("select from provider_event where claimed_until is not null")
        assert (len(claimed), done) == (FULL_BATCH, set())
    assert await suspect == 1
    assert {row[1:] for row in await world.inbox()} == {("deferred", "unknown_payment", 1, 1)}


async def test_a_claim_changes_no_indexed_column(world: World) -> None:
    """So an event is claimed within its page, and no index is written."""
    events = [{"id": f"evt_{number}", "type": "x.y"} for number in range(60)]
    await world.deliver_all([await world.signed(event) for event in events])
    async with world.engine.database.transaction() as connection:
        assert len(await store.claim(connection, timedelta(minutes=1), 200)) == 60
        [updates] = await connection.fetch(
            Query(
                b"select pg_stat_get_xact_tuples_updated(oid),"
                b" pg_stat_get_xact_tuples_hot_updated(oid)"
                b" from pg_class where oid = 'provider_event'::regclass"
            )
        )
    assert updates == (60, 60)


async def test_claimed_events_are_found_without_scanning_all_open_events(
    world: World,
) -> None:
    """However PostgreSQL thinks the inbox to stand: for the most part, nothing in it is open."""
    settled = [{"id": f"evt_{number}", "type": "x.y"} for number in range(500)]
    waiting = [{"id": f"evt_waiting_{number}", "type": "x.y"} for number in range(500)]
    await world.deliver_all([await world.signed(event) for event in settled])
    await world.drain()
    await world.rows("analyze provider_event")
    await world.deliver_all([await world.signed(event) for event in waiting])
    mine = await claim(world, FULL_BATCH)
    read = Query(b"select pg_stat_get_xact_tuples_returned('provider_event_due'::regclass)")
    async with world.engine.database.transaction() as connection:
        before = await connection.fetch(read)
        ours = await store.lock_claimed(connection, world.merchant_id, mine)
        store.renew_claims(connection, mine, timedelta(minutes=1))
        done = Settled(EventStatus.IGNORED, "no_fact_in_event")
        store.settle(connection, world.merchant_id, [(event, done) for event in mine])
        after = await connection.fetch(read)
    assert (len(ours), after) == (FULL_BATCH, before)


async def test_a_late_renewal_claims_no_event(world: World) -> None:
    """Who asks a provider keeps an event while its answer is perhaps being settled."""
    await world.deliver(await world.signed({"id": "evt_1", "type": "x.y"}))
    [event] = await claim(world)
    again = RetryLater(EventStatus.RETRYING, timedelta(minutes=1), "timeout")
    async with world.engine.database.transaction() as connection:
        await store.lock_claimed(connection, world.merchant_id, [event])
        store.settle(connection, world.merchant_id, [(event, again)])
        store.renew_claims(connection, [event], timedelta(minutes=1))
    assert await world.rows("select claimed_until from provider_event") == [(None,)]


async def test_events_of_a_dead_worker_are_due_again_when_its_claim_expires(world: World) -> None:
    await world.deliver(await world.signed({"id": "evt_1", "type": "x.y"}))
    assert len(await claim(world)) == 1
    assert await world.drain() == 0
    await world.make_due()
    assert await world.drain() == 1
    assert await world.inbox() == [("x.y", "ignored", "no_fact_in_event", 2, 1)]


@pytest.mark.parametrize(
    ("method", "event_type"),
    [("read", "charge.succeeded"), ("interpret", "v1.charge.succeeded")],
)
async def test_an_event_whose_adapter_raises_is_retried_a_few_times(
    world: World, monkeypatch: pytest.MonkeyPatch, method: str, event_type: str
) -> None:
    """Whether it reads or asks: the failure is a surprise, and as a rule the same each time."""

    def surprise(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(StripeWebhooks, method, surprise)
    await world.deliver(await world.signed({"id": "evt_1", "type": event_type}))
    for attempt in range(1, MOST_POISONED):
        assert await world.drain() == 1
        assert await world.inbox() == [(event_type, "retrying", "ZeroDivisionError", attempt, 1)]
        await world.make_due()
    assert await world.drain() == 1
    assert await world.inbox() == [(event_type, "dead", "ZeroDivisionError", MOST_POISONED, 1)]


async def test_a_worker_whose_claim_has_expired_settles_nothing(world: World) -> None:
    async with without_answers(world) as hasty:
        wallet = await hasty.wallet()
        await hasty.pay(wallet)
        await hasty.deliver_all(await hasty.posted_mail("charge.succeeded"))
    drain = world.engine.drain
    [mine] = await claim(world)
    reply = await drain._interpreter.read(mine)
    await world.make_due()
    [theirs] = await claim(world)

    await drain._apply(world.merchant_id, [(mine, reply)])
    await drain._give_up(mine, ValueError())
    assert await world.inbox() == [("charge.succeeded", "pending", None, 2, 1)]
    assert await effects(world) == 0

    await drain._apply(world.merchant_id, [(theirs, reply)])
    assert await world.inbox() == [("charge.succeeded", "processed", None, 2, 1)]
    assert await world.balance(wallet) == 1050
