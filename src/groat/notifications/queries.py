"""Read the feed, and wait for its next events."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from uuid import UUID

from groat.kernel import ids
from groat.kernel.errors import Conflict, Unavailable
from groat.kernel.ids import EventId, MerchantId
from groat.notifications.domain.feed import FeedEvent, FeedFilter, FeedPage, RoutedEvent
from groat.notifications.infrastructure import feed as store
from groat.platform.postgres.database import Database

_LOOK_SECONDS = 0.1
"""Seconds between two looks at the ends of the feeds that readers wait for."""


class FeedQueries:
    """Reads events in the order of the feed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # The positions after which readers wait, by merchant, with the futures that wake them.
        # Written by readers, which add and remove their own entries. Read by the task that looks.
        self._waiting: dict[MerchantId, dict[asyncio.Future[None], int]] = defaultdict(dict)
        self._looking: asyncio.Task[None] | None = None

    async def event(self, merchant_id: MerchantId, event_id: EventId) -> FeedEvent:
        """Return one event.

        Raises:
            NotFound: the feed has no such event, or no longer.
        """
        async with self._database.autocommit() as connection:
            found = await store.find(connection, merchant_id, event_id)
        return ids.existing("event", event_id, found)

    async def events_of(
        self, merchant_id: MerchantId, object_ids: Collection[UUID]
    ) -> list[RoutedEvent]:
        """Return the events of these objects, oldest first, each with its deliveries.

        It includes events that have no position in the feed yet.
        """
        async with self._database.autocommit() as connection:
            return await store.events_of(connection, merchant_id, object_ids)

    async def page(
        self,
        merchant_id: MerchantId,
        wanted: FeedFilter,
        after: int | None,
        *,
        limit: int,
        wait_seconds: float = 0,
    ) -> FeedPage:
        """Return the next events after the position ``after``; None begins at the oldest event.

        If there is none, wait for the next event of the merchant, at most ``wait_seconds``. The
        page may be empty all the same; its ``end`` is then the position to continue after.

        Raises:
            Conflict: ``events_missed``; the feed no longer has all events after this position.
        """
        until = time.monotonic() + wait_seconds
        place = after
        while True:
            page = await self._read(merchant_id, wanted, place, limit)
            place = page.end
            left = until - time.monotonic()
            if page.events or left <= 0:
                return page
            await self._next_event(merchant_id, place, left)

    async def end(self, merchant_id: MerchantId) -> int:
        """Return the position of the merchant's last event."""
        async with self._database.autocommit() as connection:
            ends = await store.last_positions(connection, [merchant_id])
        return ends.get(merchant_id, 0)

    async def _read(
        self, merchant_id: MerchantId, wanted: FeedFilter, after: int | None, limit: int
    ) -> FeedPage:
        async with self._database.autocommit() as connection:
            page = await store.page(connection, merchant_id, wanted, after or 0, limit)
        if after is not None and not page.purged <= after <= page.last:
            raise Conflict(
                "events_missed",
                "The feed no longer has all events after this cursor: it keeps them for 30 days. "
                "Read your objects anew, and start without a cursor.",
            )
        return page

    async def _next_event(self, merchant_id: MerchantId, after: int, seconds: float) -> None:
        """Return once the merchant's feed has grown, or after ``seconds``.

        One task looks for all waiting readers of the process.
        """
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[merchant_id][woken] = after
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait([woken], timeout=seconds)
        finally:
            del self._waiting[merchant_id][woken]
            if not self._waiting[merchant_id]:
                del self._waiting[merchant_id]

    async def _look(self) -> None:
        """Wake readers whose feeds have grown, until no reader waits.

        While the database is not available, no feed grows, and the readers wait on.
        """
        while self._waiting:
            with suppress(Unavailable):
                await self._wake_readers()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _wake_readers(self) -> None:
        async with self._database.autocommit() as connection:
            ends = await store.last_positions(connection, list(self._waiting))
        for merchant_id, end in ends.items():
            for woken, after in self._waiting.get(merchant_id, {}).items():
                if after < end and not woken.done():
                    woken.set_result(None)
