"""A cheap time limit for work that rarely waits: it sets a timer only when the work waits."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

Result = TypeVar("Result")


async def within(seconds: float, work: Coroutine[Any, None, Result]) -> Result:
    """Return the result of ``work``, or cancel it when it has waited for ``seconds``.

    Without a wait, no timer is set: ``asyncio.timeout`` takes 5 microseconds, as much as the check
    of a signature.

    Raises:
        TimeoutError: ``work`` waited for too long.
    """
    try:
        awaited = work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    async with asyncio.timeout(seconds):
        return await _resume(work, awaited)


@types.coroutine
def _resume(work: Coroutine[Any, None, Result], awaited: object) -> Generator[object, None, Result]:
    """Resume ``work``, which awaits ``awaited``, in the way that ``await`` would."""
    try:
        while True:
            try:
                yield awaited
            except BaseException as error:  # noqa: BLE001 - such as the cancellation by the timer
                awaited = work.throw(error)
            else:
                awaited = work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
