"""Where a request's time went, in its answer's ``Server-Timing`` header (W3C, Server Timing).

``provider;dur=12.3`` is what was waited for at a provider, in milliseconds; ``total`` is all of it.
What is left is the engine's own.
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
def spent_on(what: str) -> Iterator[None]:
    """Count the time of the block as spent on ``what``, if it is part of a request."""
    started = time.perf_counter()
    try:
        yield
    finally:
        spent = _spent.get()
        if spent is not None:
            spent[what] += time.perf_counter() - started


class ServerTiming:
    """ASGI middleware: says in each answer where its time went."""

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
    return ", ".join(f"{what};dur={1000 * one:.1f}" for what, one in spent.items()).encode()
