"""Real servers for the tests of the simulator: the stand-ins, and a receiver of webhooks."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from groat.simulator.serve import embedded_server

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Received:
    headers: Headers
    body: bytes


@dataclass
class Receiver:
    """Records every delivery and answers with the next status of ``answers``, then with 200."""

    url: str = ""
    deliveries: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    async def receive(self, request: Request) -> Response:
        self.deliveries.append(Received(request.headers, await request.body()))
        status = self.answers.pop(0) if self.answers else 200
        return Response(status_code=status, headers={"Location": self.url})

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self.receive, methods=["GET", "POST"])])


@dataclass
class Stage:
    """A server that is started once, on which each test puts an app of its own."""

    address: str = ""
    app: Starlette = field(default_factory=Starlette)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    @asynccontextmanager
    async def showing(self, app: Starlette) -> AsyncIterator[str]:
        """Serve ``app``; yield its address."""
        self.app = app
        async with app.router.lifespan_context(app):
            yield self.address


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[str]:
    """Serve ``app`` on a free port; yield its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    # An answer's head and body are two writes: without this the second waits for the first's ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = embedded_server(app)
    task = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await task


async def until(condition: Callable[[], bool]) -> None:
    """Wait for ``condition``, not longer than a slow machine needs."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up_at, "waited in vain"
        await asyncio.sleep(0.01)


async def settled(control: httpx.AsyncClient) -> dict[str, int]:
    """Wait until nothing is left to deliver; return the tally."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        tally: dict[str, int] = (await control.get("/_simulator/deliveries")).json()
        if tally["pending"] == 0:
            return tally
        assert time.monotonic() < give_up_at, tally
        await asyncio.sleep(0.01)
