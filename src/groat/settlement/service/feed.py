"""The feed: read the movements of provider accounts, and post those that no report brought.

A claim is a lease on the feed of one account, so one worker reads it at a time. The watermark moves
only when a whole window is posted. Each window begins before the watermark, because rows come late.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from groat.audit.domain.record import Cause
from groat.audit.service.records import AuditService
from groat.kernel.clock import Clock
from groat.kernel.errors import Unavailable
from groat.kernel.ids import PaymentId
from groat.movements.domain.attribution import Owner, belongs_to_payment
from groat.movements.queries import MovementQueries
from groat.payments.domain.ownership import OwnedMovement
from groat.payments.domain.standing import Arrival, EffectKey, EffectKind
from groat.payments.queries import PaymentQueries
from groat.payments.service.facts import PaymentFacts
from groat.platform.postgres.database import Database
from groat.providers.domain.facts import Report
from groat.providers.domain.movements import Movement, MovementCategory
from groat.providers.guard import GuardedProvider
from groat.providers.port import Unknown
from groat.providers.registry import ProviderRegistry
from groat.settlement.infrastructure import watermarks as store
from groat.settlement.infrastructure.watermarks import ClaimedFeed

_log = structlog.get_logger(__name__)

_LEASE = timedelta(minutes=10)
"""Duration of a claim: the feed of a dead worker waits this long for another worker."""

_WINDOW = timedelta(days=7)
"""Maximum length of a window, so that a feed that was off for long catches up step by step."""

_LEAST = timedelta(seconds=1)
"""Minimum length of a window: providers date movements by the second."""

_BATCH = 200
"""Movements in one transaction."""

_CAUSE = Cause("movement_feed")
"""The cause in the audit records of facts and movements from the feed."""

_EFFECTS = {
    MovementCategory.REFUND: EffectKind.REFUNDED,
    MovementCategory.REFUND_FAILURE: EffectKind.REFUND_REVERSED,
}
"""The effect of the fact that belongs to a movement, beside the capture of its charge."""

_DISPUTES = frozenset({MovementCategory.DISPUTE, MovementCategory.DISPUTE_REVERSAL})


class MovementFeeds:
    """Reads due feeds, one window of one account at a time, every ``pause``."""

    def __init__(
        self,
        database: Database,
        providers: ProviderRegistry,
        facts: PaymentFacts,
        payments: PaymentQueries,
        movements: MovementQueries,
        audit: AuditService,
        clock: Clock,
        *,
        pause: timedelta,
    ) -> None:
        self._database = database
        self._providers = providers
        self._facts = facts
        self._payments = payments
        self._movements = movements
        self._audit = audit
        self._clock = clock
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
        except (_NotRead, Unavailable) as error:
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
                raise _NotRead("the claim has expired")
        window = await provider.read_movements(since, until)
        if isinstance(window, Unknown):
            raise _NotRead(window.reason)
        for start in range(0, len(window.movements), _BATCH):
            batch = window.movements[start : start + _BATCH]
            fresh = await self._movements.unposted(
                feed.merchant_id, feed.provider_account_id, batch
            )
            if fresh:
                await self._post(feed, provider, fresh)
        return window.until

    async def _post(
        self, feed: ClaimedFeed, provider: GuardedProvider, fresh: Sequence[Movement]
    ) -> None:
        """Post movements that no report brought, after the facts that are missing here."""
        known = await self._known(feed, fresh)
        owned = [await self._owned(feed, provider, one, known) for one in fresh]
        async with self._database.transaction() as connection:
            changes = await self._facts.book(
                connection, feed.merchant_id, feed.provider_account_id, owned, _CAUSE
            )
            if changes:
                await self._audit.write(connection, feed.merchant_id, changes, self._clock.now())

    async def _known(
        self, feed: ClaimedFeed, fresh: Sequence[Movement]
    ) -> dict[EffectKey, PaymentId]:
        """Return the effects that movements belong to, of those that are applied here."""
        keys = {
            key
            for one in fresh
            for key in (_capture_key(feed, one), _effect_key(feed, one))
            if key is not None
        }
        return await self._payments.known_effects(feed.merchant_id, keys)

    async def _owned(
        self,
        feed: ClaimedFeed,
        provider: GuardedProvider,
        movement: Movement,
        known: dict[EffectKey, PaymentId],
    ) -> OwnedMovement:
        """Return a movement with its owner. If its fact is missing here, ask the provider first.

        Raises:
            _NotRead: the provider did not answer. The window is read again later.
        """
        if not belongs_to_payment(movement.category):
            return OwnedMovement(movement, Owner.OURS)
        capture, effect = _capture_key(feed, movement), _effect_key(feed, movement)
        payment_id = None if capture is None else known.get(capture)
        lacks_fact = effect is not None and effect not in known
        if payment_id is not None and not lacks_fact and movement.category not in _DISPUTES:
            return OwnedMovement(movement, Owner.OURS, payment_id)
        explained = await provider.explain(movement)
        if isinstance(explained, Unknown):
            raise _NotRead(f"{movement.key}: {explained.reason}")
        if explained.payment_id is None:
            return OwnedMovement(movement, Owner.OTHER_SYSTEM)
        await self._apply(feed, explained.reports)
        return OwnedMovement(movement, Owner.OURS, explained.payment_id, "unknown payment")

    async def _apply(self, feed: ClaimedFeed, reports: Sequence[Report]) -> None:
        """Apply the facts of an object in a transaction of their own."""
        arrivals = [Arrival(feed.provider_account_id, report, _CAUSE) for report in reports]
        async with self._database.transaction() as connection:
            await self._facts.apply(connection, feed.merchant_id, arrivals)


class _NotRead(Exception):
    """A window could not be read or explained completely. The watermark stays."""


def _capture_key(feed: ClaimedFeed, movement: Movement) -> EffectKey | None:
    """Return the key of the capture of a movement's charge."""
    charge = movement.parent or movement.source
    if charge is None or not belongs_to_payment(movement.category):
        return None
    return EffectKey(feed.provider_account_id, EffectKind.CAPTURED, charge)


def _effect_key(feed: ClaimedFeed, movement: Movement) -> EffectKey | None:
    """Return the key of the fact that a movement belongs to, if it is no capture."""
    kind = _EFFECTS.get(movement.category)
    if kind is None or movement.source is None:
        return None
    return EffectKey(feed.provider_account_id, kind, movement.source)
