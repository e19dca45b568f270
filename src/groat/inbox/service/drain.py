"""The drain: applies what the inbox holds, in batches, exactly once, however often it is tried.

A claim is a lease, fenced by the number of the attempt: a worker that wakes after its lease settles
nothing. Events that a provider has to be asked about are applied as the answers come in; the others
do not wait for them.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from random import Random
from typing import TypeAlias

import structlog

from groat.inbox.domain.conclusion import (
    KILLS_WORKERS,
    Conclusion,
    EventStatus,
    RetryLater,
    poisoned,
    retry,
)
from groat.inbox.domain.event import ClaimedEvent
from groat.inbox.infrastructure import events as store
from groat.inbox.infrastructure.events import InboxCounts
from groat.inbox.service.applier import EventApplier, Read, apply_or_split
from groat.inbox.service.interpreter import Interpreter, Reading, in_time
from groat.kernel import ids
from groat.kernel.errors import Unavailable
from groat.kernel.ids import MerchantId, ProviderAccountId, ProviderEventId
from groat.payments.service.recovery import PaymentRecovery
from groat.platform.postgres.database import Database, KeyTaken
from groat.platform.redis.jobs import Doorbell, Reminder
from groat.providers.port import Answered

_log = structlog.get_logger(__name__)

FULL_BATCH = 300
"""So many events are claimed at once. The more there are, the less each costs."""
_MOST_WAITING = 100
"""So many events of one provider account wait for its answers, and no more of them are claimed: a
provider that does not answer holds up nobody else, and little of it is in hand."""

_LEASE = timedelta(seconds=7)
"""How long the events of a worker that died wait for another. Longer than a lock is waited for."""
_KEEP_SECONDS = 2.0
"""So often is the lease of events made longer that a provider is asked about."""
_LOOK_UP_SECONDS = 6.0
_PROMPT_SECONDS = 0.05
"""Who has no answer by then is not waited for by those who need none."""

_Asked: TypeAlias = dict[asyncio.Task[Reading], ClaimedEvent]


class InboxDrain:
    """Claims events, has them read, applies them, and settles them in the same transaction."""

    def __init__(
        self,
        database: Database,
        interpreter: Interpreter,
        facts: EventApplier,
        recovery: PaymentRecovery,
        doorbell: Doorbell,
        random: Random,
    ) -> None:
        self._database = database
        self._interpreter = interpreter
        self._facts = facts
        self._recovery = recovery
        self._doorbell = doorbell
        self._random = random
        self._asked: dict[asyncio.Task[None], _Asked] = {}
        self._at_work = asyncio.Lock()
        self._in_hand: asyncio.Task[None] | None = None
        self._left: list[ClaimedEvent] = []

    async def drain_batch(self) -> int:
        """Claim what is due and apply it, but for what has to be asked for; return how many.

        After a full batch, which leaves others waiting, the next call claims them while PostgreSQL
        writes this one.
        """
        async with self._at_work:
            left = len(self._left)
            async with self._database.transaction() as connection:
                if left:
                    store.let_go(connection, self._left)
                events = await store.claim(connection, _LEASE, FULL_BATCH, self._busy())
            del self._left[:left]
            before = self._in_hand
            self._in_hand = asyncio.create_task(self._work_on(events))
            if before is not None:
                await before
            if len(events) < FULL_BATCH:
                await self._catch_up()
        return len(events)

    async def take_suspect(self) -> int:
        """Apply one event alone that has been lost with its workers (see ``SUSPECT_AFTER``).

        While it is in hand no batch is: that would share its end, and might be the cause of it.
        Only for a provider's answer the batches do not wait.
        """
        async with self._at_work:
            await self._catch_up()
            async with self._database.transaction() as connection:
                suspect = await store.claim_suspect(connection, _LEASE)
            if suspect is None:
                return 0
            if suspect.kills:
                await self._settle_alone(suspect, KILLS_WORKERS)
            else:
                await self._work_on([suspect])
        return 1

    async def finish(self) -> None:
        """Return once nothing is in hand, and no provider is being asked any more."""
        await self._catch_up()
        while self._asked:
            await asyncio.wait(self._asked)

    async def counts(self, merchant_id: MerchantId) -> InboxCounts:
        """Return how the merchant's inbox stands."""
        async with self._database.autocommit() as connection:
            return await store.counts(connection, merchant_id)

    async def _catch_up(self) -> None:
        """Return once the batch that is in hand, if there is one, is applied."""
        in_hand, self._in_hand = self._in_hand, None
        if in_hand is not None:
            await in_hand

    def _busy(self) -> list[ProviderAccountId]:
        """Return the accounts that so many events wait for that no more of theirs are claimed."""
        waiting = Counter(
            event.provider_account_id
            for asking in self._asked.values()
            for event in asking.values()
        )
        return [account_id for account_id, count in waiting.items() if count >= _MOST_WAITING]

    async def _work_on(self, events: Sequence[ClaimedEvent]) -> None:
        """Read events and apply those that are read promptly; the others go on by themselves."""
        prompt: list[Read] = []
        asked: _Asked = {}
        for event in events:
            reading = None if event.misses_something else self._interpreter.read_at_once(event)
            if reading is None:
                asked[asyncio.create_task(self._ask(event))] = event
            else:
                prompt.append((event, reading))
        if asked:
            prompt += await self._prompt_answers(asked)
        await self._apply_all(prompt)

    async def _ask(self, event: ClaimedEvent) -> Reading:
        """Return what an event says. If it waits for an earlier fact, that is asked for first."""
        reading = await self._interpreter.read(event)
        if not event.misses_something or not isinstance(reading, Answered):
            return reading
        payments = {one.payment_id for one in reading.reports if one.payment_id is not None}
        with suppress(TimeoutError):  # it is tried again, and asked for again
            async with asyncio.timeout(_LOOK_UP_SECONDS):
                for payment_id in payments:
                    await self._recovery.look_up(event.merchant_id, payment_id)
        return await self._interpreter.with_captures(event, reading)

    async def _prompt_answers(self, asked: _Asked) -> list[Read]:
        """Return what is answered promptly; have the rest applied as its answers come."""
        done, rest = await asyncio.wait(asked, timeout=_PROMPT_SECONDS)
        if rest:
            asking = {asyncio.create_task(in_time(task)): asked[task] for task in rest}
            answers = asyncio.create_task(self._apply_answers(asking))
            self._asked[answers] = asking
            answers.add_done_callback(self._asked.pop)
        return [(event, task.result()) for task, event in asked.items() if task in done]

    async def _apply_answers(self, asking: _Asked) -> None:
        """Apply events as their providers answer. Nobody waits for it, so it tells of failures."""
        keeping = asyncio.create_task(self._keep(asking))
        try:
            while asking:
                done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                await self._apply_all([(asking.pop(one), one.result()) for one in done])
        except Exception:  # noqa: BLE001 - they are let go of, and tried again
            _log.exception("answers_not_applied", events=len(asking))
            self._left += asking.values()
        finally:
            for task in (keeping, *asking):
                task.cancel()

    async def _keep(self, asking: _Asked) -> None:
        """Keep the claims of events until cancelled.

        Where that fails, another worker may take an event, and what we do with it comes to nothing.
        """
        while True:
            await asyncio.sleep(_KEEP_SECONDS)
            with suppress(Unavailable):
                async with self._database.transaction() as connection:
                    store.keep_claims(connection, list(asking.values()), _LEASE)

    async def _apply_all(self, batch: Sequence[Read]) -> None:
        """Apply what events say, merchant by merchant: one's trouble is not another's."""
        by_merchant: dict[MerchantId, list[Read]] = defaultdict(list)
        for event, reading in batch:
            by_merchant[event.merchant_id].append((event, reading))
        for merchant_id, theirs in by_merchant.items():
            try:
                await apply_or_split(theirs, partial(self._apply, merchant_id), self._give_up)
            except Unavailable as error:
                self._leave_for_later([event for event, _ in theirs], error)

    def _leave_for_later(self, events: Sequence[ClaimedEvent], error: Unavailable) -> None:
        """Leave events until their lease ends; the others need not wait for them."""
        _log.warning("webhooks_left_for_later", code=error.code, events=len(events))
        self._left += events

    async def _apply(self, merchant_id: MerchantId, batch: Sequence[Read]) -> None:
        """Apply a batch's facts and settle its events, in one transaction."""
        async with self._database.transaction() as connection:
            ours = await store.lock_claimed(connection, merchant_id, [event for event, _ in batch])
            mine = [(event, reading) for event, reading in batch if event.id in ours]
            applied = await self._facts.apply(connection, merchant_id, mine)
            settled = [(one.event, one.settlement) for one in applied]
            store.settle(connection, merchant_id, settled)
        await self._tell(settled)

    async def _give_up(self, event: ClaimedEvent, error: Exception) -> None:
        """Settle an event that cannot be applied even alone."""
        _log.error("provider_event_failed", provider_event=_name(event.id), exc_info=error)
        unlucky = isinstance(error, KeyTaken)  # others wrote the same at the same moment
        become = retry if unlucky else poisoned
        await self._settle_alone(event, become(type(error).__name__, event.tries, self._random))

    async def _settle_alone(self, event: ClaimedEvent, settlement: Conclusion) -> None:
        async with self._database.transaction() as connection:
            ours = await store.lock_claimed(connection, event.merchant_id, [event])
            settled = [(event, settlement)] if ours else []
            store.settle(connection, event.merchant_id, settled)
        await self._tell(settled)

    async def _tell(self, settled: Sequence[tuple[ClaimedEvent, Conclusion]]) -> None:
        """Have workers reminded of what is to be tried again; say what nobody tries again."""
        await self._doorbell.remind(
            [_reminder(event, one) for event, one in settled if isinstance(one, RetryLater)]
        )
        for event, settlement in settled:
            if settlement.status is EventStatus.DEAD:
                _log.error(
                    "provider_event_dead",
                    provider_event=_name(event.id),
                    provider_reference=event.provider_reference,
                    event_type=event.event_type,
                    reason=settlement.reason,
                )


def _reminder(event: ClaimedEvent, again: RetryLater) -> Reminder:
    """Return a reminder of its own for each try: BullMQ leaves out an id that it has had.

    Its data is for who looks at the queue: the inbox says what is due.
    """
    name = _name(event.id)
    return Reminder(f"{name}-{event.attempts}", again.delay, {"provider_event": name})


def _name(event_id: ProviderEventId) -> str:
    return ids.render("provider_event", event_id)
