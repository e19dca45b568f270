"""What Redis remembers of the inbox: which events are committed. PostgreSQL is the truth.

An event is written down here only after its commit, so that what is found was acknowledged before
and may be again. What is not found may be there all the same: Redis may have been emptied, or be
away, which is slower and never wrong. And what one database has committed says nothing of another,
such as one that was restored from yesterday's backup.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from redis.asyncio import Redis

from groat.kernel.clock import Clock
from groat.platform.database import Database
from groat.platform.fast_path import FastPath
from groat.webhooks.domain.event import EventKey

_PERIOD = timedelta(hours=1)
"""Most repetitions come within minutes. What was seen is forgotten between one and two periods
later, with one command for all of it, however many they are."""

_SECONDS = 0.02
"""An acknowledgement waits no longer for a short cut than the long way takes."""


class SeenEvents:
    """Events that were committed in the last hour or two, as far as Redis knows."""

    def __init__(self, redis: Redis | None, database: Database, clock: Clock) -> None:
        self._redis = redis
        self._database = database
        self._clock = clock
        self._path = FastPath("seen_events", "repetitions go to PostgreSQL", seconds=_SECONDS)

    @property
    def is_open(self) -> bool:
        """Whether it is worth asking at the moment."""
        known = self._database.incarnation is not None
        return self._redis is not None and known and self._path.is_open

    async def among(self, keys: Sequence[EventKey]) -> set[EventKey]:
        """Return those of ``keys`` that are known to be committed."""
        redis = self._redis
        if redis is None:
            return set()
        members = [_member(key) for key in keys]
        now, before = self._sets()

        async def look() -> list[list[int]]:
            pipeline = redis.pipeline(transaction=False)
            pipeline.execute_command("SMISMEMBER", now, *members)
            pipeline.execute_command("SMISMEMBER", before, *members)
            return await pipeline.execute()

        found = await self._path.attempt(look)
        if found is None:
            return set()
        return {key for key, *seen in zip(keys, *found, strict=True) if any(seen)}

    async def remember(self, keys: Collection[EventKey]) -> None:
        """Note that these are committed."""
        redis = self._redis
        if redis is None or not keys:
            return
        members = [_member(key) for key in keys]
        now, _ = self._sets()

        async def note() -> None:
            pipeline = redis.pipeline(transaction=False)
            pipeline.execute_command("SADD", now, *members)
            pipeline.execute_command("EXPIRE", now, 2 * _PERIOD // timedelta(seconds=1))
            await pipeline.execute()

        await self._path.attempt(note)

    def _sets(self) -> tuple[str, str]:
        """Return the names of this period's set and of the one before."""
        period = int(self._clock.now().timestamp() / _PERIOD.total_seconds())
        prefix = f"groat:seen:{self._database.incarnation}"
        return f"{prefix}:{period}", f"{prefix}:{period - 1}"


def _member(key: EventKey) -> str:
    merchant_id, account_id, provider_event_id = key
    return f"{merchant_id}:{account_id.hex}:{provider_event_id}"
