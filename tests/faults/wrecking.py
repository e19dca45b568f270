"""Everything that is done to the processes and the servers while events come in."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import redis.asyncio

from groat.platform.embedded.servers import (
    EmbeddedServers,
    PostgresServer,
    ValkeyServer,
)
from tests.faults.fleet import Fleet

_LIVES = {"worker": 0.3, "api": 1.0}
"""So many seconds, and the next one of them is killed."""

_KILLING = 0.9
"""The part of the time after which processes are left alive."""

_DOWN_SECONDS = 0.5
"""How long a server that was killed is missed."""


@dataclass(frozen=True, slots=True)
class Wrecker:
    """Kills what runs. ``done`` counts what was done."""

    fleet: Fleet
    machines: EmbeddedServers
    chance: Random
    done: Counter[str] = field(default_factory=Counter)

    async def wreck(self, seconds: float) -> None:
        """Wreck everything again and again for so many seconds.

        Then PostgreSQL dies once more, and those who are alive have to get over it.
        """
        faults = (self._flush, self._crash_valkey, self._crash_postgres, self._flush)
        began, calm = time.monotonic(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for name, lives in _LIVES.items():
                group.create_task(self._keep_killing(name, lives, calm))
            for place, fault in enumerate(faults, 1):
                await _until(began + seconds * place / (len(faults) + 1))
                await fault()
            await _until(began + seconds * _KILLING)
            calm.set()
        await self._crash_postgres()

    async def _keep_killing(self, name: str, lives: float, calm: asyncio.Event) -> None:
        while not await _happens(calm, lives):
            await self.fleet.replace(self.chance.choice(self.fleet.called(name)))
            self.done[f"{name} killed"] += 1

    async def _flush(self) -> None:
        async with redis.asyncio.Redis.from_url(self.machines.redis_url) as client:
            await client.flushall()
        self.done["FLUSHALL"] += 1

    async def _crash_valkey(self) -> None:
        await self._crash(self.machines.valkey)

    async def _crash_postgres(self) -> None:
        await self._crash(self.machines.postgres)

    async def _crash(self, server: PostgresServer | ValkeyServer) -> None:
        """End a server as a power cut does, and start it again."""
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(_DOWN_SECONDS)
        await asyncio.to_thread(server.start)
        self.done[f"{server.name} killed"] += 1


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event for so many seconds; tell whether it happened."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def _until(moment: float) -> None:
    """Wait for a moment of the monotonic clock."""
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
