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

    ``placed`` is called after each batch: deliveries may be due.
    """

    def __init__(self, database: Database, placed: Callable[[], None]) -> None:
        self._database = database
        self._placed = placed

    async def place_batch(self) -> int:
        """Place the oldest events that have no position; return their number if more may wait.

        Else return 0. Each change that writes events rings after its commit, so the events of a
        later change are placed at that ring.
        """
        async with self._database.autocommit() as connection:
            placed, without_feed = await store.place(connection, MOST_EVENTS)
            if without_feed:
                store.open_feeds(connection, without_feed)
                placed, _ = await store.place(connection, MOST_EVENTS)
        if placed:
            self._placed()
        return placed if placed >= MOST_EVENTS else 0
