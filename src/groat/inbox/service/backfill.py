"""Backfill: after an outage, store the events that the provider lists but did not deliver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from groat.audit.domain.record import Change
from groat.audit.service.records import AuditService
from groat.inbox.domain.actions import InboxAction
from groat.inbox.domain.conclusion import Tries
from groat.inbox.domain.event import ClaimedEvent, WebhookDelivery, merge
from groat.inbox.infrastructure import events as store
from groat.inbox.service.rehearsal import EventRehearsal, Rehearsed
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import InvalidRequest, Unavailable
from groat.kernel.ids import IdSource, MerchantId, ProviderAccountId, ProviderEventId
from groat.kernel.value import Value
from groat.platform.postgres.database import Database
from groat.platform.postgres.idempotency import UNKEYED, Once
from groat.platform.redis.jobs import Doorbell
from groat.providers.guard import GuardedProvider
from groat.providers.port import EventPage, ListedEvent, Unknown
from groat.providers.registry import ProviderRegistry

_PAGING_TIME = timedelta(hours=1)
"""Time to page through the longest list: its start may be this much older than the limit."""


class Span(Value):
    """A span of the provider's list: from ``since`` to ``until``, or to now, after ``cursor``.

    The cursor is the provider's own. Callers receive it signed, and a cursor without our signature
    is refused, so a caller cannot send text of its own to the provider.
    """

    since: datetime
    until: datetime | None = None
    cursor: str | None = None


class Backfilled(Value):
    """The result of backfilling one page of the provider's list.

    ``missing`` are the events that were not in the inbox. In a dry run, ``rehearsed`` holds their
    expected conclusions; otherwise they are in the inbox now. ``unreadable`` is the number of
    events without an id or a type.
    """

    listed: int
    unreadable: int
    missing: tuple[WebhookDelivery, ...]
    rehearsed: tuple[Rehearsed, ...]
    next_cursor: str | None


class EventBackfill:
    """Stores the events of a provider's list that the inbox misses, a page at a time."""

    def __init__(
        self,
        database: Database,
        providers: ProviderRegistry,
        rehearsal: EventRehearsal,
        audit: AuditService,
        doorbell: Doorbell,
        new_id: IdSource,
        clock: Clock,
    ) -> None:
        self._database = database
        self._providers = providers
        self._rehearsal = rehearsal
        self._audit = audit
        self._doorbell = doorbell
        self._new_id = new_id
        self._clock = clock

    async def page(
        self,
        caller: Caller,
        account_id: ProviderAccountId,
        span: Span,
        *,
        dry_run: bool,
        once: Once[Backfilled] = UNKEYED,
    ) -> Backfilled:
        """Store the missing events of one page of the list and commit; or rehearse them.

        Raises:
            NotFound: the merchant has no such provider account.
            InvalidRequest: the provider lists no events (``backfill_not_supported``) or none as old
                as ``since`` (``backfill_too_far_back``), or the span is empty (``invalid_span``).
            Unavailable: the provider does not answer, or its answer is wrong
                (``provider_unavailable``).
        """
        work = partial(self._page, caller, account_id, span, dry_run=dry_run)
        return await once.around(self._database, work)

    async def _page(
        self, caller: Caller, account_id: ProviderAccountId, span: Span, *, dry_run: bool
    ) -> Backfilled:
        provider = await self._providers.get(caller.merchant_id, account_id)
        now = self._clock.now()
        until = now if span.until is None else min(span.until, now)
        _check(provider, span.since, until, now)
        page = await self._list(provider, span, until)
        readable = [event for event in page.events if event.envelope.is_storable]
        missing = await self._missing(caller.merchant_id, account_id, readable)
        rehearsed: Sequence[Rehearsed] = ()
        if dry_run:
            claimed = [_claimed(delivery) for delivery in missing]
            rehearsed = await self._rehearsal.rehearse(caller.merchant_id, claimed)
        elif missing:
            await self._put(caller, account_id, missing)
        unreadable = page.unreadable + len(page.events) - len(readable)
        return Backfilled(
            len(readable), unreadable, tuple(missing), tuple(rehearsed), page.next_cursor
        )

    @staticmethod
    async def _list(provider: GuardedProvider, span: Span, until: datetime) -> EventPage:
        """Return a page of the provider's list."""
        page = await provider.list_events(span.since, until, span.cursor)
        if isinstance(page, Unknown):
            raise _unavailable(page.reason)
        if page.next_cursor is not None and page.next_cursor == span.cursor:
            raise _unavailable("the next page is the same page again")
        return page

    async def _missing(
        self,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        events: Sequence[ListedEvent],
    ) -> list[WebhookDelivery]:
        listed = [event.envelope.event_id for event in events]
        async with self._database.autocommit() as connection:
            known = await store.known(connection, merchant_id, account_id, listed)
        return merge(
            [
                self._delivery(merchant_id, account_id, event)
                for event in events
                if event.envelope.event_id not in known
            ]
        )

    def _delivery(
        self, merchant_id: MerchantId, account_id: ProviderAccountId, event: ListedEvent
    ) -> WebhookDelivery:
        return WebhookDelivery(
            merchant_id,
            account_id,
            event.envelope.event_id,
            ProviderEventId(self._new_id()),
            event.envelope.event_type,
            event.body,
            self._clock.now(),
            count=0,
        )

    async def _put(
        self, caller: Caller, account_id: ProviderAccountId, missing: Sequence[WebhookDelivery]
    ) -> None:
        """Write events and an audit record, and commit. Skip events delivered meanwhile."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            added = await store.put(connection, missing)
            change = Change.by(
                caller, InboxAction.BACKFILLED, "provider_account", account_id, events=len(added)
            )
            await self._audit.write(connection, caller.merchant_id, [change], now)
        self._doorbell.ring_soon(len(added))


def _check(provider: GuardedProvider, since: datetime, until: datetime, now: datetime) -> None:
    covered = provider.lists_events_for
    if covered is None:
        raise InvalidRequest("backfill_not_supported", "This provider lists no events.")
    if since >= until:
        raise InvalidRequest("invalid_span", "`since` must be in the past and before `until`.")
    if since < now - covered - _PAGING_TIME:
        raise InvalidRequest(
            "backfill_too_far_back",
            f"The provider lists only events of the last {covered.days} days.",
        )


def _unavailable(reason: str) -> Unavailable:
    message = f"The provider gave no valid answer ({reason}); try again."
    return Unavailable("provider_unavailable", message)


def _claimed(event: WebhookDelivery) -> ClaimedEvent:
    """Return an event as a first claim would, if it were in the inbox."""
    return ClaimedEvent(
        event.merchant_id,
        event.id,
        event.provider_account_id,
        event.provider_reference,
        event.event_type,
        event.body,
        attempts=1,
        attempts_lost=0,
        tries=Tries(0, 0, None),
    )
