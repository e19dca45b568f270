"""List events, and replay them: try them again from the beginning, as if newly delivered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from groat.audit.service.records import AuditService
from groat.inbox.domain import event_changes
from groat.inbox.domain.event import EventFilter, ProviderEvent
from groat.inbox.infrastructure import events as store
from groat.inbox.service.rehearsal import EventRehearsal, Rehearsed
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import MerchantId, ProviderEventId
from groat.platform.postgres.database import Database
from groat.platform.postgres.idempotency import UNKEYED, Once
from groat.platform.redis.jobs import Doorbell

_PAGE = 1000
"""Events read at once when ids are selected."""


class Replayed(NamedTuple):
    """The events to be replayed, newest first; more of them precede ``next_before``."""

    events: list[ProviderEvent]
    next_before: ProviderEventId | None


class Rehearsal(NamedTuple):
    """The results of a rehearsal, oldest first; more events precede ``next_before``."""

    rehearsed: list[Rehearsed]
    next_before: ProviderEventId | None


class EventReplay:
    """Lists events, rehearses their replay, and replays them.

    Applying is idempotent: an event whose effect is posted has no effect when it is replayed.
    """

    def __init__(
        self,
        database: Database,
        rehearsal: EventRehearsal,
        audit: AuditService,
        doorbell: Doorbell,
        clock: Clock,
    ) -> None:
        self._database = database
        self._rehearsal = rehearsal
        self._audit = audit
        self._doorbell = doorbell
        self._clock = clock

    async def events(
        self,
        merchant_id: MerchantId,
        wanted: EventFilter,
        *,
        before: ProviderEventId | None,
        limit: int,
    ) -> list[ProviderEvent]:
        """Return events, newest first."""
        async with self._database.autocommit() as connection:
            return await store.events(connection, merchant_id, wanted, before, limit)

    async def selected(self, merchant_id: MerchantId, wanted: EventFilter) -> list[ProviderEventId]:
        """Return the ids of all events that match, oldest first.

        Raises:
            InvalidRequest: ``nothing_selected``.
        """
        _check(wanted)
        found: list[ProviderEventId] = []
        before: ProviderEventId | None = None
        while True:
            events = await self.events(merchant_id, wanted, before=before, limit=_PAGE)
            found += [event.id for event in events]
            before = _next_before(events, _PAGE)
            if before is None:
                return found[::-1]

    async def by_reference(
        self, merchant_id: MerchantId, provider_reference: str
    ) -> list[ProviderEventId]:
        """Return the ids of the events with the provider's id, at any account of the merchant."""
        async with self._database.autocommit() as connection:
            return await store.by_reference(connection, merchant_id, provider_reference)

    async def event(
        self, merchant_id: MerchantId, event_id: ProviderEventId
    ) -> tuple[ProviderEvent, bytes]:
        """Return one event, with the body that its provider sent.

        Raises:
            NotFound: the merchant has no such event.
        """
        async with self._database.autocommit() as connection:
            found = await store.event(connection, merchant_id, event_id)
        return ids.existing("provider_event", event_id, found)

    async def rehearse(
        self,
        merchant_id: MerchantId,
        wanted: EventFilter,
        *,
        before: ProviderEventId | None,
        limit: int,
        once: Once[Rehearsal] = UNKEYED,
    ) -> Rehearsal:
        """Rehearse the replay of events, oldest first, and return the results.

        Raises:
            InvalidRequest: ``nothing_selected``.
        """
        _check(wanted)
        return await once.around(
            self._database, partial(self._rehearse, merchant_id, wanted, before, limit)
        )

    async def _rehearse(
        self,
        merchant_id: MerchantId,
        wanted: EventFilter,
        before: ProviderEventId | None,
        limit: int,
    ) -> Rehearsal:
        async with self._database.autocommit() as connection:
            events = await store.events(connection, merchant_id, wanted, before, limit)
            claimed = await store.unclaimed(connection, merchant_id, [event.id for event in events])
        rehearsed = await self._rehearsal.rehearse(merchant_id, claimed)
        return Rehearsal(rehearsed, _next_before(events, limit))

    async def replay(
        self,
        caller: Caller,
        wanted: EventFilter,
        *,
        before: ProviderEventId | None,
        limit: int,
        per_second: float,
        once: Once[Replayed] = UNKEYED,
    ) -> Replayed:
        """Reset events so that they are tried again from the beginning; commit and return them.

        They become due oldest first, at a rate of ``per_second``. An event that is still open
        becomes due no later than before. An event that a worker has claimed at this moment is left
        out: it is being tried anyway.

        Raises:
            InvalidRequest: ``nothing_selected``. A filter that selects all events is refused.
        """
        _check(wanted)
        merchant_id = caller.merchant_id
        async with self._database.transaction() as connection:
            await once.claim(connection)
            events = await store.events(connection, merchant_id, wanted, before, limit)
            delays = {
                event.id: timedelta(seconds=place / per_second)
                for place, event in enumerate(reversed(events))
            }
            replayed = await store.replay(connection, merchant_id, delays)
            changes = [
                event_changes.replayed(caller, event) for event in events if event.id in replayed
            ]
            if changes:
                await self._audit.write(connection, merchant_id, changes, self._clock.now())
            now_due = await store.events(
                connection, merchant_id, EventFilter(ids=list(replayed)), None, limit
            )
            result = Replayed(now_due, _next_before(events, limit))
            once.answer(connection, result)
        self._doorbell.ring_soon(len(replayed))
        return result


def _check(wanted: EventFilter) -> None:
    if wanted == EventFilter():
        raise InvalidRequest(
            "nothing_selected", "Select events: give their ids or at least one filter."
        )


def _next_before(events: Sequence[ProviderEvent], limit: int) -> ProviderEventId | None:
    return events[-1].id if len(events) == limit else None
