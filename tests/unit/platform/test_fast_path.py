from __future__ import annotations

import asyncio

import structlog

from groat.platform.redis.fast_path import FastPath


class Far:
    """What is on the other side: it answers, fails, or takes its time."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.takes = 0.0

    async def ask(self) -> int:
        self.asked += 1
        await asyncio.sleep(self.takes)
        if self.error is not None:
            raise self.error
        return 7


class Time:
    """Passes when a test says so, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_an_answer_within_the_budget_is_returned() -> None:
    assert await FastPath("x", "none", seconds=1).attempt(Far().ask) == 7


async def test_a_slow_answer_is_abandoned() -> None:
    far = Far()
    far.takes = 60
    async with asyncio.timeout(60):
        assert await FastPath("x", "none", seconds=0.01).attempt(far.ask) is None


async def test_each_failure_lengthens_the_pause_up_to_a_limit() -> None:
    far, time = Far(), Time()
    path = FastPath("x", "none", seconds=1, longest_silence=3, monotonic=time)
    far.error = ConnectionError()
    for silence in (1, 2, 3, 3):
        assert await path.attempt(far.ask) is None
        asked = far.asked
        time.now += silence - 0.1
        assert not path.is_open
        assert await path.attempt(far.ask) is None
        assert far.asked == asked
        time.now += 0.2
        assert path.is_open
    far.error = None
    assert await path.attempt(far.ask) == 7
    far.error = ConnectionError()
    await path.attempt(far.ask)
    time.now += 1.1
    assert path.is_open


async def test_failure_and_recovery_are_each_logged_once() -> None:
    far, time = Far(), Time()
    path = FastPath("x", "all is slower", seconds=1, monotonic=time)
    far.error = ConnectionError("gone")
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            await path.attempt(far.ask)
            time.now += 1.5
        far.error = None
        for _ in range(2):
            await path.attempt(far.ask)
    assert [line["event"] for line in lines] == ["x_down", "x_up"]
    assert lines[0]["effect"] == "all is slower"
