"""Operators look at the inbox, ask what a replay would change, and replay: by the usual way."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

import pytest

from groat.app import inbox_commands
from groat.app.operators import operator
from groat.inbox.domain.conclusion import EventStatus
from groat.inbox.domain.event import EventFilter
from groat.inbox.infrastructure import events as store
from groat.inbox.service import replay
from groat.kernel import ids
from groat.platform.postgres.queries import Query
from tests.support.events import charge_event
from tests.support.pages import pages
from tests.support.world import OPERATOR, World, without_answers

EVENTS = "/v1/provider-events"


async def lied_to(world: World) -> tuple[str, dict[str, Any]]:
    """Return a wallet, and the dead event of a provider that has told a wrong amount."""
    wallet = await world.wallet()
    async with without_answers(world) as hasty:
        payment = await hasty.pay(wallet)
    await world.deliver(await world.signed(charge_event("evt_lie", "ch_lie", payment["id"], 1)))
    await world.drain()
    [event] = await pages(world.api, EVENTS, status="dead")
    return wallet, event


async def records(world: World, of: str) -> list[dict[str, Any]]:
    return await pages(world.api, "/v1/audit-records", object=of)


async def test_an_event_is_shown_with_the_body_of_its_provider(world: World) -> None:
    _, event = await lied_to(world)
    assert (event["status"], event["reason"]) == ("dead", "amount_mismatch")
    assert (event["type"], event["attempts"], event["deliveries"]) == ("charge.succeeded", 1, 1)
    assert event["due_at"] is None
    shown = (await world.api.get(f"{EVENTS}/{event['id']}")).json()
    assert shown.pop("payload")["data"]["object"]["amount_captured"] == 1
    assert shown == event


async def test_events_are_filtered_by_status_type_and_account(world: World) -> None:
    _, event = await lied_to(world)
    await world.deliver_all([await world.signed({"id": f"evt_{n}", "type": "x.y"}) for n in "ab"])
    account = event["provider_account"]
    for filters, found in (
        ({}, 3),
        ({"status": "dead"}, 1),
        ({"status": "pending"}, 2),
        ({"type": "x.y"}, 2),
        ({"reason": "amount_mismatch"}, 1),
        ({"provider_account": account}, 3),
        ({"provider_account": world.paypal.account}, 0),
        ({"received_from": event["received_at"]}, 3),
        ({"received_before": event["received_at"]}, 0),
    ):
        assert len(await pages(world.api, EVENTS, **filters)) == found, filters
    newest_first = [one["received_at"] for one in await pages(world.api, EVENTS)]
    assert newest_first == sorted(newest_first, reverse=True)


async def test_a_filter_by_status_scans_no_other_events(
    world: World,
) -> None:
    """Whose are the oldest in an inbox of millions: this is asked when something is wrong."""
    await lied_to(world)
    await world.deliver(await world.signed({"id": "evt_open", "type": "x.y"}))
    await world.rows(
        """
        insert into provider_event (
            merchant_id, id, provider_account_id, provider_reference, event_type, body, status,
            reason, due_at, received_at, settled_at
        )
        select
            merchant_id, gen_random_uuid(), provider_account_id, 'evt_' || number, event_type, body,
            'ignored', 'no_fact_in_event', now(), now(), now()
        from provider_event, generate_series(1, 2000) as number
        where provider_reference = 'evt_open'
        """
    )
    await world.rows("analyze provider_event")
    read = Query(
        b"select pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid)"
        b" from pg_class c where c.relname = 'provider_event'"
    )
    for status in EventStatus.PENDING, EventStatus.DEAD:
        async with world.engine.database.transaction() as connection:
            wanted = EventFilter(status)
            [_] = await store.events(connection, world.merchant_id, wanted, None, 50)
            [(rows,)] = await connection.fetch(read)
        assert rows < 10


async def test_a_dry_run_reports_the_changes_and_makes_none(world: World) -> None:
    wallet = await world.wallet()
    async with without_answers(world) as hasty:
        payment = await hasty.pay(wallet)
        await world.deliver_all(await hasty.posted_mail("charge.succeeded"))
    before = await world.counts()
    answer = await world.api.post(f"{EVENTS}/replay", json={"status": "pending", "dry_run": True})
    assert answer.status_code == 200, answer.text
    [would_be] = answer.json()["would_be"]
    assert (would_be["type"], would_be["status"]) == ("charge.succeeded", "processed")
    assert would_be["provider_reference"].startswith("evt_")
    [change] = would_be["changes"]
    assert (change["action"], change["object"]) == ("payment.captured", payment["id"])
    assert change["data"]["amount"] == 1050
    assert await world.counts() == before
    assert (await world.payment(payment["id"]))["status"] == "processing"
    assert await world.drain() == 1
    assert await world.balance(wallet) == 1050


async def test_a_dry_run_names_an_event_that_would_fail_and_continues(world: World) -> None:
    wallet = await world.wallet()
    async with without_answers(world) as hasty:
        payments = [await hasty.pay(wallet) for _ in range(2)]
        good = await hasty.posted_mail("charge.succeeded", "payment_intent.succeeded")
    bad = await world.signed(charge_event("evt_bad", "ch_\0", payments[0]["id"], 1050))
    for mail in (*good[:2], bad, *good[2:]):
        await world.deliver(mail)
    before = await world.counts()
    answer = await world.api.post(f"{EVENTS}/replay", json={"status": "pending", "dry_run": True})
    assert [(one["status"], one["reason"]) for one in answer.json()["would_be"]] == [
        ("processed", None),
        ("processed", None),
        ("retrying", "CharacterNotInRepertoire"),
        ("processed", "already_so"),
        ("processed", "already_so"),
    ]
    assert await world.counts() == before


async def test_a_corrected_event_is_replayed(world: World) -> None:
    wallet, event = await lied_to(world)
    payment = (await pages(world.api, "/v1/payments"))[0]["id"]
    body = json.dumps(charge_event("evt_lie", "ch_lie", payment, 1050)).encode()
    await world.rows("update provider_event set body = %s", body)
    answer = await world.api.post(f"{EVENTS}/{event['id']}/replay")
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")
    assert await world.balance(wallet) == 0
    assert await world.drain() == 1
    assert await world.balance(wallet) == 1050
    [replayed] = [
        one for one in await records(world, event["id"]) if one["action"].endswith("replayed")
    ]
    assert replayed["data"] == {"was": "dead", "reason": "amount_mismatch"}
    assert replayed["actor"].startswith("key_")


async def test_a_replay_of_an_applied_event_changes_nothing(world: World) -> None:
    wallet = await world.wallet()
    await world.pay(wallet)
    await world.settle()
    balance, before = await world.balance(wallet), await world.counts()
    answer = await world.api.post(f"{EVENTS}/replay", json={"status": "processed"})
    replayed = answer.json()["replayed"]
    assert len(replayed) == 2
    await world.make_due()
    assert await world.drain() == 2
    assert await world.balance(wallet) == balance
    after = await world.counts()
    assert after.pop("audit_record") == before.pop("audit_record") + 2 * len(replayed)
    assert after == before
    assert {row[2] for row in await world.inbox() if row[1] == "processed"} == {"already_so"}


async def test_replayed_events_are_spread_over_time(world: World) -> None:
    await world.deliver_all([await world.signed({"id": f"evt_{n}", "type": "x.y"}) for n in "abcd"])
    await world.drain()
    await world.api.post(f"{EVENTS}/replay", json={"type": "x.y", "per_second": 2})
    waits = await world.rows(
        "select extract(epoch from due_at - min(due_at) over ()) from provider_event order by id"
    )
    assert [float(wait) for (wait,) in waits] == [0, 0.5, 1, 1.5]
    assert await world.drain() == 1


async def test_a_replay_in_several_batches_keeps_the_order_by_age(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.deliver_all(
        [await world.signed({"id": f"evt_{n}", "type": "x.y"}) for n in range(7)]
    )
    while await world.drain():
        pass
    monkeypatch.setattr(inbox_commands, "MOST_REPLAYED", 3)
    monkeypatch.setattr(replay, "_PAGE", 2)
    operator, wanted = OPERATOR.acting_for(world.merchant_id), EventFilter(event_type="x.y")
    replayed = await inbox_commands._replay(world.engine, operator, wanted, 100)
    by_age = await world.rows("select id, due_at from provider_event order by id")
    assert [(one.id, one.due_at) for one in replayed] == by_age
    assert by_age == sorted(by_age, key=itemgetter(1))
    assert {one.status for one in replayed} == {"pending"}


async def test_a_replay_does_not_delay_a_due_event(world: World) -> None:
    await world.deliver_all([await world.signed({"id": f"evt_{n}", "type": "x.y"}) for n in "abcd"])
    answer = await world.api.post(f"{EVENTS}/replay", json={"type": "x.y", "per_second": 0.1})
    assert len(answer.json()["replayed"]) == 4
    assert await world.drain() == 4


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"per_second": 0}, 422, "invalid_request"),
        ({"per_second": 1e-300}, 422, "invalid_request"),
        ({"status": "lost"}, 422, "invalid_request"),
        ({"events": ["pev_1"]}, 404, "provider_event_not_found"),
        ({"received_from": "yesterday"}, 422, "invalid_request"),
        ({"everything": True}, 422, "invalid_request"),
        ({}, 422, "nothing_selected"),
        ({"dry_run": True, "per_second": 5}, 422, "nothing_selected"),
    ],
)
async def test_an_invalid_request_is_refused(
    world: World, body: dict[str, object], status: int, code: str
) -> None:
    answer = await world.api.post(f"{EVENTS}/replay", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_unknown_event_is_not_found(world: World) -> None:
    event = ids.render("provider_event", ids.uuid7())
    for answer in (
        await world.api.get(f"{EVENTS}/{event}"),
        await world.api.post(f"{EVENTS}/{event}/replay"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "provider_event_not_found")


async def test_the_commands_list_show_and_replay(world: World) -> None:
    wallet, event = await lied_to(world)
    merchant = ids.render_merchant(world.merchant_id)
    listed = await world.groat("inbox", "list", merchant, "--status", "dead", "--json")
    assert json.loads(listed.stdout) == [event]
    table = await world.groat("inbox", "list", merchant, "--since", "1h")
    assert "amount_mismatch" in table.stdout
    shown = await world.groat("inbox", "show", merchant, event["id"])
    assert json.loads(shown.stdout)["payload"]["id"] == "evt_lie"
    tried = await world.groat("inbox", "replay", merchant, event["id"], "--dry-run")
    assert "amount_mismatch" in tried.stdout, tried.stderr
    assert (await world.inbox())[0][1] == "dead"
    nothing = await world.groat("inbox", "replay", merchant)
    assert (nothing.returncode, "nothing_selected" in nothing.stderr) == (2, True)
    never = await world.groat("inbox", "replay", merchant, event["id"], "--per-second", "nan")
    assert (never.returncode, "--per-second" in never.stderr) == (2, True)
    replayed = await world.groat("inbox", "replay", merchant, "--reason", "amount_mismatch")
    assert "1 events are being replayed" in replayed.stdout, replayed.stderr
    assert (await world.inbox())[0][1] == "pending"
    assert await world.balance(wallet) == 0
    record, settled = await records(world, event["id"])
    assert settled["action"] == "provider_event.settled"
    assert record["actor"] == f"operator:{operator().name}"
