"""A change and its record are one: where the record cannot be written, nothing has changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import psycopg
import pytest
from psycopg import sql

from groat.accounts.domain.chart import wallet
from groat.accounts.service.accounts import AccountService
from groat.audit.domain.record import Record
from groat.audit.service.records import AuditService
from groat.kernel import ids
from groat.kernel.clock import SystemClock
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.queries import Query
from tests.support.routing import rule
from tests.support.world import OPERATOR, World

Act = Callable[[World], Awaitable[object]]
_COUNT = Query(b"select count(*) as accounts from account")
_REFUSE = "alter table audit_record add constraint no_record check (false) not valid"


async def _contents(world: World) -> dict[str, str]:
    """Return a digest of each table's rows."""
    tables = await world.rows(
        "select tablename from pg_tables where schemaname = 'public' order by tablename"
    )
    digest = "select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {} as t"
    async with await psycopg.AsyncConnection.connect(world.database_url) as connection:
        found = {}
        for (table,) in tables:
            cursor = await connection.execute(sql.SQL(digest).format(sql.Identifier(table)))
            row = await cursor.fetchone()
            found[table] = "" if row is None else str(row[0])
    return found


def _post(path: str, **body: object) -> Act:
    return lambda world: world.ask(path, body or None)


async def _first(world: World, path: str) -> str:
    found: str = (await world.api.get(f"/v1/{path}")).json()["data"][0]["id"]
    return found


async def _capture(world: World) -> None:
    await _on(world, "payments?status=authorized", "payments/{}/capture")


async def _cancel(world: World) -> None:
    await _on(world, "payments?status=authorized", "payments/{}/cancel")


async def _refund(world: World) -> None:
    payment = await _first(world, "payments?status=succeeded")
    await world.ask("refunds", {"payment": payment, "amount": 1})


async def _pay(world: World) -> None:
    wallet = await _first(world, "accounts?code=wallet:alice")
    await world.ask("payments", world.order(wallet), key="a-new-key")


async def _transfer(world: World) -> None:
    debit = await _first(world, "accounts?code=wallet:alice")
    credit = await _first(world, "accounts?code=wallet:bob")
    order = {"debit_account": debit, "credit_account": credit, "amount": 1, "currency": "EUR"}
    await world.ask("transfers", {**order, "reference": "new"})


async def _hold(world: World) -> None:
    account = await _first(world, "accounts?code=wallet:alice")
    order = {"account": account, "amount": 1, "currency": "EUR", "reference": "new"}
    await world.ask("holds", order)


async def _release(world: World) -> None:
    account = await _first(world, "accounts?code=wallet:alice")
    await _on(world, f"accounts/{account}/holds", "holds/{}/release")


async def _freeze(world: World) -> None:
    account = await _first(world, "accounts?code=wallet:bob")
    await world.api.patch(f"/v1/accounts/{account}", json={"status": "frozen"})


async def _rules(world: World) -> None:
    await world.api.put("/v1/routing-rules", json={"rules": [rule(world, "new", "stripe")]})


async def _on(world: World, listed: str, path: str) -> None:
    await world.ask(path.format(await _first(world, listed)))


ACTS: dict[str, Act] = {
    "create a merchant": lambda world: world.engine.merchants.create(OPERATOR, "Another"),
    "create a key": lambda world: world.engine.api_keys.create(
        OPERATOR.acting_for(world.merchant_id)
    ),
    "put a provider account": lambda world: world.engine.merchants.put_provider_account(
        OPERATOR.acting_for(world.merchant_id), "stripe", "new", {"api_key": "sk_test_new"}
    ),
    "rewrap the keys": lambda world: world.engine.merchants.rewrap_keys(OPERATOR),
    "open an account": _post("accounts", code="wallet:new", currency="EUR"),
    "transfer": _transfer,
    "place a hold": _hold,
    "release a hold": _release,
    "pay": _pay,
    "capture": _capture,
    "cancel": _cancel,
    "refund": _refund,
    "replace the routing rules": _rules,
    "freeze an account": _freeze,
    "delete a provider account": lambda world: world.engine.merchants.delete_provider_account(
        OPERATOR.acting_for(world.merchant_id), world.stripe.account_id
    ),
    "revoke a key": lambda world: world.engine.api_keys.revoke_secret(OPERATOR, world.api_key),
}


async def test_no_command_changes_a_row_without_its_audit_record(lived_in: World) -> None:
    wallet = await _first(lived_in, "accounts?code=wallet:alice")
    for name, act in ACTS.items():
        if name in {"capture", "cancel"}:
            await lived_in.reserve(wallet)
        before = await _contents(lived_in)
        await lived_in.rows(_REFUSE)
        with suppress(psycopg.errors.CheckViolation):
            await act(lived_in)
        await lived_in.rows("alter table audit_record drop constraint no_record")
        assert await _contents(lived_in) == before, name
        await act(lived_in)
        assert await _contents(lived_in) != before, name


async def test_a_fact_changes_no_row_without_its_audit_record(world: World) -> None:
    """The event that brings it is tried again; payment, effect and ledger are as they were."""
    await world.stripe.set_faults(answer="cut_after")
    payment = await world.pay(await world.wallet())
    await world.stripe.set_faults()
    await world.deliver_all(await world.posted_mail())
    before = await _contents(world)
    await world.rows(_REFUSE)
    await world.drain()
    after = await _contents(world)
    assert {table for table in before if before[table] != after[table]} == {"provider_event"}
    await world.rows("alter table audit_record drop constraint no_record")
    await world.make_due()
    await world.drain()
    assert (await world.payment(payment["id"]))["status"] == "succeeded"


async def test_a_sink_sees_a_change_before_it_is_committed(world: World) -> None:
    engine, seen = world.engine, list[tuple[str, int, int]]()

    async def note(connection: Connection, records: Sequence[Record]) -> None:
        [(inside,)] = await connection.fetch(_COUNT)
        [(outside,)] = await world.rows("select count(*) from account")
        seen.append((records[0].change.action, inside, outside))

    audit = AuditService(engine.database, ids.uuid7, [note])
    accounts = AccountService(engine.database, audit, ids.uuid7, SystemClock())
    caller = OPERATOR.acting_for(world.merchant_id)
    await accounts.create(caller, wallet("wallet:one", "EUR"))
    await accounts.create(caller, wallet("wallet:two", "EUR"))
    assert seen == [("account.created", 1, 0), ("account.created", 2, 1)]


async def test_a_sink_that_fails_fails_the_change(world: World) -> None:
    async def fail(_connection: Connection, _records: Sequence[Record]) -> None:
        raise RuntimeError("no note")

    before = await _contents(world)
    audit = AuditService(world.engine.database, ids.uuid7, [fail])
    accounts = AccountService(world.engine.database, audit, ids.uuid7, SystemClock())
    with pytest.raises(RuntimeError, match="no note"):
        await accounts.create(OPERATOR.acting_for(world.merchant_id), wallet("wallet:one", "EUR"))
    assert await _contents(world) == before
