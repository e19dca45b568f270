"""The sealer: every committed record gets one place, whatever else goes on."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from structlog.testing import capture_logs

from groat.audit.domain.checkpoint import Checkpoint
from groat.audit.domain.note import NotSigned
from groat.audit.domain.tree import Frontier
from groat.audit.infrastructure import log as store
from groat.audit.infrastructure.log import StoredCheckpoint, Unsealed
from groat.audit.service import sealer as module
from groat.audit.service.sealer import Sealer
from groat.kernel import ids
from groat.kernel.clock import SystemClock
from groat.kernel.errors import Conflict, InvalidRequest, Unavailable
from groat.kernel.ids import RecordId
from groat.platform.postgres.database import KeyTaken
from tests.support.sealing import checkpoints, leaves, seal_all, verifiers, waiting
from tests.support.world import OPERATOR, World

_INSERT = """
    insert into audit_record (merchant_id, id, object_id, recorded_at, body, leaf_hash)
    values (1, %s, %s, now(), '{}', sha256('\\x007b7d'::bytea)) returning xid::text::bigint
"""


def insert_record(connection: psycopg.Connection) -> tuple[str, int]:
    """Insert a record as a transaction of our own; return its id and the transaction's number."""
    record_id = ids.uuid7()
    row = connection.execute(_INSERT, (record_id, record_id)).fetchone()
    assert row is not None
    return ids.render("audit_record", record_id), row[0]


async def assert_log_is_one_tree(world: World) -> None:
    """Compute the log anew from its leaves, and compare every checkpoint and every stored hash."""
    log = await leaves(world)
    assert [leaf.place for leaf in log] == list(range(len(log)))
    assert len({leaf.record for leaf in log}) == len(log)
    tree, size = Frontier(), 0
    stored: dict[tuple[int, int], bytes] = {}
    for one in await checkpoints(world):
        tree, completed = tree.extended(leaf.hash for leaf in log[size : one.size])
        stored |= {place: found for place, found in completed if place.level % 8 == 0}
        size = one.size
        assert (tree.size, tree.root()) == (one.size, one.root)
    assert size == len(log)
    nodes = await world.rows("select level, number, hash from audit_node")
    assert {(level, number): bytes(found) for level, number, found in nodes} == stored


async def test_every_record_is_sealed_once_in_the_order_of_transactions(lived_in: World) -> None:
    await seal_all(lived_in)
    await assert_log_is_one_tree(lived_in)
    records = await lived_in.rows("select typeid('aud', id) from audit_record order by xid, id")
    assert [leaf.record for leaf in await leaves(lived_in)] == [record for (record,) in records]
    assert await lived_in.engine.sealer.seal() == 0


async def test_a_late_committer_with_a_lower_sequence_is_sealed(world: World) -> None:
    """The older transaction commits last; the younger record waits for it."""
    await seal_all(world)
    with (
        psycopg.connect(world.database_url) as older,
        psycopg.connect(world.database_url) as younger,
    ):
        (late, first), (early, second) = insert_record(older), insert_record(younger)
        assert first < second
        younger.commit()
        for _ in range(3):
            await world.engine.sealer.seal()
        assert await waiting(world) == 1
        older.commit()
    await seal_all(world)
    assert [leaf.record for leaf in await leaves(world)][-2:] == [late, early]
    await assert_log_is_one_tree(world)


async def test_a_record_that_is_rolled_back_leaves_no_gap(world: World) -> None:
    await seal_all(world)
    before = len(await leaves(world))
    with psycopg.connect(world.database_url) as connection:
        insert_record(connection)
        connection.rollback()
        insert_record(connection)
    await seal_all(world)
    assert len(await leaves(world)) == before + 1
    await assert_log_is_one_tree(world)


async def test_sealers_at_once_make_one_tree(lived_in: World) -> None:
    """Eight sealers run while records are written; each record has one place in one tree."""
    done = asyncio.Event()
    engine = lived_in.engine

    async def seal() -> int:
        one, total = Sealer(engine.database, engine.audit_keys, SystemClock()), 0
        while not done.is_set():
            total += await one.seal()
        return total

    before = len(await leaves(lived_in))
    sealers = [asyncio.create_task(seal()) for _ in range(8)]
    for number in range(30):
        await lived_in.wallet(f"wallet:{number}")
    done.set()
    sealed = sum(await asyncio.gather(*sealers))
    assert sealed == len(await leaves(lived_in)) - before
    await seal_all(lived_in)
    await assert_log_is_one_tree(lived_in)


async def test_a_sealer_that_finds_another_at_work_does_nothing(lived_in: World) -> None:
    with psycopg.connect(lived_in.database_url) as other:
        other.execute("select from audit_log for update")
        assert await lived_in.engine.sealer.seal() == 0
    assert await waiting(lived_in) > 0


async def test_a_second_tree_is_refused_by_the_tables_themselves(lived_in: World) -> None:
    """A sealer that passed the lock would have to give a place again, and cannot."""
    await seal_all(lived_in)
    before = await leaves(lived_in)
    record = Unsealed(lived_in.merchant_id, RecordId(ids.uuid7()), before[0].hash)
    tree, completed = Frontier().extended([record.leaf_hash])

    async def seal_past_the_lock() -> None:
        async with lived_in.engine.database.transaction() as connection:
            checkpoint = StoredCheckpoint(tree, "")
            store.append(connection, [record], checkpoint, completed, SystemClock().now())

    with pytest.raises(KeyTaken):
        await seal_past_the_lock()
    assert await leaves(lived_in) == before


