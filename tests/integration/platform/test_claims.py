"""A claim takes at most as many rows as it returns, whatever plan PostgreSQL chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from groat.inbox.infrastructure import events as store
from groat.kernel import ids
from groat.payments.infrastructure import operations
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.queries import Query
from tests.support.events import charge_event
from tests.support.world import World

LEASE = timedelta(minutes=5)
ROWS = 11
NESTED_LOOPS = [
    Query(f"set local {setting} = off".encode())
    for setting in (
        "enable_hashjoin",
        "enable_mergejoin",
        "enable_material",
        "enable_memoize",
        "enable_hashagg",
        "enable_sort",
        "enable_incremental_sort",
    )
]


@pytest.fixture
async def connection(world: World) -> AsyncIterator[Connection]:
    """A transaction whose planner knows tables of one row, and joins by nested loops."""
    unknown = [ids.render("payment", ids.uuid7()) for _ in range(ROWS)]
    events = [charge_event(f"evt_{one}", f"ch_{one}", one, 100) for one in unknown]
    await world.stripe.set_faults(answer="cut_after")
    wallet = await world.wallet()
    await world.deliver(await world.signed(events[0]))
    await world.pay(wallet)
    await world.rows("analyze provider_event, operation")
    for event in events[1:]:
        await world.deliver(await world.signed(event))
        await world.pay(wallet)
    await world.make_due()
    async with world.engine.database.rehearsal() as connection:
        for setting in NESTED_LOOPS:
            connection.write(setting)
        yield connection


async def test_an_attempt_with_an_expired_claim_neither_renews_nor_releases_it(
    world: World,
) -> None:
    """A worker that wakes after its claim expired must not touch the claim of the next worker."""
    await world.deliver(await world.signed({"id": "evt_1", "type": "x.y"}))
    database = world.engine.database
    async with database.transaction() as connection:
        [lost] = await store.claim(connection, LEASE, 1)
    await world.make_due()
    async with database.transaction() as connection:
        [held] = await store.claim(connection, LEASE, 1)
    before = await world.rows("select attempts, claimed_until, due_at from provider_event")
    async with database.transaction() as connection:
        store.renew_claims(connection, [lost], 2 * LEASE)
        store.release_claims(connection, [lost])
        assert await store.lock_claimed(connection, world.merchant_id, [lost]) == set()
    assert await world.rows("select attempts, claimed_until, due_at from provider_event") == before
    async with database.transaction() as connection:
        store.release_claims(connection, [held])
    assert await world.rows("select attempts, claimed_until, due_at from provider_event") != before


async def claimed(connection: Connection, table: str, mark: str) -> int:
    [(count,)] = await connection.fetch(
        Query(f"select count(*) from {table} where {mark}".encode())  # noqa: S608 - our own words
    )
    return int(count)


async def test_a_claim_of_due_events_takes_no_more_than_its_limit(connection: Connection) -> None:
    events = await store.claim(connection, LEASE, 2)
    assert (len(events), await claimed(connection, "provider_event", "attempts > 0")) == (2, 2)


async def test_a_claim_of_a_suspect_takes_one_event(connection: Connection) -> None:
    connection.write(Query(b"update provider_event set attempts_lost = 2"))
    assert await store.claim_suspect(connection, LEASE) is not None
    assert await claimed(connection, "provider_event", "attempts > 0") == 1


async def test_a_claim_of_due_operations_takes_no_more_than_its_limit(
    connection: Connection,
) -> None:
    found = await operations.claim(connection, LEASE, 2)
    assert (len(found), await claimed(connection, "operation", "lookups > 0")) == (2, 2)
