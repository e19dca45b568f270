"""Half of the processes that write to a hot account are killed; what they acknowledged stays."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from groat.app.verify import verify
from groat.kernel import ids
from tests.support import zygote
from tests.support.bank import Bank
from tests.support.processes import environment, until

WRITERS = 4
EACH = 150
"""How many transfers every writer has acknowledged before half of them die, and the rest again."""


@pytest.fixture
def ledger_claims(both_ways: int) -> int:
    return both_ways


class Writer:
    """A writer process, and the references that it has acknowledged."""

    def __init__(self, home: Path, *arguments: str) -> None:
        stdin, write_end = os.pipe()
        read_end, stdout = os.pipe()
        self.process = zygote.start(
            "tests.integration.accounts.writer",
            *arguments,
            cwd=Path(__file__).parents[3],
            env=environment(home),
            streams=(stdin, stdout, 2),
        )
        os.close(stdin)
        os.close(stdout)
        self._stdin = os.fdopen(write_end, "wb")
        self.acknowledged: list[str] = []
        self.reader = threading.Thread(target=self._read, args=[read_end])
        self.reader.start()

    def _read(self, read_end: int) -> None:
        with os.fdopen(read_end, encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):  # a killed writer leaves half a line
                    self.acknowledged.append(line.strip())

    def stop(self) -> None:
        """Let the writer finish, unless it was killed."""
        self._stdin.close()
        self.process.wait(60)
        self.reader.join()


@pytest.fixture
def writers(bank: Bank) -> Iterator[list[Writer]]:
    settings = bank.world.settings
    assert settings.database_url is not None
    assert settings.master_key is not None
    common = [
        settings.database_url.get_secret_value(),
        settings.master_key.get_secret_value(),
        str(settings.ledger_claims),
        ids.render_merchant(bank.world.merchant_id),
        bank.source,
        bank.bob,
    ]
    with ExitStack() as stack:
        started = []
        for number in range(WRITERS):
            started.append(Writer(settings.home, *common, f"w{number}"))
            stack.callback(started[-1].stop)
        yield started


async def test_acknowledged_transfers_survive_a_killed_writer(
    bank: Bank, writers: list[Writer]
) -> None:
    def all_past(many: int, of: list[Writer]) -> bool:
        return all(len(one.acknowledged) >= many for one in of)

    await asyncio.to_thread(until, lambda: all_past(EACH, writers), "writers to write")
    doomed, others = writers[::2], writers[1::2]
    for one in doomed:
        one.process.kill()
    reached = max(len(one.acknowledged) for one in others)
    await asyncio.to_thread(until, lambda: all_past(reached + EACH, others), "the others to go on")
    for one in writers:
        await asyncio.to_thread(one.stop)

    rows = await bank.world.rows("select reference from ledger_transaction")
    standing = {reference for (reference,) in rows}
    acknowledged = {reference for one in writers for reference in one.acknowledged}
    assert acknowledged <= standing
    assert {one.process.returncode for one in others} == {0}
    assert all(set(one.acknowledged) >= _all_of(standing, one) for one in others)
    assert await bank.standing(bank.bob) == (len(standing), 0, len(standing))
    findings = await asyncio.to_thread(verify, bank.world.settings, lambda _: None)
    assert {finding.name: finding.detail for finding in findings if not finding.ok} == {}


def _all_of(standing: set[str], writer: Writer) -> set[str]:
    name = writer.acknowledged[0].partition("-")[0]
    return {reference for reference in standing if reference.startswith(f"{name}-")}
