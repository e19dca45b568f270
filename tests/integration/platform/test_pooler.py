"""The engine behind PgBouncer: transactions stay whole when many clients share few connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest
from benchmarks.pgbouncer import PROGRAM, PoolMode, pgbouncer
from pydantic import SecretStr

from groat.app.verify import verify
from groat.kernel.errors import ConfigurationError
from groat.platform.postgres import schema
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.platform.postgres.queries import Query
from groat.platform.process.settings import APPLICATION_ROLE
from tests.support.world import BAD_STRIPE, World, engine_and_api

pytestmark = pytest.mark.skipif(
    PROGRAM is None,
    reason="PGBOUNCER IS MISSING: nothing was tested through a pooler; apt-get install pgbouncer",
)

MODES: tuple[PoolMode, ...] = ("session", "transaction")
SESSION = Query.of(
    "select current_user, current_setting('lock_timeout'), current_setting('statement_timeout'), "
    "current_setting('synchronous_commit')"
)


@pytest.fixture(params=MODES)
async def pooled(world: World, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A world whose engine reaches PostgreSQL through PgBouncer, with fewer connections than it
    has clients of its own."""
    connections = 4 if request.param == "transaction" else 40
    with pgbouncer(world.database_url, request.param, connections=connections) as url:
        settings = world.settings.model_copy(update={"database_url": SecretStr(url)})
        async with engine_and_api(settings, world.api_key) as (engine, api):
            yield replace(world, settings=settings, engine=engine, api=api)


async def test_books_are_right_when_many_clients_share_few_connections(pooled: World) -> None:
    wallet = await pooled.wallet()
    paid = await asyncio.gather(*(pooled.pay(wallet) for _ in range(24)))
    await asyncio.gather(*(pooled.pay(wallet, payment_method=BAD_STRIPE) for _ in range(8)))
    await asyncio.gather(*(pooled.refund(one, amount=100) for one in paid[:8]))
    reserved = await asyncio.gather(*(pooled.reserve(wallet) for _ in range(4)))
    await asyncio.gather(*(pooled.command(one, "cancel") for one in reserved))
    await pooled.settle()
    assert await pooled.balance(wallet) == 24 * 1050 - 8 * 100
    assert len(await pooled.stripe.charges()) == 24
    findings = await asyncio.to_thread(verify, pooled.settings, lambda _: None)
    assert [one for one in findings if not one.ok] == []


async def test_each_transaction_has_the_role_and_the_time_limits(pooled: World) -> None:
    database = pooled.engine.database
    expected = [(APPLICATION_ROLE, "5s", "30s", "on")]

    async def in_transaction() -> list[tuple[object, ...]]:
        async with database.transaction() as connection:
            await connection.flush()
            return await connection.fetch(SESSION)

    async def alone() -> list[tuple[object, ...]]:
        async with database.autocommit() as connection:
            await connection.fetch(SESSION)
            return await connection.fetch(SESSION)

    answers = await asyncio.gather(*(read() for read in (in_transaction, alone) * 20))
    assert answers == [expected] * 40


async def test_a_shared_connection_keeps_no_state_of_its_last_client(world: World) -> None:
    with pgbouncer(world.database_url, "transaction", connections=1) as url:
        database = Database(url, max_connections=2)
        await database.open()
        async with database.transaction() as connection:
            await connection.fetch(SESSION)
        with psycopg.connect(url, autocommit=True) as other:
            assert other.execute("select count(*) from pg_prepared_statements").fetchone() == (0,)
            assert other.execute("select current_setting('lock_timeout')").fetchone() == ("0",)
            assert other.execute("select current_user = session_user").fetchone() == (True,)
        await database.close()


async def test_a_failed_transaction_leaves_the_shared_connection_usable(
    world: World,
) -> None:
    async def fail(database: Database) -> None:
        async def act(connection: Connection) -> None:
            await connection.fetch(Query(b"select 1 / 0"))

        async with database.transaction() as connection:
            await act(connection)

    with pgbouncer(world.database_url, "transaction", connections=1) as url:
        database = Database(url, max_connections=4)
        await database.open()
        for _ in range(5):
            with pytest.raises(psycopg.errors.DivisionByZero):
                await fail(database)
            async with database.transaction() as connection:
                assert await connection.fetch(Query(b"select 2")) == [(2,)]
        await database.close()


async def test_migrations_run_through_a_pooler(world: World) -> None:
    with pgbouncer(world.database_url, "transaction", connections=1) as url:
        assert schema.migrate(url) == schema.revisions()[-1]
        schema.require_current(url)


async def test_a_pooler_that_splits_transactions_is_refused_at_start(world: World) -> None:
    with (
        pgbouncer(world.database_url, "statement", connections=1) as url,
        pytest.raises(ConfigurationError, match="session or transaction") as refused,
    ):
        schema.require_current(url)
    assert refused.value.code == "pooling_not_supported"
    assert "\n" not in refused.value.message
