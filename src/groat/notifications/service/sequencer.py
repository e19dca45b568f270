"""The sequencer: gives committed events their positions in the feed.

A position is given after the commit, so readers never see a later event at an earlier position:
a transaction that stays open only delays its own events. Every worker runs a sequencer. The lock
on a feed lets one at a time extend it.
"""

from __future__ import annotations

from collections.abc import Callable

from groat.notifications.infrastructure import feed as store
from groat.platform.postgres.database import Database

MOST_EVENTS = 1_000
"""Maximum events placed at once, apart from earlier events of their objects."""


class Sequencer:
    """Gives committed events the next positions of their feeds, and adds their deliveries.

    ``deliveries_added`` is called after each batch that adds any: they are due.
    """

    def __init__(self, database: Database, deliveries_added: Callable[[], None]) -> None:
        self._database = database
        self._deliveries_added = deliveries_added

    async def place_batch(self) -> int:
        """Place the oldest events that have no position; return their number.

        Each change that writes events rings after its commit, so the events of a later change are
        placed at that ring.
        """
        async with self._database.autocommit() as connection:
            placed = await store.place(connection, MOST_EVENTS)
            if placed.without_feed:
                store.open_feeds(connection, placed.without_feed)
                placed = await store.place(connection, MOST_EVENTS)
        if placed.deliveries:
            self._deliveries_added()
        return placed.events