async def test_many_records_are_sealed_in_batches(
    lived_in: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit may fall inside one transaction; the rest of it follows."""
    monkeypatch.setattr(module, "MOST_RECORDS", 7)
    with psycopg.connect(lived_in.database_url) as connection:
        for _ in range(600):
            insert_record(connection)
    while await lived_in.engine.sealer.seal_batch():
        pass
    await seal_all(lived_in)
    await assert_log_is_one_tree(lived_in)
    [(nodes,)] = await lived_in.rows("select count(*) from audit_node")
    assert nodes == len(await leaves(lived_in)) // 256 > 0


async def test_a_restored_dump_is_sealed_on_where_transactions_have_other_numbers(
    lived_in: World,
) -> None:
    """Records of the old server have higher numbers than the new server has counted."""
    await lived_in.rows(
        "set session_replication_role = replica;"
        "update audit_record set xid = (xid::text::bigint + 1000000)::text::xid8"
    )
    await lived_in.rows("update audit_log set server = 'another', sealed_xid = '1000000000'")
    await lived_in.engine.sealer.seal()
    assert await waiting(lived_in) == 0
    await lived_in.wallet("wallet:after")
    await seal_all(lived_in)
    await assert_log_is_one_tree(lived_in)


async def test_a_transaction_that_stays_open_raises_an_alarm(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warning names the process that holds the records back, and says how many."""
    monkeypatch.setattr(module, "HELD_BACK_SECONDS", 0.0)
    await seal_all(world)
    with psycopg.connect(world.database_url) as idle, capture_logs() as logs:
        idle.execute("select pg_current_xact_id()")
        await world.wallet("wallet:waits")
        for _ in range(2):
            await world.engine.sealer.seal()
        status = await world.engine.sealer.status()
        process = f"process {idle.info.backend_pid}"
    warning = next(one for one in logs if one["event"] == "audit_sealing_held_back")
    assert (warning["records"], warning["transaction"]) == (1, process)
    assert (status.waiting, status.transaction) == (1, process)
    assert status.oldest is not None
    await seal_all(world)
    status = await world.engine.sealer.status()
    assert (status.waiting, status.oldest, status.size) == (0, None, len(await leaves(world)))


async def test_nothing_is_sealed_before_the_log_has_a_key(world: World) -> None:
    await world.rows("delete from audit_key")
    await world.rows("delete from audit_log")
    assert await world.engine.sealer.seal() == 0
    with pytest.raises(Conflict, match="init-key"):
        await world.engine.sealer.status()
    await world.engine.audit_keys.init(OPERATOR, "example.com/new")
    await seal_all(world)
    assert {one.origin for one in await checkpoints(world)} == {"example.com/new"}


async def test_a_key_is_replaced_without_a_gap(world: World) -> None:
    """Between rotation and retirement, checkpoints carry both signatures."""
    keys = world.engine.audit_keys
    [old] = await verifiers(world)
    await seal_all(world)
    new = await keys.rotate(OPERATOR)
    await seal_all(world)
    await keys.retire(OPERATOR, old)
    await seal_all(world)
    rows = await world.rows("select note from audit_checkpoint order by size desc limit 2")
    only_new, both = (note for (note,) in rows)
    opened = Checkpoint.opened
    assert opened(both, [old]) == opened(both, [new])
    assert opened(only_new, [new]).size > opened(both, [new]).size
    with pytest.raises(NotSigned):
        opened(only_new, [old])
    with pytest.raises(Conflict, match="only key"):
        await keys.retire(OPERATOR, new)
    with pytest.raises(Conflict, match="retired already"):
        await keys.retire(OPERATOR, old)
    assert await verifiers(world) == [old, new]


async def test_a_log_is_named_once(world: World) -> None:
    with pytest.raises(Conflict, match="rotate-key"):
        await world.engine.audit_keys.init(OPERATOR, "example.com/other")
    for name in ("", "two words", "a+b", "x" * 201):
        with pytest.raises(InvalidRequest):
            await world.engine.audit_keys.init(OPERATOR, name)


async def test_the_private_part_of_a_key_is_not_in_the_database_in_clear(world: World) -> None:
    """An encrypted part that was altered or moved signs nothing."""
    await seal_all(world)
    rows = await world.rows("select private_key from audit_key")
    assert len(bytes(rows[0][0])) == 12 + 32 + 16
    await world.rows("update audit_key set private_key = set_byte(private_key, 20, 0)")
    await world.wallet("wallet:more")
    with pytest.raises(Exception, match="GROAT_MASTER_KEY"):
        await seal_all(world)
    assert await waiting(world) == 1


async def test_a_sealing_that_fails_leaves_the_log_as_it_was(world: World) -> None:
    """The connection breaks before the commit: no leaf, no hash, no checkpoint, no progress."""
    await seal_all(world)
    await world.wallet("wallet:more")
    before = await world.rows("select * from audit_log"), await leaves(world)
    await world.rows(
        "create function die() returns trigger language plpgsql security definer as $$ begin"
        " perform pg_terminate_backend(pg_backend_pid()); return new; end $$;"
        "create trigger die before insert on audit_checkpoint for each row execute function die()"
    )
    with pytest.raises(Unavailable):
        await seal_all(world)
    assert (await world.rows("select * from audit_log"), await leaves(world)) == before
    await world.rows("drop trigger die on audit_checkpoint")
    await seal_all(world)
    await assert_log_is_one_tree(world)
