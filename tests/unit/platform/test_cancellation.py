from __future__ import annotations

import asyncio

import pytest

from groat.platform.process import cancellation
from groat.platform.process.cancellation import cancel_all


async def test_a_task_that_loses_a_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cancellation, "_PATIENCE_SECONDS", 0.01)
    lost = 0

    async def loses_two() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if lost == 2:
                    raise
                lost += 1

    task, done = asyncio.create_task(loses_two()), asyncio.create_task(asyncio.sleep(0))
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await cancel_all([task, done])
    assert task.cancelled()
    assert lost == 2
