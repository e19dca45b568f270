"""``groat verify`` of the log: what it reads, where it begins, and what no rewriting hides."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from groat.app.verify import verify
from groat.audit.domain.checkpoint import Checkpoint
from groat.audit.domain.note import SigningKey
from groat.audit.domain.record import leaf_hash
from groat.audit.domain.tree import Frontier
from groat.audit.service import verification
from groat.audit.service.verification import KEPT_RULE, RULES, LogOptions
from groat.kernel import ids
from groat.platform.postgres.checks import Finding
from tests.support.sealing import checkpoints, fill, leaves, seal_all, verifiers
from tests.support.world import World

FULL = LogOptions(full=True)


@pytest.fixture
async def sealed(lived_in: World) -> World:
    """A world with a past, sealed in two steps."""
    await seal_all(lived_in)
    await lived_in.wallet("wallet:later")
    await seal_all(lived_in)
    return lived_in


async def findings(world: World, options: LogOptions = FULL) -> dict[str, Finding]:
    found = await asyncio.to_thread(verify, world.settings, lambda _: None, options)
    return {one.name: one for one in found}


async def failed(world: World, options: LogOptions = FULL) -> set[str]:
    return {name for name, one in (await findings(world, options)).items() if not one.ok}


async def test_a_verification_begins_where_the_last_one_ended(sealed: World) -> None:
    size = (await checkpoints(sealed))[-1].size
    first = await findings(sealed, LogOptions())
    assert first["sealed_records_match_leaves"].examined == size
    await sealed.wallet("wallet:latest")
    await seal_all(sealed)
    second = await findings(sealed, LogOptions())
    assert second["sealed_records_match_leaves"].examined == 1
    full = await findings(sealed)
    assert full["sealed_records_match_leaves"].examined == size + 1
    runs = await sealed.rows("select size, ok, findings from audit_verification order by id")
    assert [(run[0], run[1]) for run in runs] == [(size, True), (size + 1, True), (size + 1, True)]
    assert {one["name"] for one in runs[0][2]} == set(first)


async def test_a_failed_verification_is_no_beginning(sealed: World) -> None:
    """A full run finds a fault before the start of the next; so that one begins anew."""
    assert await failed(sealed, LogOptions()) == set()
    await alter(sealed, "update audit_leaf set hash = sha256('x') where place = 0")
    wrong = {"records_match_leaves", "sealed_records_match_leaves", "checkpoints_match_leaves"}
    assert await failed(sealed, LogOptions()) == {"records_match_leaves"}
    assert await failed(sealed) == wrong
    assert await failed(sealed, LogOptions()) == wrong
    runs = await sealed.rows("select size > 0, ok from audit_verification order by id")
    assert runs == [(True, True), (False, False), (False, False), (False, False)]


async def test_a_long_log_is_read_in_pages(sealed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "PAGE_LEAVES", 7)
    size = (await checkpoints(sealed))[-1].size
    steps: list[tuple[int, int]] = []
    found = await asyncio.to_thread(
        verify, sealed.settings, print, FULL, lambda *step: steps.append(step)
    )
    assert all(one.ok for one in found)
    assert steps == [(min(done, size), size) for done in range(7, size + 7, 7)]


@pytest.mark.parametrize(
    "change",
    [
        "update audit_node set hash = sha256('x')",
        "update audit_node set number = number + 1",
        "update audit_node set level = 16",
        "delete from audit_node",
        "insert into audit_node select 8, 1, hash from audit_node",
    ],
)
async def test_each_stored_subtree_is_compared(sealed: World, change: LiteralString) -> None:
    await fill(sealed, 256)
    await seal_all(sealed)
    assert await failed(sealed) == set()
    await alter(sealed, change)
    assert await failed(sealed) == {"subtrees_match_leaves"}


async def test_a_row_rewritten_with_its_record_is_found(sealed: World) -> None:
    """The floor of an account, its record and the record's hash match; the leaf does not."""
    [(record_id, body)] = await sealed.rows(
        "select r.id, r.body from audit_record r join account a on a.id = r.object_id"
        " where a.code = 'wallet:later'"
    )
    rewritten = bytes(body).replace(b'"floor":0', b'"floor":-5')
    assert rewritten != bytes(body)
    await alter(
        sealed,
        "update balance set floor = -5"
        " where account_id = (select id from account where code = 'wallet:later')",
    )
    await alter(
        sealed,
        "update audit_record set body = %s, leaf_hash = %s where id = %s",
        *(rewritten, leaf_hash(rewritten), record_id),
    )
    found = await findings(sealed)
    name = ids.render("audit_record", record_id)
    wrong = {rule: one.detail for rule, one in found.items() if not one.ok}
    assert wrong.keys() == {"records_match_leaves", "sealed_records_match_leaves"}
    assert all(name in detail for detail in wrong.values())


