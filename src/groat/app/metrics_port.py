"""The port of a process for operators: ``/metrics``, ``/livez`` and ``/readyz``, without a key.

It is apart from the API's port, so that nobody outside reaches it by accident.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groat.app.gauges import all_gauges
from groat.kernel.errors import ConfigurationError, Unavailable
from groat.platform.http.probes import Health, probe_routes
from groat.platform.postgres.database import Database
from groat.platform.postgres.gauges import read_gauges
from groat.platform.process.metrics import SCRAPE_FAILURES

_log = structlog.get_logger(__name__)

_READ_SECONDS = 5.0
"""Maximum seconds to read the gauges in the database: Prometheus waits for ten by default."""


@asynccontextmanager
async def metrics_port(
    database: Database, health: Health, host: str, port: int | None
) -> AsyncIterator[None]:
    """Serve metrics and probes on ``port`` while the block runs; None serves nothing.

    Raises:
        ConfigurationError: ``port_in_use``.
    """
    if port is None:
        yield
        return
    listener = _listener(host, port)
    routes = [*probe_routes(health), Route("/metrics", _Scrape(database).answer)]
    config = uvicorn.Config(
        Starlette(routes=routes),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
    )
    server = _BesideTheProcess(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise ConfigurationError(
            "port_in_use",
            f"GROAT_METRICS_PORT {port} on {host} cannot be used: {error.strerror}. Each process "
            "needs a port of its own.",
        ) from None


class _BesideTheProcess(uvicorn.Server):
    """A server that leaves the signals to the process that it runs in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Scrape:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._gauges = all_gauges()

    async def answer(self, _request: Request) -> Response:
        """Return all metrics. Without the database, those of the process are still returned."""
        self._database.measure_pool()
        text = generate_latest(REGISTRY)
        try:
            async with asyncio.timeout(_READ_SECONDS), self._database.autocommit() as connection:
                families = await read_gauges(connection, self._gauges)
        except (TimeoutError, Unavailable):
            SCRAPE_FAILURES.inc()
            _log.warning("gauges_not_read")
            families = []
        registry = CollectorRegistry()
        registry.register(_Families(families))
        return Response(text + generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Families(Collector):
    """A collector of families that are read already."""

    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._families
