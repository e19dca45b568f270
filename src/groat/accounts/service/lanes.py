"""Posting lanes: units that queue while a batch is in flight become the next batch.

Callers do not notice batches; a queue of one is a batch of one. A batch is posted by claims, in one
exchange with PostgreSQL. Units that this leaves over are posted by locks, which can refuse them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import TypeAlias

from groat.accounts.domain.commands import Submission, Unit, UnitOutcomes
from groat.accounts.service.claimed import ClaimedPosting
from groat.accounts.service.locked import LockedPosting
from groat.audit.service.records import AuditService
from groat.kernel.backoff import Backoff
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import Unavailable
from groat.kernel.ids import MerchantId
from groat.platform.postgres.database import Database, KeyTaken
from groat.platform.postgres.idempotency import UNKEYED, Once
from groat.platform.process.batching import Lane
from groat.platform.process.metrics import POSTING_BATCH

_MAX_IN_BATCH = 500
"""Maximum units in one batch."""
_MAX_WAITING = 10_000
"""Maximum units queued for one caller. Further units are refused as ``overloaded``."""
_MAX_RUNNING = 2
"""Maximum batches of one caller in flight.

While PostgreSQL writes one batch, the next is prepared. More would only wait for each other.
"""

_random = Random()  # noqa: S311 - jitter
_MAX_ATTEMPTS = 5
"""Maximum attempts to post a batch by locks."""
_PAUSE = Backoff(base_seconds=0.1, cap_seconds=0.4, low=0.5, high=1.5)
"""Pause before the next attempt when the database is not available."""

_LaneKey: TypeAlias = tuple[MerchantId, str]
"""The merchant and the actor of a lane. So a batch has one actor, and one audit record."""


class PostingLanes:
    """One queue of units for each caller. A noisy API key delays no other key."""

    def __init__(
        self,
        database: Database,
        audit: AuditService,
        claimed: ClaimedPosting,
        locked: LockedPosting,
        clock: Clock,
    ) -> None:
        self._database = database
        self._audit = audit
        self._claimed = claimed
        self._locked = locked
        self._clock = clock
        self._lanes: dict[_LaneKey, Lane[Submission, UnitOutcomes | Exception]] = {}

    async def submit(self, caller: Caller, unit: Unit) -> UnitOutcomes:
        """Execute a unit, all of its commands or none; return their outcomes after the commit.

        Raises:
            Unavailable: ``overloaded``: nothing was executed. ``database_unavailable``: the unit
                may have been executed; submit the same references again to learn the outcome.
        """
        key = (caller.merchant_id, caller.actor)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(
                partial(self._run, *key),
                most_in_batch=_MAX_IN_BATCH,
                most_waiting=_MAX_WAITING,
                most_running=_MAX_RUNNING,
            )
        try:
            outcomes = await lane.submit(Submission(caller.request_id, unit))
        finally:
            if lane.is_idle and self._lanes.get(key) is lane:
                del self._lanes[key]
        if isinstance(outcomes, Exception):
            raise outcomes
        return outcomes

    async def submit_once(
        self, caller: Caller, units: Sequence[Unit], once: Once[Sequence[UnitOutcomes]]
    ) -> list[UnitOutcomes]:
        """Execute units, each by itself; return their outcomes after the commit.

        With a key, one transaction posts all of them by locks and stores the answer. If the answer
        cannot be rendered because a command was refused, nothing is executed.

        Raises:
            AnsweredBefore: the key has an answer.
            GroatError: the error that rendering the answer raises; or those of ``submit``.
        """
        if once.request_key is None:
            return await asyncio.gather(*(self.submit(caller, unit) for unit in units))
        submissions = [Submission(caller.request_id, unit) for unit in units]
        return await self._run_until_known(caller.merchant_id, caller.actor, submissions, once)

    async def _run(
        self, merchant_id: MerchantId, actor: str, submissions: Sequence[Submission]
    ) -> list[UnitOutcomes | Exception]:
        """Post a batch by claims, and by locks the units that this left without an outcome.

        If the connection was lost after the batch was sent, it may be committed or not. The locks
        look up the references, and so learn which.
        """
        POSTING_BATCH.observe(len(submissions))
        answered: dict[int, UnitOutcomes | Exception] = {}
        try:
            answered |= await self._claimed.post(merchant_id, actor, submissions)
        except Exception:  # noqa: BLE001 - the locks find the faulty unit, and execute the others
            answered = {}
        rest = [place for place in range(len(submissions)) if place not in answered]
        if rest:
            left = [submissions[place] for place in rest]
            locked = await self._run_or_halve(merchant_id, actor, left)
            self._claimed.learn(merchant_id, left, locked)
            answered |= zip(rest, locked, strict=True)
        return [answered[place] for place in range(len(submissions))]

    async def _run_or_halve(
        self, merchant_id: MerchantId, actor: str, submissions: Sequence[Submission]
    ) -> list[UnitOutcomes | Exception]:
        """Post a batch by locks. If it fails unforeseen, run each half, down to the faulty unit.

        The faulty unit's exception is its outcome; the other units are executed.
        """
        try:
            return [*await self._run_until_known(merchant_id, actor, submissions, UNKEYED)]
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - only the caller of the faulty unit gets it
            if len(submissions) == 1:
                return [error]
        middle = len(submissions) // 2
        first = await self._run_or_halve(merchant_id, actor, submissions[:middle])
        return first + await self._run_or_halve(merchant_id, actor, submissions[middle:])

    async def _run_until_known(
        self,
        merchant_id: MerchantId,
        actor: str,
        submissions: Sequence[Submission],
        once: Once[Sequence[UnitOutcomes]],
    ) -> list[UnitOutcomes]:
        """Run and commit a batch; repeat failed attempts until its outcome is known.

        If the connection breaks during a commit, the batch may be committed or not. A reference
        posts only once, so the next attempt finds the references of a committed batch, and returns
        the outcomes of its transactions.
        """
        for attempt in range(1, _MAX_ATTEMPTS):
            try:
                return await self._run_and_commit(merchant_id, actor, submissions, once)
            except KeyTaken:
                continue
            except Unavailable:
                await asyncio.sleep(_PAUSE.seconds(attempt, _random))
        return await self._run_and_commit(merchant_id, actor, submissions, once)

    async def _run_and_commit(
        self,
        merchant_id: MerchantId,
        actor: str,
        submissions: Sequence[Submission],
        once: Once[Sequence[UnitOutcomes]],
    ) -> list[UnitOutcomes]:
        """Post a batch by locks in one transaction, with its audit records, and commit it."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await once.claim(connection)
            outcomes, changes = await self._locked.execute(
                connection, merchant_id, actor, submissions, now
            )
            if changes:
                await self._audit.write(connection, merchant_id, changes, now)
            once.answer(connection, outcomes)
        return outcomes
