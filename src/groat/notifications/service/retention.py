"""The retention of events: the feed keeps them for 30 days."""

from __future__ import annotations

from datetime import timedelta

from groat.kernel.clock import Clock
from groat.notifications.infrastructure import feed as store
from groat.platform.postgres.database import Database

KEPT = timedelta(days=30)
"""Duration for which the feed keeps an event."""

_MOST_EVENTS = 1_000
"""Maximum events deleted at once."""


class EventRetention:
    """Deletes events that the feed no longer keeps."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def purge_batch(self) -> int:
        """Delete old events; return their number, or 0 if there is none."""
        async with self._database.autocommit() as connection:
            return await store.purge(connection, self._clock.now() - KEPT, _MOST_EVENTS)
