"""Settlement files: stored once, refused whole; rows before the start of the feed unposted."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from groat.kernel.value import replace
from groat.providers.domain.movements import MovementCategory
from groat.providers.settlement_files import SettlementFileRefused
from groat.settlement.domain.matching import DifferenceKind
from tests.support.movements import import_file, itemized, moved, post
from tests.support.soundness import assert_sound
from tests.support.world import World

ROWS = [moved(f"txn_{n}", MovementCategory.CHARGE, 1050 + n, fee=41) for n in range(2500)]
FILE = itemized(ROWS)


def _stored(world: World) -> int:
    with psycopg.connect(world.database_url) as server:
        row = server.execute("select count(*) from movement").fetchone()
        assert row is not None
        return int(row[0])


def _posted(world: World) -> int:
    with psycopg.connect(world.database_url) as server:
        row = server.execute("select count(*) from ledger_transaction").fetchone()
        assert row is not None
        return int(row[0])


async def test_an_import_of_early_movements_stores_each_once_and_posts_none(world: World) -> None:
    first, again = await import_file(world, FILE), await import_file(world, FILE)
    assert (first.added, first.is_repeated, first.differences) == (2500, False, ())
    assert (again.added, again.is_repeated, again.differences) == (0, True, ())
    assert (first.posted, first.early) == (0, 2500), "they are in the account's opening balance"
    assert (_stored(world), _posted(world)) == (2500, 0)
    (total,) = first.summary.totals["EUR"]
    assert (total.count, total.gross) == (2500, sum(row.gross for row in ROWS))
    await assert_sound(world)


async def test_files_that_overlap_and_the_feed_add_up_to_the_same(world: World) -> None:
    await post(world, ROWS[10:20])
    await import_file(world, itemized(ROWS[:1500]))
    outcome = await import_file(world, itemized(ROWS[1000:]))
    assert (outcome.added, outcome.differences, _stored(world)) == (1000, (), 2500)
    await assert_sound(world)


async def test_a_file_with_one_wrong_row_at_its_end_stores_nothing(world: World) -> None:
    broken = FILE.rstrip().replace(b",charge,ch_txn_2499", b"x,charge,ch_txn_2499")
    assert broken != FILE.rstrip()
    with pytest.raises(SettlementFileRefused, match="Line 2501"):
        await import_file(world, broken)
    assert _stored(world) == 0


async def test_a_differing_row_is_reported_and_changes_nothing(world: World) -> None:
    await import_file(world, itemized(ROWS[:3]))
    changed = [replace(ROWS[0], gross=1), replace(ROWS[1], fee=40), ROWS[2]]
    outcome = await import_file(world, itemized(changed))
    assert [one.kind for one in outcome.differences] == [DifferenceKind.AMOUNT, DifferenceKind.FEE]
    found = await world.engine.movement_queries.with_keys(
        world.merchant_id, world.stripe.account_id, ["txn_0"]
    )
    assert found["txn_0"].gross == 1050


async def test_a_payout_from_a_later_file_is_kept(world: World) -> None:
    await import_file(world, itemized(ROWS[:2]))
    await import_file(world, itemized([replace(row, payout="po_1") for row in ROWS[:2]]))
    outcome = await import_file(world, itemized([replace(ROWS[0], payout="po_2")]))
    assert [one.kind for one in outcome.differences] == [DifferenceKind.PAYOUT]


async def test_the_command_compares_first_and_then_stores(world: World, tmp_path: Path) -> None:
    path = tmp_path / "itemized.csv"
    path.write_bytes(itemized(ROWS[:5]))
    line = ("settlement", "import", world.stripe.account, str(path), "--json")
    tried = json.loads((await world.groat(*line, "--dry-run")).stdout)
    assert [one["kind"] for one in tried["differences"]] == ["missing_here"] * 5
    assert _stored(world) == 0
    done = json.loads((await world.groat(*line)).stdout)
    assert (done["added"], done["summary"]["movements"], _stored(world)) == (5, 5, 5)
    shown = await world.groat(*line[:-1])
    assert "This file was imported before." in shown.stdout


async def test_the_command_names_the_line_of_a_wrong_file(world: World, tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_bytes(FILE.replace(b"2026-03-02 10:00:00", b"yesterday", 1))
    done = await world.groat("settlement", "import", world.stripe.account, str(path))
    assert done.returncode == 2
    assert "(settlement_file_refused): Line 2:" in done.stderr


async def test_an_account_that_does_not_exist_is_not_found(world: World, tmp_path: Path) -> None:
    path = tmp_path / "itemized.csv"
    path.write_bytes(FILE)
    account = "pac_01h455vb4pex5vsknk084sn02q"
    done = await world.groat("settlement", "import", account, str(path))
    assert "provider_account_not_found" in done.stderr
