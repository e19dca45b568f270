from __future__ import annotations

import asyncio
import inspect

import pytest

from groat.platform.http.bodies import within


class Work:
    """Waits as often as told, then returns or fails; and knows whether it was ended in order."""

    def __init__(self, waits: int, error: Exception | None = None) -> None:
        self._waits = waits
        self._error = error
        self.ended = False

    async def run(self, seconds: float = 0.0) -> int:
        try:
            for _ in range(self._waits):
                await asyncio.sleep(seconds)
            if self._error is not None:
                raise self._error
        finally:
            self.ended = True
        return self._waits


@pytest.mark.parametrize("waits", [0, 1, 2, 5])
@pytest.mark.parametrize("seconds", [0.0, 0.001])
async def test_a_result_within_the_limit_is_returned(waits: int, seconds: float) -> None:
    assert await within(5, Work(waits).run(seconds)) == waits


@pytest.mark.parametrize("waits", [0, 1, 2])
async def test_an_error_within_the_limit_is_raised(waits: int) -> None:
    work = Work(waits, ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong"):
        await within(5, work.run(0.001))
    assert work.ended


@pytest.mark.parametrize("wait", [1, 2])
async def test_slow_work_is_canceled_at_any_await(wait: int) -> None:
    async def run() -> None:
        for number in range(1, wait + 1):
            await asyncio.sleep(60 if number == wait else 0.001)

    work = run()
    with pytest.raises(TimeoutError):
        await within(0.05, work)
    assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED


async def test_the_limit_covers_all_awaits_together() -> None:
    with pytest.raises(TimeoutError):
        await within(0.1, Work(50).run(0.02))


@pytest.mark.parametrize("wait", [1, 2, 3])
async def test_a_canceled_caller_cancels_the_work_at_any_await(wait: int) -> None:
    waits_for_ever, ended = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        try:
            for _ in range(1, wait):
                await asyncio.sleep(0)
            waits_for_ever.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(within(60, run()))
    await waits_for_ever.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_work_that_does_not_wait_sets_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_seconds: float) -> None:
        pytest.fail("a timer")

    monkeypatch.setattr(asyncio, "timeout", refuse)
    assert await within(5, Work(0).run()) == 0


async def test_an_inner_limit_applies_inside_its_block() -> None:
    """Both are limits of the same task, and the inner one ends only what is inside it."""

    async def run() -> str:
        try:
            async with asyncio.timeout(0.02):
                await asyncio.sleep(60)
        except TimeoutError:
            return "inner"
        return "none"

    assert await within(5, run()) == "inner"
