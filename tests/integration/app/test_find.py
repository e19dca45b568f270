"""``groat find``: from any id or text to the payment that it belongs to."""

from __future__ import annotations

import json
from typing import LiteralString

import psycopg
import pytest

from groat.accounts.infrastructure import accounts
from groat.app.finder import Meaning, find
from groat.inbox.infrastructure import events
from groat.kernel import ids
from groat.movements.infrastructure import movements
from groat.notifications.infrastructure import feed
from groat.payments.infrastructure import operations, search
from groat.payments.infrastructure import payments as payment_store
from groat.platform.postgres import idempotency
from groat.platform.postgres.queries import Query
from tests.support.feeds import fed, read_feeds
from tests.support.world import GOOD, World

LARGE = (
    "payment",
    "operation",
    "applied_effect",
    "movement",
    "movement_attribution",
    "provider_event",
    "event",
    "delivery",
    "delivery_attempt",
    "ledger_transaction",
    "ledger_entry",
    "idempotency_key",
    "refund",
    "dispute",
)
"""Tables of which no look-up may read all rows."""


async def meanings(world: World, text: str) -> set[tuple[str, str]]:
    """Return the meanings of ``text``, each with the payment that it leads to."""
    found = await find(world.engine, world.merchant_id, text)
    return {(one.noun, _name(one)) for one in found}


def _name(one: Meaning) -> str:
    return "" if one.payment_id is None else ids.render("payment", one.payment_id)


async def test_each_text_of_a_payment_leads_to_it(world: World) -> None:
    wallet = await world.wallet()
    await world.pay(wallet)
    paid = await world.api.post(
        "/v1/payments",
        json=world.order(
            wallet,
            reference="order-7",
            metadata={"basket": "b-17", "colour": "red"},
            customer={"reference": "customer-7", "email": "c7@example.test"},
        ),
        headers={"idempotency-key": "key-7"},
    )
    payment = paid.json()
    for text, meaning in (
        (payment["id"], "payment"),
        (payment["operations"][0]["id"], "operation"),
        (payment["provider_reference"], "provider's id"),
        ("order-7", "reference"),
        ("b-17", "value of metadata"),
        ("customer-7", "customer reference"),
        ("c7@example.test", "customer e-mail"),
        ("key-7", "idempotency key of a payment"),
    ):
        assert (meaning, payment["id"]) in await meanings(world, text), text
        assert {name for _, name in await meanings(world, text)} == {payment["id"]}, text


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
async def test_ids_of_objects_lead_to_their_payment(world: World, provider: str) -> None:
    site = world.site(provider)
    wallet = await world.wallet()
    paid = await world.pay(wallet, provider_account=site.account, payment_method=GOOD[provider])
    refund = await world.refund(paid, amount=400)
    await site.pull("dispute", paid)
    await world.settle()
    await world.engine.sequencer.place_batch()
    [dispute] = (await world.api.get("/v1/disputes")).json()["data"]
    texts = [refund["id"], dispute["id"], dispute["provider_reference"]]
    texts += await _texts(world, "select reference from applied_effect")
    texts += await _texts(world, "select provider_reference from provider_event")
    for kind, query in _IDS.items():
        found = [ids.render(kind, row[0]) for row in await world.rows(query)]
        assert found, kind
        texts += found
    for text in texts:
        assert paid["id"] in {name for _, name in await meanings(world, text)}, text


_IDS: dict[str, LiteralString] = {
    "provider_event": "select id from provider_event",
    "event": "select id from event where type not like 'webhook%%'",
    "ledger_transaction": "select transaction_id from applied_effect",
}


async def _texts(world: World, query: LiteralString) -> list[str]:
    found = [row[0] for row in await world.rows(query)]
    assert found, query
    return found


