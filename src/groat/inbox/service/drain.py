"""The drain: claims due events from the inbox and applies each one exactly once, in batches.

A claim is a lease, fenced by the number of the attempt. Example: a worker claims an event as
attempt 3 and stalls until its lease expires. Another worker claims the event as attempt 4. The
first worker wakes up and cannot settle the event, because its attempt number is out of date.

Some events cannot be read without a call to their provider. They are applied as the answers arrive.
The other events do not wait for them.
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
from groat.inbox.service.conclusions import EventConclusions
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
"""Maximum events claimed at once. The larger the batch, the less each event costs."""
_WAITING_LIMIT = 100
"""Number of waiting events at which no more events of a provider account are claimed.

A provider that does not answer then delays no other account, and few of its events are claimed.
"""

_LEASE = timedelta(seconds=7)
"""Duration of a claim: the events of a dead worker wait this long for another worker.

Must exceed the longest wait for a lock in PostgreSQL (``lock_timeout``, 5 seconds).
"""
_KEEP_SECONDS = 2.0
"""Seconds between renewals of the lease on events that wait for a provider."""
_LOOK_UP_SECONDS = 6.0
"""Maximum seconds to look up the earlier facts that one event waits for."""
_PROMPT_SECONDS = 0.05
"""Seconds that a batch waits for provider answers before it applies the events that need none."""

_PendingReads: TypeAlias = dict[asyncio.Task[Reading], ClaimedEvent]
"""Events whose provider was called, by the task that returns the answer."""


class InboxDrain:
    """Claims due events, reads them, applies their facts, and settles them.

    The facts of an event are applied and the event is settled in one transaction.
    """

    def __init__(
        self,
        database: Database,
        interpreter: Interpreter,
        facts: EventApplier,
        recovery: PaymentRecovery,
        conclusions: EventConclusions,
        doorbell: Doorbell,
        random: Random,
    ) -> None:
        self._database = database
        self._interpreter = interpreter
        self._facts = facts
        self._recovery = recovery
        self._conclusions = conclusions
        self._doorbell = doorbell
        self._random = random
        # Events that wait for provider answers, by the background task that applies them.
        # Written by the task that processes a batch or a suspect: it adds an entry when it stops
        # waiting for answers. Written by the background task: it removes an event from its entry
        # when the answer arrives, and its done callback removes the entry.
        self._awaiting_answers: dict[asyncio.Task[None], _PendingReads] = {}
        # Taken by the task that calls ``drain_batch`` or ``take_suspect``, before it claims, and
        # released when the call returns. So the two never claim at once, and no batch starts beside
        # a suspect.
        self._claim_lock = asyncio.Lock()
        # The task that applies the latest batch.
        # Written by the task that calls ``drain_batch``, under the lock: it sets the field after
        # each claim, and clears it when it waits for a batch that is not full. Cleared by the task
        # that calls ``take_suspect``, under the lock, and by the task that calls ``finish``, at
        # shutdown, when each of them waits for the batch.
        self._batch: asyncio.Task[None] | None = None
        # Claimed events that could not be settled.
        # Written by the task that processes a batch or a suspect, and by background tasks: they
        # append events when the database is unavailable, and a background task when it fails.
        # Written by the task that calls ``drain_batch``, under the lock: it removes the events that
        # its claim has released, after the commit.
        self._to_release: list[ClaimedEvent] = []

    async def drain_batch(self) -> int:
        """Claim a batch of due events, commit the claim, and apply the batch; return its size.

        The same transaction releases events that could not be settled before. A task of its own
        applies the batch and commits it. This method waits for the previous batch, so at most two
        batches are claimed at a time.

        After a full batch it returns before this batch is applied: the next call claims more events
        while PostgreSQL writes this batch. After a smaller batch it returns once the batch is
        applied, except for events that wait for a provider.
        """
        async with self._claim_lock:
            releasing = len(self._to_release)
            async with self._database.autocommit() as connection:  # one exchange, one transaction
                if releasing:
                    store.release_claims(connection, self._to_release)
                saturated = self._saturated_accounts()
                events = await store.claim(connection, _LEASE, FULL_BATCH, saturated)
            del self._to_release[:releasing]
            previous = self._batch
            self._batch = asyncio.create_task(self._process(events))
            if previous is not None:
                await previous
            if len(events) < FULL_BATCH:
                await self._wait_for_batch()
        return len(events)

    async def take_suspect(self) -> int:
        """Claim a suspect and commit, then apply it alone and commit; return 1, or 0 without one.

        A suspect is an event whose claims were lost with their workers (see ``SUSPECT_AFTER``). No
        batch is processed beside it: the suspect could take the batch down with the worker, or an
        event of the batch could be the true cause. If the suspect has to wait for its provider, the
        batches do not wait for that answer.

        A suspect that has been lost too often is settled as dead, without another try.
        """
        async with self._claim_lock:
            await self._wait_for_batch()
            async with self._database.autocommit() as connection:
                suspect = await store.claim_suspect(connection, _LEASE)
            if suspect is None:
                return 0
            if suspect.kills:
                await self._settle_alone(suspect, KILLS_WORKERS)
            else:
                await self._process([suspect])
        return 1

    async def finish(self) -> None:
        """Wait until the latest batch and all events that wait for a provider are applied."""
        await self._wait_for_batch()
        while self._awaiting_answers:
            await asyncio.wait(self._awaiting_answers)

    async def counts(self, merchant_id: MerchantId) -> InboxCounts:
        """Count the merchant's events and their deliveries."""
        async with self._database.autocommit() as connection:
            return await store.counts(connection, merchant_id)

    async def _wait_for_batch(self) -> None:
        """Wait until the latest batch, if there is one, is applied."""
        batch, self._batch = self._batch, None
        if batch is not None:
            await batch

    def _saturated_accounts(self) -> list[ProviderAccountId]:
        """Return the provider accounts for whose answers too many events wait already."""
        waiting = Counter(
            event.provider_account_id
            for pending in self._awaiting_answers.values()
            for event in pending.values()
        )
        return [account_id for account_id, count in waiting.items() if count >= _WAITING_LIMIT]

    async def _process(self, events: Sequence[ClaimedEvent]) -> None:
        """Read events; apply and commit those that are read promptly.

        A background task applies the events whose provider answers later.
        """
        prompt: list[Read] = []
        pending: _PendingReads = {}
        for event in events:
            reading = None if event.misses_something else self._interpreter.read_at_once(event)
            if reading is None:
                pending[asyncio.create_task(self._read_from_provider(event))] = event
            else:
                prompt.append((event, reading))
        if pending:
            prompt += await self._prompt_answers(pending)
        await self._apply_all(prompt)

    async def _read_from_provider(self, event: ClaimedEvent) -> Reading:
        """Read an event, with calls to its provider.

        If the event has waited for earlier facts, look up the payments that it names. The look-ups
        apply and commit all facts that the provider reports of them. Then add the captures that the
        event names to the reading.
        """
        reading = await self._interpreter.read(event)
        if not event.misses_something or not isinstance(reading, Answered):
            return reading
        reported = (report.payment_id for report in reading.reports)
        payments = {payment_id for payment_id in reported if payment_id is not None}
        # Without an answer in time the event is deferred again, and its next try looks up again.
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_UP_SECONDS):
                for payment_id in payments:
                    await self._recovery.look_up(event.merchant_id, payment_id)
        return await self._interpreter.with_captures(event, reading)

    async def _prompt_answers(self, asked: _PendingReads) -> list[Read]:
        """Return the readings that arrive promptly. A background task applies the others."""
        done, late = await asyncio.wait(asked, timeout=_PROMPT_SECONDS)
        if late:
            pending = {asyncio.create_task(in_time(task)): asked[task] for task in late}
            background = asyncio.create_task(self._apply_answers(pending))
            self._awaiting_answers[background] = pending
            background.add_done_callback(self._awaiting_answers.pop)
        return [(event, task.result()) for task, event in asked.items() if task in done]

    async def _apply_answers(self, pending: _PendingReads) -> None:
        """Apply and commit events as their providers answer; renew the lease of the others.

        Runs as a background task. No other task sees its exception, so it logs a failure itself.
        """
        renewal = asyncio.create_task(self._renew_leases(pending))
        try:
            while pending:
                done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                await self._apply_all([(pending.pop(task), task.result()) for task in done])
        except Exception:  # noqa: BLE001 - the events are released, and tried again
            _log.exception("answers_not_applied", events=len(pending))
            self._to_release += pending.values()
        finally:
            for task in (renewal, *pending):
                task.cancel()

    async def _renew_leases(self, pending: _PendingReads) -> None:
        """Renew the claims of pending events and commit, every ``_KEEP_SECONDS``, until cancelled.

        If renewals fail, a claim may expire and another worker may claim the event. The result of
        this worker is then discarded.
        """
        while True:
            await asyncio.sleep(_KEEP_SECONDS)
            with suppress(Unavailable):
                async with self._database.transaction() as connection:
                    store.renew_claims(connection, list(pending.values()), _LEASE)

    async def _apply_all(self, batch: Sequence[Read]) -> None:
        """Apply and commit events, one merchant at a time: a failure affects one merchant only."""
        by_merchant: dict[MerchantId, list[Read]] = defaultdict(list)
        for event, reading in batch:
            by_merchant[event.merchant_id].append((event, reading))
        for merchant_id, reads in by_merchant.items():
            try:
                await apply_or_split(reads, partial(self._apply, merchant_id), self._give_up)
            except Unavailable as error:
                self._release_later([event for event, _ in reads], error)

    def _release_later(self, events: Sequence[ClaimedEvent], error: Unavailable) -> None:
        """Leave events that cannot be settled now; they are due again when their lease ends.

        The next ``drain_batch`` releases them, so that their claims do not count as lost with their
        worker. Events of the list that are settled already stay as they are.
        """
        _log.warning("webhooks_left_for_later", code=error.code, events=len(events))
        self._to_release += events

    async def _apply(self, merchant_id: MerchantId, batch: Sequence[Read]) -> None:
        """Apply the facts of a batch, settle its events, and commit, in one transaction.

        Events that this worker no longer holds are left out. The reminders follow the commit.
        """
        async with self._database.transaction() as connection:
            held = await store.lock_claimed(connection, merchant_id, [event for event, _ in batch])
            held_reads = [(event, reading) for event, reading in batch if event.id in held]
            applied = await self._facts.apply(connection, merchant_id, held_reads)
            concluded = [(result.event, result.settlement) for result in applied]
            await self._conclusions.write(connection, merchant_id, concluded)
        await self._remind_and_log(concluded)

    async def _give_up(self, event: ClaimedEvent, error: Exception) -> None:
        """Conclude on an event that fails even when it is applied alone, and commit.

        The event is retried, or dead after the last try.
        """
        _log.error("provider_event_failed", provider_event=_name(event.id), exc_info=error)
        # KeyTaken is no fault of the event: another transaction wrote the same key at that moment.
        conclude = retry if isinstance(error, KeyTaken) else poisoned
        await self._settle_alone(event, conclude(type(error).__name__, event.tries, self._random))

    async def _settle_alone(self, event: ClaimedEvent, conclusion: Conclusion) -> None:
        """Write the conclusion on one event without applying it, and commit.

        If this worker no longer holds the event, nothing is written.
        """
        async with self._database.transaction() as connection:
            held = await store.lock_claimed(connection, event.merchant_id, [event])
            concluded = [(event, conclusion)] if held else []
            await self._conclusions.write(connection, event.merchant_id, concluded)
        await self._remind_and_log(concluded)

    async def _remind_and_log(self, concluded: Sequence[tuple[ClaimedEvent, Conclusion]]) -> None:
        """Schedule reminders for the events to retry, and log the events that are dead."""
        await self._doorbell.remind(
            [
                _reminder(event, conclusion)
                for event, conclusion in concluded
                if isinstance(conclusion, RetryLater)
            ]
        )
        for event, conclusion in concluded:
            if conclusion.status is EventStatus.DEAD:
                _log.error(
                    "provider_event_dead",
                    provider_event=_name(event.id),
                    provider_reference=event.provider_reference,
                    event_type=event.event_type,
                    reason=conclusion.reason,
                )


def _reminder(event: ClaimedEvent, conclusion: RetryLater) -> Reminder:
    """Return the reminder for the next try, with an id of its own for each attempt.

    BullMQ drops a job whose id exists already. The job's data is for people who look at the queue:
    only the inbox decides which events are due.
    """
    name = _name(event.id)
    return Reminder(f"{name}-{event.attempts}", conclusion.delay, {"provider_event": name})


def _name(event_id: ProviderEventId) -> str:
    return ids.render("provider_event", event_id)
