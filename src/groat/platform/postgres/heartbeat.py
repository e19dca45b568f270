"""The processes that are alive: each one writes a sign of life every few seconds."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from importlib.metadata import version
from uuid import UUID

from groat.kernel import ids
from groat.kernel.errors import Unavailable
from groat.kernel.value import Value
from groat.platform.postgres.connection import values
from groat.platform.postgres.database import Database
from groat.platform.postgres.gauges import StateGauges
from groat.platform.postgres.queries import load_queries

_QUERIES = load_queries(__file__, "heartbeat.sql")

_BEAT_SECONDS = 10.0
"""Seconds between two signs of life."""
_SILENCE = timedelta(seconds=3 * _BEAT_SECONDS)
"""Silence after which a process no longer counts as alive."""


class Process(Value):
    """A process of the engine: ``kind`` is ``api`` or ``worker``."""

    id: UUID
    kind: str
    host: str
    version: str
    started_at: datetime
    seen_at: datetime
    is_alive: bool


@asynccontextmanager
async def heartbeat(database: Database, kind: str) -> AsyncIterator[None]:
    """Write signs of life of this process while the block runs.

    Nothing is decided by them, so a sign that cannot be written is left out.
    """
    process_id = ids.uuid7()
    beating = asyncio.create_task(_beat(database, process_id, kind))
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait([beating])  # a sign under way would bring the row back
        with suppress(Unavailable):
            async with database.autocommit() as connection:
                await connection.fetch(_QUERIES["leave"], {"id": process_id})


async def _beat(database: Database, process_id: UUID, kind: str) -> None:
    sign = {
        "id": process_id,
        "kind": kind,
        "host": socket.gethostname(),
        "version": version("groat"),
    }
    while True:
        with suppress(Unavailable):
            async with database.autocommit() as connection:
                await connection.fetch(_QUERIES["beat"], sign)
        await asyncio.sleep(_BEAT_SECONDS)


async def processes(database: Database) -> list[Process]:
    """Return the processes of the last day, the newest first."""
    async with database.autocommit() as connection:
        rows = await connection.fetch(_QUERIES["list_processes"], {"silence": _SILENCE})
    return values(Process, rows)


def gauges() -> list[StateGauges]:
    """Return the gauges of processes, for ``/metrics``."""
    return [
        StateGauges(
            _QUERIES["alive_processes"],
            {"processes": ("groat_processes", "Processes that are alive.")},
            labels=("kind", "version"),
            parameters={"silence": _SILENCE},
        )
    ]
