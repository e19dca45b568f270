"""The ``Server-Timing`` header of responses: the time that a request took (W3C, Server Timing).

``provider;dur=12.3`` is the time spent waiting for a provider, in milliseconds. ``total`` is the
time of the whole request. The difference is the engine's own time.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SERVER_TIMING_HEADER = b"server-timing"

_spent: ContextVar[dict[str, float] | None] = ContextVar("spent", default=None)


@contextmanager
def spent_on(activity: str) -> Iterator[None]:
    """Add the time of the block to ``activity``, if it runs as part of a request."""
    started = time.perf_counter()
    try:
        yield
    finally:
        spent = _spent.get()
        if spent is not None:
            spent[activity] += time.perf_counter() - started


class ServerTiming:
    """ASGI middleware: adds the ``Server-Timing`` header to each response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, spent = time.perf_counter(), defaultdict[str, float](float)

        async def send_with_timings(message: Message) -> None:
            if message["type"] == "http.response.start":
                spent["total"] = time.perf_counter() - started
                header = (SERVER_TIMING_HEADER, _header(spent))
                message["headers"] = [*message["headers"], header]
            await send(message)

        token = _spent.set(spent)
        try:
            await self._app(scope, receive, send_with_timings)
        finally:
            _spent.reset(token)


def _header(spent: dict[str, float]) -> bytes:
    return ", ".join(
        f"{activity};dur={1000 * seconds:.1f}" for activity, seconds in spent.items()
    ).encode()
