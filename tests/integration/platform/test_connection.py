"""Statements that are sent together: nothing of a transaction is done unless all of it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from groat.kernel.errors import Unavailable
from groat.platform.postgres.connection import Connection, value, values
from groat.platform.postgres.database import Database, KeyTaken
from groat.platform.postgres.queries import Query
from tests.support.world import World

INSERT = Query.of("insert into thing values (%(id)s::bigint, %(text)s::text)")
READ = Query.of("select id, text from thing order by id")
PID = Query(b"select pg_backend_pid()")


@pytest.fixture
async def database(world: World) -> AsyncIterator[Database]:
    await world.rows("create table thing (id bigint primary key, text text)")
    await world.rows("grant select, insert on thing to groat_app")
    database = Database(world.database_url, max_connections=2)
    await database.open()
    yield database
    await database.close()


async def things(database: Database) -> list[tuple[int, str]]:
    async with database.transaction() as connection:
        return [(row[0], row[1]) for row in await connection.fetch(READ)]


async def fails(database: Database, act: Callable[[Connection], Awaitable[object]]) -> None:
    """Run ``act`` in a transaction that is to come to nothing."""
    async with database.transaction() as connection:
        await act(connection)


async def put(connection: Connection, *numbers: int) -> None:
    for number in numbers:
        connection.write(INSERT, {"id": number, "text": "x"})


async def test_a_write_is_visible_to_the_next_read_and_after_the_commit(
    database: Database,
) -> None:
    async with database.transaction() as connection:
        await put(connection, 1, 2**40)
        assert await connection.fetch(READ) == [(1, "x"), (2**40, "x")]
        assert await connection.fetch_one(READ) == (1, "x")
        await put(connection, 3)
    assert await things(database) == [(1, "x"), (3, "x"), (2**40, "x")]


class Thing(NamedTuple):
    id: int
    text: str


class Swapped(NamedTuple):
    text: str
    id: int


async def test_rows_become_values_whose_fields_are_the_columns(database: Database) -> None:
    async with database.transaction() as connection:
        await put(connection, 1, 2)
        rows = await connection.fetch(READ)
    assert [row.text for row in rows] == ["x", "x"]
    assert values(Thing, rows) == [Thing(1, "x"), Thing(2, "x")]
    assert value(Thing, rows[1]) == Thing(2, "x")
    with pytest.raises(TypeError, match=r"Swapped are not the columns of its query: id, text"):
        values(Swapped, rows)


async def test_a_rehearsal_sees_its_writes_and_keeps_none(database: Database) -> None:
    async with database.rehearsal() as connection:
        await put(connection, 1)
        assert await connection.fetch(READ) == [(1, "x")]
        await put(connection, 2)
        await connection.flush()
        await put(connection, 3)
    assert await things(database) == []


async def test_a_rehearsal_raises_the_errors_of_postgresql(database: Database) -> None:
    async with database.transaction() as connection:
        await put(connection, 1)

    async def rehearse() -> None:
        async with database.rehearsal() as connection:
            await put(connection, 1)
            await connection.flush()

    with pytest.raises(KeyTaken):
        await rehearse()
    assert await things(database) == [(1, "x")]


async def test_only_a_failed_part_is_rolled_back(database: Database) -> None:
    async def part(connection: Connection, *numbers: int, error: Exception | None = None) -> None:
        async with database.part(connection):
            await put(connection, *numbers)
            if error is not None:
                raise error

    async with database.transaction() as connection:
        await put(connection, 1)
        await part(connection, 2)
        with pytest.raises(KeyTaken):
            await part(connection, 3, 1)
        with pytest.raises(ValueError, match="no"):
            await part(connection, 4, error=ValueError("no"))
        await part(connection, 5)
        assert await connection.fetch(READ) == [(1, "x"), (2, "x"), (5, "x")]
    assert await things(database) == [(1, "x"), (2, "x"), (5, "x")]


async def test_a_part_whose_server_stops_is_unavailable(database: Database, world: World) -> None:
    async def lose_it() -> None:
        async with database.rehearsal() as connection, database.part(connection):
            await put(connection, 1)
            [(pid,)] = await connection.fetch(PID)
            await world.rows("select pg_terminate_backend(%s)", pid)
            await connection.fetch(READ)

    with pytest.raises(Unavailable):
        await lose_it()
    assert await things(database) == []


async def test_an_error_in_the_block_rolls_back_sent_and_queued_writes(
    database: Database,
) -> None:
    async def give_up(connection: Connection) -> None:
        await put(connection, 1)
        await connection.fetch(READ)
        await put(connection, 2)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await fails(database, give_up)
    assert await things(database) == []


async def test_a_refused_write_is_raised_as_the_transaction_ends(database: Database) -> None:
    with pytest.raises(KeyTaken):
        await fails(database, lambda connection: put(connection, 1, 2, 1, 3))
    assert await things(database) == []


async def test_after_a_refused_statement_nothing_is_committed(database: Database) -> None:
    async def go_on_regardless(connection: Connection) -> None:
        await put(connection, 1)
        with pytest.raises(psycopg.errors.DivisionByZero):
            await connection.fetch(Query(b"select 1 / 0"))

    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        await fails(database, go_on_regardless)
    assert await things(database) == []


async def test_a_statement_is_prepared_once(database: Database) -> None:
    for number in range(5):
        async with database.transaction() as connection:
            await put(connection, number)
            names = Query.of(
                "select count(*) from pg_prepared_statements where statement like 'insert%thing%'"
            )
            assert await connection.fetch_one(names) in {(1,), (2,)}  # one for each pooled session


async def test_large_writes_and_large_results_do_not_deadlock(database: Database) -> None:
    echo = Query.of("select %(text)s::text")
    long = "x" * 3_000_000
    async with database.transaction() as connection:
        for _ in range(5):
            connection.write(echo, {"text": long})
        assert await connection.fetch_one(echo, {"text": long}) == (long,)


async def test_a_server_that_stops_is_unavailable(database: Database, world: World) -> None:
    async def lose_the_server(connection: Connection) -> None:
        await put(connection, 1)
        [[pid]] = await connection.fetch(PID)
        await world.rows("select pg_terminate_backend(%s)", pid)
        await connection.fetch(READ)

    with pytest.raises(Unavailable):
        await fails(database, lose_the_server)
    assert await things(database) == []


async def test_a_canceled_caller_holds_no_lock(database: Database) -> None:
    started = asyncio.Event()

    async def slow() -> None:
        async with database.transaction() as connection:
            await put(connection, 1)
            await connection.fetch(READ)
            started.set()
            await connection.fetch(Query(b"select pg_sleep(20)"))

    leaving = asyncio.create_task(slow())
    await started.wait()
    await asyncio.sleep(0.05)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    async with asyncio.timeout(5), database.transaction() as connection:
        await put(connection, 1)
    assert await things(database) == [(1, "x")]


async def test_a_missing_server_is_unavailable(world: World) -> None:
    database = Database(make_conninfo(world.database_url, port=1), max_connections=1)
    await database.open()
    with pytest.raises(Unavailable):
        await things(database)
    await database.close()


async def test_several_queries_share_one_round_trip_and_get_their_own_rows(
    database: Database,
) -> None:
    async with database.transaction() as connection:
        connection.write(INSERT, {"id": 1, "text": "one"})
        connection.write(INSERT, {"id": 2, "text": "two"})
        all_of_them, none, pid = await connection.fetch_each(
            (READ, {}), (Query.of("select where false"), {}), (PID, {})
        )
    assert all_of_them == [(1, "one"), (2, "two")]
    assert (none, len(pid)) == ([], 1)


async def test_canceled_and_failed_reads_leave_no_rows_for_the_next_read(
    database: Database,
) -> None:
    slow, one = Query(b"select pg_sleep(0.2)"), Query(b"select 1")
    two, wrong = Query(b"select 2"), Query(b"select 1/0")

    async def read(*queries: Query) -> list[list[tuple[int, ...]]]:
        async with database.autocommit() as connection:
            return await connection.fetch_each(*((query, {}) for query in queries))

    for number in range(5):
        given_up = [asyncio.create_task(read(slow, one)) for _ in range(4)]
        await asyncio.sleep(0.005 * number)
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        failed = await asyncio.gather(
            *(read(one, wrong, two) for _ in range(4)), return_exceptions=True
        )
        assert all(isinstance(one, psycopg.errors.DivisionByZero) for one in failed)
        assert await asyncio.gather(*(read(one, two) for _ in range(8))) == [[[(1,)], [(2,)]]] * 8
