from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from groat.platform.process.due_work import DueWork

POLL_SECONDS = 0.001


class Rows:
    """Rows that are due, taken in batches; an exception among them is raised."""

    def __init__(self, *batches: int | Exception) -> None:
        self.batches = deque(batches)
        self.at_once = 0
        self.all_taken = asyncio.Event()

    async def drain_batch(self) -> int:
        self.at_once += 1
        assert self.at_once == 1, "two batches at once"
        await asyncio.sleep(0)
        self.at_once -= 1
        if not self.batches:
            self.all_taken.set()
            return 0
        batch = self.batches.popleft()
        if isinstance(batch, Exception):
            raise batch
        return batch


def _work(rows: Rows) -> DueWork:
    return DueWork("rows", rows.drain_batch, poll_seconds=POLL_SECONDS)


async def _poll_until_all_taken(rows: Rows) -> None:
    polling = asyncio.create_task(_work(rows).poll())
    async with asyncio.timeout(60):
        await rows.all_taken.wait()
    polling.cancel()
    with suppress(asyncio.CancelledError):
        await polling


async def test_draining_continues_until_no_event_is_due() -> None:
    rows = Rows(300, 300, 7)
    work = _work(rows)
    assert await work.drain() == 607
    assert await work.drain() == 0


async def test_a_batch_that_is_not_full_is_the_last() -> None:
    rows = Rows(300, 7, 5)
    work = DueWork("rows", rows.drain_batch, poll_seconds=POLL_SECONDS, full_batch=300)
    assert await work.drain() == 307
    assert await work.drain() == 5


async def test_one_process_drains_one_batch_at_a_time() -> None:
    work = _work(Rows(1, 2, 3, 4))
    assert sum(await asyncio.gather(work.drain(), work.drain(), work.drain())) == 10


async def test_a_failure_reaches_the_caller_and_frees_the_work() -> None:
    work = _work(Rows(ValueError("broken"), 5))
    with pytest.raises(ValueError, match="broken"):
        await work.drain()
    assert await work.drain() == 5


async def test_polling_finds_work_without_a_ring() -> None:
    rows = Rows(1, 2)
    await _poll_until_all_taken(rows)
    assert not rows.batches


async def test_polling_outlives_failures_and_logs_them() -> None:
    rows = Rows(ValueError("broken"), 1, OSError("away"), 2)
    with capture_logs() as logs:
        await _poll_until_all_taken(rows)
    assert not rows.batches
    assert [(line["event"], line["work"]) for line in logs] == [("due_work_failed", "rows")] * 2
