"""Checkpoints leave the database: into files, directories, and to witnesses."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from groat.audit.domain.checkpoint import Checkpoint
from groat.audit.service.publisher import CheckpointPublisher
from groat.kernel.clock import SystemClock
from groat.kernel.errors import Conflict, Unavailable
from tests.support.http_servers import running
from tests.support.sealing import checkpoints, seal_all, verifiers
from tests.support.witness import Witness
from tests.support.world import World


@pytest.fixture
async def witness(lived_in: World) -> AsyncIterator[tuple[Witness, str]]:
    await seal_all(lived_in)
    [key] = await verifiers(lived_in)
    one = Witness(key)
    async with running(one.app()) as address:
        yield one, address


async def more(world: World, code: str) -> None:
    await world.wallet(code)
    await seal_all(world)


async def test_a_file_holds_the_newest_checkpoint(lived_in: World, tmp_path: Path) -> None:
    trusted = await verifiers(lived_in)
    file = tmp_path / "newest"
    for code in ("wallet:1", "wallet:2"):
        await more(lived_in, code)
        size = await lived_in.engine.publisher.publish(str(file))
        found = Checkpoint.opened(file.read_text(), trusted)
        assert found == (await checkpoints(lived_in))[-1]
        assert found.size == size
    assert os.listdir(tmp_path) == ["newest"]  # noqa: PTH208 - and no part of a file


async def test_a_directory_keeps_every_checkpoint(lived_in: World, tmp_path: Path) -> None:
    trusted = await verifiers(lived_in)
    for code in ("wallet:1", "wallet:2"):
        await more(lived_in, code)
        await lived_in.engine.publisher.publish(f"{tmp_path}/kept/")
    kept = sorted((tmp_path / "kept").iterdir())
    found = [Checkpoint.opened(one.read_text(), trusted) for one in kept]
    assert found == (await checkpoints(lived_in))[-2:]


async def test_a_witness_signs_each_checkpoint_that_extends_the_last(
    lived_in: World, witness: tuple[Witness, str]
) -> None:
    """The publisher learns from the witness where its proof has to begin."""
    one, address = witness
    for code in ("wallet:1", "wallet:2", "wallet:3"):
        await more(lived_in, code)
        await lived_in.engine.publisher.publish(address)
        assert one.known == (await checkpoints(lived_in))[-1]
    [newest] = await lived_in.engine.proofs.checkpoints(before=None, limit=1)
    assert Checkpoint.opened(newest.note, await verifiers(lived_in)).size == newest.size
    line = newest.note.splitlines()[-1]
    assert line.startswith("\u2014 witness.example ")


async def test_a_witness_refuses_a_log_that_was_rewritten(
    lived_in: World, witness: tuple[Witness, str]
) -> None:
    one, address = witness
    await lived_in.engine.publisher.publish(address)
    assert one.known is not None
    one.known = Checkpoint(one.known.origin, one.known.size, bytes(32))
    await more(lived_in, "wallet:1")
    with pytest.raises(Conflict, match="another log"):
        await lived_in.engine.publisher.publish(address)
    one.known = Checkpoint(one.known.origin, one.known.size + 100, bytes(32))
    with pytest.raises(Conflict, match="lost records"):
        await lived_in.engine.publisher.publish(address)


async def test_one_target_that_fails_does_not_keep_others_from_a_checkpoint(
    lived_in: World, witness: tuple[Witness, str], tmp_path: Path
) -> None:
    one, address = witness
    one.is_down = True
    targets = [address, str(tmp_path / "newest")]
    engine = lived_in.engine
    publisher = CheckpointPublisher(engine.database, engine.proofs, SystemClock(), targets)
    with pytest.raises(Unavailable, match="500"):
        await publisher.publish_all()
    assert (tmp_path / "newest").exists()
    one.is_down = False
    assert await publisher.publish_all() == 0
    done = await lived_in.groat("audit", "publish", str(tmp_path / "again"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again").read_text().startswith((tmp_path / "newest").read_text())
