"""Runs the simulators in one process, each on its own port."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import structlog
import uvicorn
from starlette.types import ASGIApp

from groat.kernel.clock import SystemClock
from groat.simulator.overview import PAGE_PATH
from groat.simulator.sites import SIMULATED

DRAIN_SECONDS_MAX = 2
"""Maximum seconds that requests under way get to end when a server stops."""

_KEEP_ALIVE_SECONDS = 75
"""Seconds for which an idle connection stays open. Must exceed the time for which clients keep one:
else a client may send on a connection that is being closed. httpx keeps one for 5 seconds."""

_log = structlog.get_logger(__name__)


class EmbeddedServer(uvicorn.Server):
    """A server without signal handlers, because two servers in a process would both set them."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture no signals."""
        yield


async def serve(host: str, ports: Mapping[str, int]) -> None:
    """Run the simulators until SIGTERM arrives or the task is cancelled.

    ``ports`` has the port of each provider by its name. This sets the loop's handler of SIGTERM, so
    it must run in the main thread of its own process. The simulators lose their data when it ends.

    Raises:
        OSError: Another program listens on a port.
    """
    clock = SystemClock()
    sockets = _listen(host, *ports.values())
    for provider, port in ports.items():
        _log.info("simulator_page", provider=provider, url=f"http://{host}:{port}{PAGE_PATH}")
    servers = [embedded_server(SIMULATED[name].create_app(clock)) for name in ports]
    running = asyncio.gather(
        *(server.serve([listener]) for server, listener in zip(servers, sockets, strict=True))
    )
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, _stop, servers)
    try:
        await asyncio.shield(running)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        _stop(servers)
        await running


def _listen(host: str, *ports: int) -> list[socket.socket]:
    listeners: list[socket.socket] = []
    try:
        for port in ports:
            listeners.append(socket.create_server((host, port)))  # noqa: PERF401 - closed below
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def embedded_server(app: ASGIApp) -> EmbeddedServer:
    """Return a server that logs only warnings and errors. It gets its socket when it starts."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        interface="asgi3",
        ws="none",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS_MAX,
    )
    return EmbeddedServer(config)


def _stop(servers: list[EmbeddedServer]) -> None:
    for server in servers:
        server.should_exit = True
