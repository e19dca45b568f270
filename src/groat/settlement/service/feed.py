"""The feed: read the movements of provider accounts, and post those that no report brought.

A claim is a lease on the feed of one account, so one worker reads it at a time. The watermark moves
only when a whole window is posted. Each window begins before the watermark, because rows come late.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from groat.audit.domain.record import Cause
from groat.kernel.errors import Unavailable
from groat.platform.postgres.database import Database
from groat.providers.guard import GuardedProvider
from groat.providers.port import Unknown
from groat.providers.registry import ProviderRegistry
from groat.settlement.infrastructure import watermarks as store
from groat.settlement.infrastructure.watermarks import ClaimedFeed
from groat.settlement.service.poster import BookOrigin, MovementPoster

_log = structlog.get_logger(__name__)

_LEASE = timedelta(minutes=10)
"""Duration of a claim: the feed of a dead worker waits this long for another worker."""

_WINDOW = timedelta(days=7)
"""Maximum length of a window, so that a feed that was off for long catches up step by step."""

_LEAST = timedelta(seconds=1)
"""Minimum length of a window: providers date movements by the second."""

_CAUSE = Cause("movement_feed")
"""The cause in the audit records of facts and movements from the feed."""


class MovementFeeds:
    """Reads due feeds, one window of one account at a time, every ``pause``."""

    def __init__(
        self,
        database: Database,
        providers: ProviderRegistry,
        poster: MovementPoster,
        *,
        pause: timedelta,
    ) -> None:
        self._database = database
        self._providers = providers
        self._poster = poster
        self._pause = pause

    async def read_batch(self) -> int:
        """Read and post a window of a due feed; return 1, or 0 if no feed is due."""
        async with self._database.transaction() as connection:
            feed = await store.claim(connection, _LEASE)
        if feed is None:
            return 0
        reached, rechecked_at, reason = feed.watermark, feed.rechecked_at, None
        try:
            reached, rechecked_at = await self._read(feed)
        except Unavailable as error:
            reason = str(error)
            _log.warning("movements_not_read", account=str(feed.provider_account_id), reason=reason)
        is_behind = feed.watermark < reached < feed.read_at - _WINDOW
        pause = timedelta() if is_behind else self._pause
        async with self._database.transaction() as connection:
            store.finish(connection, feed, reached, rechecked_at, pause, reason)
        return 1

    async def _read(self, feed: ClaimedFeed) -> tuple[datetime, datetime]:
        """Read up to the end of the next window, and post; return the end, and the last recheck.

        If a recheck is due, the reading begins weeks before, and takes several windows.
        """
        provider = await self._providers.get(feed.merchant_id, feed.provider_account_id)
        overlap, recheck = provider.feed_overlap, provider.feed_recheck
        if overlap is None or recheck is None:
            return feed.watermark, feed.read_at
        is_recheck = feed.rechecked_at + recheck.every <= feed.read_at
        back = recheck.span if is_recheck else overlap
        reached = max(feed.starts_at, feed.watermark - back)
        until = min(feed.read_at, feed.watermark + _WINDOW)
        while True:
            end = await self._read_window(feed, provider, reached, min(until, reached + _WINDOW))
            is_end = end <= reached or until - end < _LEAST
            reached = max(reached, end)
            if is_end:
                break
        is_whole = is_recheck and reached >= feed.watermark
        return reached, feed.read_at if is_whole else feed.rechecked_at

    async def _read_window(
        self, feed: ClaimedFeed, provider: GuardedProvider, since: datetime, until: datetime
    ) -> datetime:
        """Read a window and post it; return the end up to which the provider knows it."""
        async with self._database.transaction() as connection:
            if not await store.renew(connection, feed, _LEASE):
                raise Unavailable("claim_expired", "Another worker reads this feed.")
        window = await provider.read_movements(since, until)
        if isinstance(window, Unknown):
            raise Unavailable("movements_not_read", window.reason)
        origin = BookOrigin(feed.merchant_id, feed.provider_account_id, feed.starts_at, _CAUSE)
        await self._poster.post(origin, window.movements)
        return window.until
