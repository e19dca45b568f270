from __future__ import annotations

import asyncio

import pytest

from groat.inbox.service import interpreter
from groat.inbox.service.interpreter import Reading, in_time
from groat.providers.port import Answered, Unknown


async def test_a_late_provider_answer_is_unknown_and_not_awaited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interpreter, "_ANSWER_SECONDS", 0.01)
    reading = asyncio.create_task(_silence())
    async with asyncio.timeout(60):
        assert await in_time(reading) == Unknown("TimeoutError")
    assert reading.cancelled()


async def test_a_timely_provider_answer_is_returned_unchanged() -> None:
    async def said() -> Reading:
        return Answered(())

    assert await in_time(said()) == Answered(())


async def _silence() -> Reading:
    await asyncio.Event().wait()
    raise AssertionError