async def test_movements_and_payouts_lead_to_their_payments(world: World) -> None:
    async with fed(world) as shop:
        wallet = await shop.wallet()
        paid = [await shop.pay(wallet) for _ in range(2)]
        await read_feeds(shop)
        await shop.rows("update movement set payout = 'po_7'")
        payments = {one["id"] for one in paid}
        assert {name for _, name in await meanings(shop, "po_7")} == payments
        named = [
            await meanings(shop, key) for key in await _texts(shop, "select key from movement")
        ]
    assert {name for found in named for _, name in found} == payments
    assert [len(found) for found in named] == [1, 1]


async def test_the_command_prints_how_to_show_the_story(world: World) -> None:
    paid = await world.pay(await world.wallet(), reference="order-7")
    merchant = ids.render_merchant(world.merchant_id)
    shown = await world.groat("find", merchant, "order-7")
    assert f"groat payments timeline {merchant} {paid['id']}" in shown.stdout
    [listed] = json.loads((await world.groat("find", merchant, "order-7", "--json")).stdout)
    assert (listed["meaning"], listed["payment"]) == ("reference", paid["id"])
    nothing = await world.groat("find", merchant, "pay_unheard")
    assert (nothing.returncode, nothing.stdout) == (1, "Nothing has this id or text.\n")


QUERIES: dict[str, Query] = {
    "find_payments_by_text": search.QUERIES["find_payments_by_text"],
    "find_payments_of_objects": search.QUERIES["find_payments_of_objects"],
    "find_bound_objects": idempotency.QUERIES["find_bound_objects"],
    "find_objects_of_movements": movements.QUERIES["find_objects_of_movements"],
    "find_by_reference": events.QUERIES["find_by_reference"],
    "get_subject": accounts.QUERIES["get_subject"],
    "list_transaction_lines": accounts.QUERIES["list_transaction_lines"],
    "list_operation_calls": operations.QUERIES["list_operation_calls"],
    "list_posted_transactions": payment_store.QUERIES["list_posted_transactions"],
    "list_events_of_objects": feed.QUERIES["list_events_of_objects"],
}
"""The queries of ``groat find`` and ``groat payments timeline``."""


async def test_no_look_up_reads_a_whole_table(world: World) -> None:
    await world.pay(await world.wallet())
    await _multiply(world)
    plans = {name: await _plan(world, query) for name, query in QUERIES.items()}
    for name, plan in plans.items():
        assert [table for table in LARGE if f"Seq Scan on {table} " in plan] == [], f"{name} {plan}"
    by_text = plans["find_payments_by_text"]
    assert by_text.count("Bitmap Index Scan on payment_by_text") == 5, by_text
    assert by_text.count("Bitmap Index Scan on payment_by_metadata") == 1, by_text
    of_movements = plans["find_objects_of_movements"]
    assert of_movements.count("Bitmap Index Scan on movement_by_text") == 2, of_movements


async def _multiply(world: World) -> None:
    """Fill the tables whose indexes the planner weighs, and let it know."""
    await world.rows(
        "insert into payment select copy.* from (select p from payment p limit 1) as one (p),"
        " generate_series(1, 20000) as n, jsonb_populate_record(p, jsonb_build_object('id',"
        " gen_random_uuid(), 'reference', 'r-' || n, 'provider_reference', 'pi_' || n)) as copy"
    )
    await world.rows(
        "insert into movement select p.merchant_id, p.provider_account_id, 'txn_' || n, 'charge',"
        " 'charge', now(), now(), 'EUR', 1, 0, 0, 'ch_' || n, null, 'po_' || n / 100, 'available'"
        " from (select * from payment limit 1) as p, generate_series(1, 20000) as n"
    )
    await world.rows("analyze")


async def _plan(world: World, query: Query) -> str:
    """Return the plan for any parameters, in tables that are large."""
    async with await psycopg.AsyncConnection.connect(world.database_url) as connection:
        await connection.execute("set enable_seqscan = off")
        rows = await connection.execute(b"explain (generic_plan) " + query.text)
        return "\n".join(row[0] for row in await rows.fetchall())
