"""Collects submitted items into batches. A single item is a batch too.

The items submitted while a batch runs form the next batch. An idle system runs each item at once,
with no added delay; a busy system runs hundreds together. The caller sees no difference.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from groat.kernel.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

_Waiting: TypeAlias = tuple[Item, asyncio.Future[Result] | None]
"""An item, and the future of its result if a caller waits for it."""


class Lane(Generic[Item, Result]):
    """Runs submitted items in batches, in order, at most ``most_running`` batches at a time.

    ``run`` takes the items of a batch and returns one result for each, in the same order. An
    exception from ``run`` reaches every caller of the batch. ``most_in_batch`` is the maximum of
    items in a batch, ``most_waiting`` the maximum of waiting items.

    After a batch, the lane rests for ``rest_seconds``, or for ``rest_seconds_each`` times the
    number of its items if that is less. Meanwhile, more items gather for the next batch. This helps
    if a batch costs much and an item in it costs little.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        most_in_batch: int,
        most_waiting: int,
        most_running: int = 1,
        rest_seconds: float = 0,
        rest_seconds_each: float = math.inf,
    ) -> None:
        self._run = run
        self._most_in_batch = most_in_batch
        self._most_waiting = most_waiting
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._most_running = most_running
        self._rest_seconds = rest_seconds
        self._rest_seconds_each = rest_seconds_each
        self._running = 0
        self._runners: set[asyncio.Task[None]] = set()

    @property
    def is_idle(self) -> bool:
        """Whether no item waits and no batch runs."""
        return not self._waiting and not self._running

    async def submit(self, item: Item) -> Result:
        """Return the result for ``item`` once its batch has run.

        Raises:
            Unavailable: ``overloaded``; ``most_waiting`` items wait already. The item did not run.
        """
        if len(self._waiting) >= self._most_waiting:
            raise overloaded()
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._enqueue(item, result)
        return await result

    def post(self, item: Item) -> None:
        """Run ``item`` in the background. Drop it if ``most_waiting`` items wait already."""
        if len(self._waiting) < self._most_waiting:
            self._enqueue(item, None)

    async def quiet(self) -> None:
        """Return once no item waits and no batch runs."""
        while self._runners:
            await asyncio.wait(self._runners)

    def _enqueue(self, item: Item, result: asyncio.Future[Result] | None) -> None:
        self._waiting.append((item, result))
        if self._running < self._most_running:
            self._running += 1
            runner = asyncio.create_task(self._run_until_empty())
            self._runners.add(runner)
            runner.add_done_callback(self._runners.discard)

    async def _run_until_empty(self) -> None:
        try:
            while self._waiting:
                size = min(len(self._waiting), self._most_in_batch)
                await self._run_batch([self._waiting.popleft() for _ in range(size)])
                rest = min(self._rest_seconds, size * self._rest_seconds_each)
                if rest:
                    await asyncio.sleep(rest)
        finally:
            self._running -= 1

    async def _run_batch(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            results = await self._run([item for item, _ in batch])
            answers = list(zip(batch, results, strict=True))
        except Exception as error:  # noqa: BLE001 - each waiting caller gets the exception
            for _, waiting in batch:
                if waiting is not None and not waiting.done():
                    waiting.set_exception(error)
        else:
            for (_, waiting), result in answers:
                if waiting is not None and not waiting.done():
                    waiting.set_result(result)


def overloaded() -> Unavailable:
    """Return the error for a caller that must retry later, because a limit of load is reached."""
    return Unavailable("overloaded", "Groat is overloaded; try again shortly.")
