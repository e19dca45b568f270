"""What every command that uses the engine needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from groat.app.stack import running_settings
from groat.app.wiring import Engine, open_engine
from groat.platform.process.settings import read_settings

Result = TypeVar("Result")


def with_engine(act: Callable[[Engine], Awaitable[Result]]) -> Result:
    """Return what ``act`` does with the engine, opened for it alone."""

    async def run() -> Result:
        async with open_engine(running_settings(read_settings())) as engine:
            return await act(engine)

    return asyncio.run(run())
