"""Open the engine for one command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from groat.app.stack import running_settings
from groat.app.wiring import Engine, open_engine
from groat.platform.process.settings import read_settings

Result = TypeVar("Result")


def with_engine(act: Callable[[Engine], Awaitable[Result]]) -> Result:
    """Open the engine, run ``act`` with it, close it, and return the result of ``act``."""

    async def run() -> Result:
        async with open_engine(running_settings(read_settings())) as engine:
            return await act(engine)

    return asyncio.run(run())