async def test_a_log_rewritten_without_its_key_is_not_signed(sealed: World) -> None:
    stranger = SigningKey((await verifiers(sealed))[0].name, bytes(32))
    await rewrite(sealed, stranger)
    assert await failed(sealed) == {"checkpoints_are_signed"}


async def test_a_log_rewritten_with_its_key_is_caught_by_a_checkpoint_that_was_kept(
    sealed: World, tmp_path: Path
) -> None:
    [(kept,), *_] = await sealed.rows("select note from audit_checkpoint order by size")
    [key] = await verifiers(sealed)
    (tmp_path / "kept").write_text(kept)
    assert await failed(sealed, LogOptions(kept=kept)) == set()
    async with sealed.engine.database.autocommit() as connection:
        [signing] = await sealed.engine.audit_keys.signing(connection, key.name)
    await rewrite(sealed, signing)
    assert await failed(sealed) == set()
    assert await failed(sealed, LogOptions(kept=kept)) == {KEPT_RULE}
    done = await sealed.groat("verify", "--json", "--checkpoint", str(tmp_path / "kept"))
    checks = json.loads(done.stdout)["checks"]
    assert (done.returncode, [one["name"] for one in checks if not one["ok"]]) == (1, [KEPT_RULE])


async def test_a_restored_backup_is_caught_by_a_later_checkpoint(sealed: World) -> None:
    """The backup is a whole and true log, which lacks its end."""
    *_, (kept,) = await sealed.rows("select note from audit_checkpoint order by size")
    *_, before, last = await checkpoints(sealed)
    await alter(sealed, "delete from audit_checkpoint where size = %s", last.size)
    await alter(
        sealed,
        "with gone as (delete from audit_leaf where place >= %s returning record_id)"
        " delete from audit_record where id in (select record_id from gone)",
        before.size,
    )
    await alter(sealed, "delete from account where code = 'wallet:later'")
    await alter(sealed, "delete from balance where account_id not in (select id from account)")
    assert await failed(sealed) == set()
    found = (await findings(sealed, LogOptions(kept=kept)))[KEPT_RULE]
    assert (found.ok, f"the log ends at {before.size}" in found.detail) == (False, True)


async def test_a_replaced_key_is_caught_by_the_verifier_key_that_was_kept(sealed: World) -> None:
    """Whoever puts another key into the database can sign, but not as the old key."""
    [kept] = await verifiers(sealed)
    stranger = SigningKey(kept.name, bytes(32))
    await alter(sealed, "update audit_key set public_key = %s", stranger.verifier.public)
    await rewrite(sealed, stranger)
    assert await failed(sealed) == set()
    assert await failed(sealed, LogOptions(True, None, (kept,))) == {"checkpoints_are_signed"}


async def test_a_file_that_is_no_checkpoint_of_the_log_fails(sealed: World) -> None:
    found = await findings(sealed, LogOptions(kept="no checkpoint"))
    assert not found[KEPT_RULE].ok
    assert not found.keys() & set(RULES)


async def test_a_record_that_the_sealer_passed_over_is_found(sealed: World) -> None:
    """Someone moved the sealer's place forward, so that a record has no leaf and gets none."""
    await sealed.wallet("wallet:hidden")
    await alter(
        sealed,
        "update audit_log set sealed_xid = (select max(xid) from audit_record),"
        " sealed_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'",
    )
    assert await failed(sealed) == {"records_match_leaves"}


async def alter(world: World, statement: LiteralString, *values: object) -> None:
    """Write as an owner of the server who switches the triggers off."""
    async with await psycopg.AsyncConnection.connect(world.database_url) as connection:
        await connection.execute("set session_replication_role = replica")
        done = await connection.execute(statement, values or None)
        assert done.rowcount > 0, statement


async def rewrite(world: World, key: SigningKey) -> None:
    """Exchange the first two leaves, and write the tree and its checkpoints anew, with ``key``."""
    first, second = (await leaves(world))[:2]
    await alter(world, "update audit_leaf set place = place + 1000000 where place < 2")
    for leaf, place in ((first, 1), (second, 0)):
        await alter(world, "update audit_leaf set place = %s where hash = %s", place, leaf.hash)
    log = await leaves(world)
    for (size,) in await world.rows("select size from audit_checkpoint"):
        tree, _ = Frontier().extended(leaf.hash for leaf in log[:size])
        note = Checkpoint(key.verifier.name, size, tree.root()).signed_by([key])
        change: LiteralString = "update audit_checkpoint set note = %s, peaks = %s where size = %s"
        await alter(world, change, note, tree.packed(), size)
