"""The feed: every change has one event, and a reader with a cursor sees each event once."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from groat.kernel import ids
from groat.notifications.domain.event_types import EVENT_TYPES
from groat.notifications.service.retention import KEPT
from tests.support.feed import Event, all_events, feed_page, place_all, types_of
from tests.support.soundness import assert_sound
from tests.support.world import BAD_STRIPE, World

_INSERT_OBJECT = """
    insert into event_object as o (merchant_id, id, sequence) values (%s, %s, 1)
    on conflict (merchant_id, id) do update set sequence = o.sequence + 1 returning sequence
"""
_INSERT_EVENT = """
    insert into event (merchant_id, id, type, object_id, sequence, created_at, data, previous)
    values (%s, %s, 'payment.created', %s, %s, now(), '{}', 'null')
"""


def insert_event(
    connection: psycopg.Connection[Any], world: World, object_id: object, event_id: object
) -> str:
    """Insert an event as a transaction of our own; return its id as the feed shows it."""
    row = connection.execute(_INSERT_OBJECT, (world.merchant_id, object_id)).fetchone()
    assert row is not None
    connection.execute(_INSERT_EVENT, (world.merchant_id, event_id, object_id, row[0]))
    return f"evt_{ids.digits(event_id)}"  # type: ignore[arg-type]


async def shown(world: World, object_id: str) -> dict[str, Any]:
    """Return an object as the API shows it, without the operations of a payment."""
    path = {"pay": "payments", "ref": "refunds", "dsp": "disputes"}[object_id.partition("_")[0]]
    found: dict[str, Any] = (await world.api.get(f"/v1/{path}/{object_id}")).json()
    found.pop("operations", None)
    return found


async def test_every_change_has_one_event_with_the_object_as_the_api_shows_it(
    lived_in: World,
) -> None:
    events = await all_events(lived_in, limit=7)
    told = tuple(action.value for action in EVENT_TYPES)
    records = await lived_in.rows(
        "select typeid('evt', id) from recorded_change where action = any(%s)", list(told)
    )
    assert Counter(one["id"] for one in events) == Counter(event_id for (event_id,) in records)
    latest: dict[str, Event] = {}
    sequences = defaultdict(list)
    for event in events:
        latest[event["subject"]["id"]] = event
        sequences[event["subject"]["id"]].append(event["subject"]["sequence"])
    assert all(found == list(range(1, len(found) + 1)) for found in sequences.values())
    assert {one.partition("_")[0] for one in latest} == {"pay", "ref", "dsp"}
    for object_id, event in latest.items():
        if event["type"] in {
            "payment.created",
            "payment.succeeded",
            "payment.requires_payment_method",
        }:
            continue  # a refund or a dispute may have changed the payment since
        assert event["data"] == await shown(lived_in, object_id)
    await assert_sound(lived_in)


async def test_an_event_has_the_fields_before(world: World) -> None:
    wallet = await world.wallet()
    payment = await world.reserve(wallet)
    captured = await world.command(payment, "capture")
    events = await all_events(world, subject=payment["id"])
    assert types_of(events) == ["payment.created", "payment.authorized", "payment.succeeded"]
    created, authorized, succeeded = events
    assert created["previous"] is None
    assert authorized["previous"]["status"] == "processing"
    assert succeeded["previous"] == {"status": "authorized", "captured": 0}
    operations = captured.pop("operations")
    assert operations
    assert succeeded["data"] == captured


async def test_a_refused_refund_of_a_declined_payment_makes_no_event(world: World) -> None:
    wallet = await world.wallet()
    failed = await world.pay(wallet, payment_method=BAD_STRIPE)
    refused = await world.ask("refunds", {"payment": failed["id"]})
    assert refused.status_code == 409
    assert types_of(await all_events(world)) == [
        "payment.created",
        "payment.requires_payment_method",
    ]


async def test_a_debt_is_in_the_event_of_the_withdrawal(world: World) -> None:
    wallet = await world.wallet()
    payment = await world.pay(wallet)
    other = await world.wallet("wallet:bob")
    moved = {"reference": "t", "debit_account": wallet, "credit_account": other}
    order = {**moved, "amount": 1000, "currency": "EUR"}
    (await world.api.post("/v1/transfers", json=order)).raise_for_status()
    await world.stripe.pull("dispute", payment)
    await world.settle()
    [taken] = await all_events(world, type="payment.dispute_withdrawn")
    assert taken["data"] == await shown(world, payment["id"])
    assert taken["data"]["owed"] > 0
    assert taken["previous"]["owed"] == 0


async def test_a_dry_run_leaves_no_event(world: World) -> None:
    wallet = await world.wallet()
    payment = await world.pay(wallet)
    await world.stripe.pull("dispute", payment)
    await world.deliver_all(await world.posted_mail())
    before = await world.rows("select count(*) from event")
    answer = await world.ask("provider-events/replay", {"status": "pending", "dry_run": True})
    assert any(one["changes"] for one in answer.json()["would_be"])
    assert await world.rows("select count(*) from event") == before


async def test_a_late_committer_is_not_skipped(world: World) -> None:
    """The older transaction commits last. The younger event does not wait for it."""
    one, two = ids.uuid7(), ids.uuid7()
    with (
        psycopg.connect(world.database_url) as older,
        psycopg.connect(world.database_url) as younger,
    ):
        late = insert_event(older, world, one, ids.uuid7())
        early = insert_event(younger, world, two, ids.uuid7())
        younger.commit()
        await place_all(world)
        page = await feed_page(world)
        assert [event["id"] for event in page["data"]] == [early]
        older.commit()
    await place_all(world)
    page = await feed_page(world, cursor=page["next_cursor"])
    assert [event["id"] for event in page["data"]] == [late]


async def test_events_of_one_object_keep_their_order_against_their_ids(world: World) -> None:
    """The clocks of two hosts differ: the later event of an object has the smaller id."""
    first, second, third = (ids.uuid7() for _ in range(3))
    one, two = ids.uuid7(), ids.uuid7()
    with psycopg.connect(world.database_url) as connection:
        expected = [insert_event(connection, world, one, third)]
        expected += [insert_event(connection, world, one, first)]
        other = insert_event(connection, world, two, second)
    events = [event["id"] for event in await all_events(world)]
    assert [event for event in events if event != other] == expected
    assert other in events


async def test_two_sequencers_give_each_position_once(world: World) -> None:
    wallet = await world.wallet()
    for _ in range(5):
        await world.pay(wallet)
    await asyncio.gather(*(world.engine.sequencer.place_batch() for _ in range(4)))
    await place_all(world)
    [(events, positions, last)] = await world.rows(
        "select count(*), count(distinct position), max(position) from event"
    )
    assert (events, positions) == (10, 10)
    assert last >= 10


async def test_a_reader_waits_for_the_next_event(world: World) -> None:
    wallet = await world.wallet()
    page = await feed_page(world)
    assert page == {
        "object": "list",
        "data": [],
        "next_cursor": page["next_cursor"],
        "has_more": False,
    }
    waiting = asyncio.create_task(
        feed_page(world, cursor=page["next_cursor"], wait=20, type="payment.succeeded")
    )
    started = time.monotonic()
    payment = await world.pay(wallet)
    await place_all(world)
    [event] = (await waiting)["data"]
    assert event["subject"]["id"] == payment["id"]
    assert time.monotonic() - started < 20


async def test_filters_select_by_type_and_object(world: World) -> None:
    wallet = await world.wallet()
    payment = await world.pay(wallet)
    refund = await world.refund(payment)
    kinds = {one["type"].partition(".")[0] for one in await all_events(world, type="refund.*")}
    assert kinds == {"refund"}
    of_refund = await all_events(world, subject=refund["id"])
    assert types_of(of_refund) == ["refund.created", "refund.succeeded"]
    assert len(await all_events(world, type="*")) == 4
    [event, _] = of_refund
    assert (await world.api.get(f"/v1/events/{event['id']}")).json() == event
    refused = await world.api.get("/v1/events", params={"type": "%"})
    assert refused.json()["code"] == "invalid_event_type"


async def test_a_cursor_older_than_the_feed_is_refused(world: World) -> None:
    wallet = await world.wallet()
    start = await feed_page(world)
    await world.pay(wallet)
    await place_all(world)
    await world.rows("update event set created_at = created_at - %s", KEPT - timedelta(minutes=1))
    assert await world.engine.retention.purge_batch() == 0
    await world.rows("update event set created_at = created_at - interval '2 min'")
    assert await world.engine.retention.purge_batch() == 2
    answer = await world.api.get("/v1/events", params={"cursor": start["next_cursor"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "events_missed")
    page = await feed_page(world)
    assert page["data"] == []
    later = await world.pay(wallet)
    events = await all_events(world, cursor=page["next_cursor"])
    assert [event["subject"] for event in events] == [
        {"id": later["id"], "sequence": sequence} for sequence in (1, 2)
    ]


async def test_a_cursor_beyond_the_end_is_refused(world: World) -> None:
    """A backup was restored: the feed lacks events that the reader has seen."""
    wallet = await world.wallet()
    await world.pay(wallet)
    await place_all(world)
    cursor = (await feed_page(world))["next_cursor"]
    await world.rows("update event_feed set last_position = 1")
    answer = await world.api.get("/v1/events", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (409, "events_missed")


async def test_events_stay_with_their_merchant(world: World) -> None:
    await world.pay(await world.wallet())
    [event, _] = await all_events(world)
    await world.rows("update event set merchant_id = 1")
    await world.rows("update event_feed set last_position = 0")
    assert await all_events(world) == []
    assert (await world.api.get(f"/v1/events/{event['id']}")).status_code == 404


@pytest.mark.parametrize("wait", [-1, 21, "x"])
async def test_a_wait_outside_its_bounds_is_refused(shared_world: World, wait: object) -> None:
    answer = await shared_world.api.get("/v1/events", params={"wait": str(wait)})
    assert answer.status_code == 422


async def test_the_command_line_prints_the_feed(world: World) -> None:
    payment = await world.pay(await world.wallet())
    [_, event] = await all_events(world)
    merchant = ids.render_merchant(world.merchant_id)
    line = ("events", "tail", merchant, "--no-follow", "--type", "payment.succeeded")
    done = await world.groat(*line)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == event
    assert event["subject"]["id"] == payment["id"]
