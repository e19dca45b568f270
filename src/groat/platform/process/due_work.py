"""Work on due rows in PostgreSQL: starts when the doorbell rings, and at regular polls.

The doorbell makes the work prompt, and the poll makes it certain. Neither decides anything: the
rows themselves hold the time at which they are due and the number of attempts.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from groat.platform.process.metrics import BATCH_ROWS, BATCH_SECONDS, WORK_FAILURES

_log = structlog.get_logger(__name__)


class DueWork:
    """Works through the due rows of one kind, one batch at a time within this process.

    ``drain_batch`` works on one batch and returns its number of rows. After fewer than
    ``full_batch`` rows, no row is due; one that becomes due meanwhile rings, or waits for the poll.
    The next poll starts at once when ``wanted`` is set.
    """

    def __init__(
        self,
        name: str,
        drain_batch: Callable[[], Awaitable[int]],
        *,
        poll_seconds: float,
        full_batch: int = 1,
        wanted: asyncio.Event | None = None,
    ) -> None:
        self._name = name
        self._drain_batch = drain_batch
        self._full_batch = full_batch
        self._poll_seconds = poll_seconds
        self._wanted = wanted or asyncio.Event()
        self._draining = asyncio.Lock()
        self._stopping = False

    async def drain(self) -> int:
        """Work until no row is due; return the number of rows."""
        total, taken = 0, self._full_batch
        async with self._draining:
            while not self._stopping and taken >= self._full_batch:
                taken = await self._measured_batch()
                total += taken
        return total

    async def _measured_batch(self) -> int:
        started = time.perf_counter()
        taken = await self._drain_batch()
        if taken:
            BATCH_ROWS.labels(self._name).observe(taken)
            BATCH_SECONDS.labels(self._name).observe(time.perf_counter() - started)
        return taken

    async def stop(self) -> None:
        """Start no further batch, and return once the batch under way is done."""
        self._stopping = True
        async with self._draining:
            return

    async def try_drain(self) -> None:
        """Drain; log a failure, since the next poll tries again."""
        try:
            await self.drain()
        except Exception:  # noqa: BLE001 - logged, and the rows remain due
            WORK_FAILURES.labels(self._name).inc()
            _log.exception("due_work_failed", work=self._name)

    async def poll(self) -> None:
        """Drain at intervals until cancelled."""
        while True:
            self._wanted.clear()
            await self.try_drain()
            seconds = self._poll_seconds * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), seconds)
