"""Cancel tasks for certain, although a library may lose a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

_PATIENCE_SECONDS = 10.0
"""Seconds that tasks get to end after a cancellation, before they are cancelled again.

Must exceed the time that a BullMQ worker takes to close: a second cancellation would disturb it.
"""


async def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel ``tasks`` and wait until all have ended, with a result or an error.

    A task that has not ended in time is cancelled again: redis-py loses a cancellation when the
    server closes the connection at the same moment.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_PATIENCE_SECONDS)
