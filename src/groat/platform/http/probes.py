"""Whether this process can serve: ``/livez`` and ``/readyz`` of Kubernetes and load balancers.

A process is *live* while its event loop runs. It is *ready* while PostgreSQL answers and the
process is not stopping. A process that stops is not ready any more, and goes on serving for a
while: load balancers need seconds to notice.
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from groat.kernel.errors import Unavailable
from groat.platform.postgres.database import Database
from groat.platform.postgres.queries import Query

_PING = Query(b"select 1")
_PING_SECONDS = 0.8
"""Maximum seconds to wait for PostgreSQL: probes commonly wait for one second."""


class Health:
    """Tells whether this process is ready. ``stopping`` is set when it begins to stop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.stopping = False

    async def obstacle(self) -> str | None:
        """Return why the process is not ready; None if it is."""
        if self.stopping:
            return "stopping"
        if self._database.answered_within(_PING_SECONDS):  # a full pool is no dead database
            return None
        try:
            async with asyncio.timeout(_PING_SECONDS), self._database.autocommit() as connection:
                await connection.fetch(_PING)
        except (TimeoutError, Unavailable):
            return "database_unavailable"
        return None


def probe_routes(health: Health) -> list[Route]:
    """Return the routes of the probes."""

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> JSONResponse:
        obstacle = await health.obstacle()
        if obstacle is None:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "unavailable", "reason": obstacle}, status_code=503)

    return [
        Route("/livez", live, include_in_schema=False),
        Route("/readyz", ready, include_in_schema=False),
    ]
