"""Work that rows in PostgreSQL say is due: drained when the doorbell rings, and by a poll anyway.

The bell makes it prompt; the poll makes it certain. Neither decides anything: what is due, and how
often it was tried, stands in the rows.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

_log = structlog.get_logger(__name__)


class DueWork:
    """Drains one kind of due work, one batch at a time within this process.

    ``drain_batch`` does one batch and returns how many rows it took; 0 means nothing is due.
    """

    def __init__(
        self, name: str, drain_batch: Callable[[], Awaitable[int]], *, poll_seconds: float
    ) -> None:
        self._name = name
        self._drain_batch = drain_batch
        self._poll_seconds = poll_seconds
        self._draining = asyncio.Lock()
        self._stopping = False

    async def drain(self) -> int:
        """Work until nothing is due; return how many rows were taken."""
        total = 0
        async with self._draining:
            while not self._stopping and (taken := await self._drain_batch()):
                total += taken
        return total

    async def stop(self) -> None:
        """Return once the batch that is under way is done; no other is begun."""
        self._stopping = True
        async with self._draining:
            return

    async def poll(self) -> None:
        """Drain again and again, until cancelled. A failure is logged and tried again later."""
        while True:
            try:
                await self.drain()
            except Exception:  # noqa: BLE001 - logged, and the rows are due still
                _log.exception("due_work_failed", work=self._name)
            await asyncio.sleep(self._poll_seconds * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
