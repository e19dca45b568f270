"""Posting: whatever queued while the previous batch was in flight is locked, decided and written.

One transaction for a batch, three beats: lock the balances in their order, decide in memory, write.
Callers see none of it; a queue of one is a batch of one.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from random import Random

from groat.accounts.domain import decisions
from groat.accounts.domain.actions import AccountAction
from groat.accounts.domain.commands import (
    CaptureHold,
    Command,
    CommandOutcome,
    EndHold,
    HoldStands,
    PlaceHold,
    PostTransaction,
    Refused,
    Unit,
)
from groat.accounts.domain.decisions import BatchDecision, Book, FactPostings
from groat.accounts.domain.ledger import Hold, LedgerBatch, PostedTransaction, batch_digest
from groat.accounts.infrastructure import ledger as store
from groat.audit.domain.record import Cause, Change
from groat.audit.service import AuditService
from groat.kernel import ids
from groat.kernel.backoff import Backoff
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import Unavailable
from groat.kernel.ids import AccountId, HoldId, IdSource, MerchantId, TransactionId
from groat.kernel.value import Value, replace
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database, KeyTaken
from groat.platform.process.batching import Lane

_MOST_IN_BATCH = 500
_MOST_WAITING = 10_000
_MOST_RUNNING = 2
"""While PostgreSQL writes one batch the next is prepared. More would only wait for each other."""

_random = Random()  # noqa: S311 - jitter
_ATTEMPTS = 5
_PAUSE = Backoff(base_seconds=0.1, cap_seconds=0.4, low=0.5, high=1.5)


class Submission(Value):
    """A unit, and who asks for it in which request."""

    unit: Unit
    actor: str
    request_id: str


class PostingLanes:
    """A queue of units for each merchant, since a transaction that moves money touches one."""

    def __init__(
        self, database: Database, audit: AuditService, new_id: IdSource, clock: Clock
    ) -> None:
        self._database = database
        self._audit = audit
        self._new_id = new_id
        self._clock = clock
        self._lanes: dict[MerchantId, Lane[Submission, tuple[CommandOutcome, ...] | Exception]] = {}

    async def submit(self, caller: Caller, unit: Unit) -> tuple[CommandOutcome, ...]:
        """Return what the commands of ``unit`` come to: all are done, or none.

        Raises:
            Unavailable: ``overloaded``, and nothing was done; or ``database_unavailable``, and it
                may have been: the same references ask again, and get the same answer.
        """
        lane = self._lanes.get(caller.merchant_id)
        if lane is None:
            lane = self._lanes[caller.merchant_id] = Lane(
                partial(self._run, caller.merchant_id),
                most_in_batch=_MOST_IN_BATCH,
                most_waiting=_MOST_WAITING,
                most_running=_MOST_RUNNING,
            )
        try:
            outcomes = await lane.submit(Submission(unit, caller.actor, caller.request_id))
        finally:
            if lane.is_idle and self._lanes.get(caller.merchant_id) is lane:
                del self._lanes[caller.merchant_id]
        if isinstance(outcomes, Exception):
            raise outcomes
        return outcomes

    async def record(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        facts: FactPostings,
        actor: str,
        now: datetime,
    ) -> tuple[list[PostedTransaction], list[Change]]:
        """Post facts, all or none, in the caller's transaction: lock, decide, write.

        Return them as posted, with the changes that the caller writes to the audit trail.
        """
        hold_ids = {*facts.taken.values(), *facts.released}
        account_ids = {entry.account_id for fact in facts.transactions for entry in fact.entries}
        account_ids.update(facts.owed.values())
        book = await _lock_accounts(connection, merchant_id, account_ids, hold_ids)
        posted, after = decisions.record(book, facts, now)
        batches = []
        if posted:
            batch_id = ids.new_ledger_batch_id(self._new_id)
            batches.append(LedgerBatch(batch_id, actor, "facts", tuple(posted)))
        changes = [_hold_change(hold, hold.state, actor, "facts") for hold in after.holds.values()]
        _write_holds(connection, merchant_id, book, after)
        _write_postings(connection, merchant_id, batches, after)
        return posted, [*map(_posted_change, batches), *changes]

    async def run_within(
        self, connection: Connection, caller: Caller, unit: Unit, now: datetime
    ) -> tuple[tuple[CommandOutcome, ...], list[Change]]:
        """Run a unit in the caller's transaction. A refused unit has changed nothing.

        Return its outcomes, with the changes that the caller writes to the audit trail.
        """
        submission = Submission(unit, caller.actor, caller.request_id)
        (outcomes,), changes = await self._decide(
            connection, caller.merchant_id, [submission], now, look_up=True
        )
        return outcomes, changes

    async def _run(
        self, merchant_id: MerchantId, submissions: Sequence[Submission]
    ) -> list[tuple[CommandOutcome, ...] | Exception]:
        """Run a batch. Halve one that fails unforeseen, until only the command at fault fails."""
        try:
            return [*await self._run_together(merchant_id, submissions)]
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - only its own caller gets it
            if len(submissions) == 1:
                return [error]
        middle = len(submissions) // 2
        first = await self._run(merchant_id, submissions[:middle])
        return first + await self._run(merchant_id, submissions[middle:])

    async def _run_together(
        self, merchant_id: MerchantId, submissions: Sequence[Submission]
    ) -> list[tuple[CommandOutcome, ...]]:
        """Run a batch until its outcome is known. What a lost attempt has done is found again.

        A reference posts once, so that after an attempt of which nobody knows whether it was
        committed the next one finds what it did, and answers as it would have. A unit by itself is
        most likely new, so it is tried without looking; only what it then posted is believed.
        """
        if len(submissions) == 1:
            with suppress(KeyTaken, Unavailable):
                outcomes = await self._attempt(merchant_id, submissions, look_up=False)
                if not any(isinstance(one, Refused) for one in outcomes[0]):
                    return outcomes
        for attempt in range(1, _ATTEMPTS):
            try:
                return await self._attempt(merchant_id, submissions, look_up=True)
            except KeyTaken:
                continue
            except Unavailable:
                await asyncio.sleep(_PAUSE.seconds(attempt, _random))
        return await self._attempt(merchant_id, submissions, look_up=True)

    async def _attempt(
        self, merchant_id: MerchantId, submissions: Sequence[Submission], *, look_up: bool
    ) -> list[tuple[CommandOutcome, ...]]:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            outcomes, changes = await self._decide(
                connection, merchant_id, submissions, now, look_up=look_up
            )
            if changes:
                self._audit.write(connection, merchant_id, changes, now)
        return outcomes

    async def _decide(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        submissions: Sequence[Submission],
        now: datetime,
        *,
        look_up: bool,
    ) -> tuple[list[tuple[CommandOutcome, ...]], list[Change]]:
        """Lock, decide and write a batch; return its outcomes, and its audit changes unwritten."""
        units = [one.unit for one in submissions]
        book = await _lock(connection, merchant_id, units, look_up=look_up)
        decision = decisions.decide(book, units, now)
        batches = list(self._batches(submissions, decision))
        _write_holds(connection, merchant_id, book, decision.changes)
        _write_postings(connection, merchant_id, batches, decision.changes)
        changes = [*map(_posted_change, batches), *_hold_changes(submissions, decision)]
        return decision.outcomes, changes

    def _batches(
        self, submissions: Sequence[Submission], decision: BatchDecision
    ) -> Iterator[LedgerBatch]:
        """Yield what each actor has posted: one batch, so that one record says who."""
        posted: dict[str, list[PostedTransaction]] = defaultdict(list)
        requests: dict[str, set[str]] = defaultdict(set)
        for submission, transactions in zip(submissions, decision.posted, strict=True):
            if transactions:
                posted[submission.actor] += transactions
                requests[submission.actor].add(submission.request_id)
        for actor, transactions in posted.items():
            cause = _in_words(requests[actor])
            yield LedgerBatch(
                ids.new_ledger_batch_id(self._new_id), actor, cause, tuple(transactions)
            )


async def _lock(
    connection: Connection, merchant_id: MerchantId, units: Iterable[Unit], *, look_up: bool
) -> Book:
    """Lock every balance that the commands touch, and read what they are decided on."""
    commands = [command for unit in units for command in unit]
    hold_ids = {one for one in map(_hold_id, commands) if one is not None}
    transaction_ids = {one for one in map(_transaction_id, commands) if one is not None}
    account_ids = {account for command in commands for account in _account_ids(command)}
    book = await _lock_accounts(connection, merchant_id, account_ids, hold_ids)
    if look_up and transaction_ids:
        known = await store.find_transactions(connection, merchant_id, transaction_ids)
        book = replace(book, known=known)
    return book


async def _lock_accounts(
    connection: Connection,
    merchant_id: MerchantId,
    account_ids: set[AccountId],
    hold_ids: set[HoldId],
) -> Book:
    """Lock the balances of accounts, and of those that holds are on, all in one order."""
    if not hold_ids:
        return Book(await store.lock_balances(connection, merchant_id, account_ids))
    holds = await store.find_holds(connection, merchant_id, hold_ids)
    on = {hold.account_id for hold in holds.values()}  # whose account a hold is on never changes
    balances = await store.lock_balances(connection, merchant_id, account_ids | on)
    return Book(balances, await store.find_holds(connection, merchant_id, hold_ids))


def _write_postings(
    connection: Connection, merchant_id: MerchantId, batches: Sequence[LedgerBatch], after: Book
) -> None:
    if after.balances:
        store.write_postings(connection, merchant_id, batches, after.balances.values())


def _write_holds(
    connection: Connection, merchant_id: MerchantId, before: Book, after: Book
) -> None:
    placed = [hold for hold in after.holds.values() if hold.id not in before.holds]
    changed = [hold for hold in after.holds.values() if hold.id in before.holds]
    if placed:
        store.insert_holds(connection, merchant_id, placed)
    if changed:
        store.update_holds(connection, merchant_id, changed)


def _account_ids(command: Command) -> list[AccountId]:
    match command:
        case PostTransaction(transaction):
            return [entry.account_id for entry in transaction.entries]
        case PlaceHold(hold):
            return [hold.account_id]
        case CaptureHold():
            return [command.credit_account_id]
        case EndHold():
            return []


def _hold_id(command: Command) -> HoldId | None:
    match command:
        case PlaceHold(hold):
            return hold.id
        case CaptureHold() | EndHold():
            return command.hold_id
        case PostTransaction():
            return None


def _transaction_id(command: Command) -> TransactionId | None:
    match command:
        case PostTransaction(transaction):
            return transaction.id
        case CaptureHold():
            return command.transaction_id
        case PlaceHold() | EndHold():
            return None


def _posted_change(batch: LedgerBatch) -> Change:
    return Change(
        AccountAction.LEDGER_POSTED,
        "ledger_batch",
        ids.widened(batch.id),
        batch.actor,
        Cause(batch.cause),
        {"transactions": len(batch.transactions), "digest": batch_digest(batch.transactions)},
    )


def _hold_changes(submissions: Sequence[Submission], decision: BatchDecision) -> list[Change]:
    return [
        _hold_change(outcome.hold, _what_happened(outcome), submission.actor, submission.request_id)
        for submission, outcomes in zip(submissions, decision.outcomes, strict=True)
        for outcome in outcomes
        if isinstance(outcome, HoldStands) and not outcome.replayed
    ]


def _what_happened(outcome: HoldStands) -> str:
    if outcome.transaction_id is not None:
        return "captured"
    return "placed" if outcome.hold.remaining == outcome.hold.amount else outcome.hold.state


def _hold_change(hold: Hold, action: str, actor: str, cause: str) -> Change:
    return Change(
        AccountAction.named(f"hold.{action}"),
        "hold",
        hold.id,
        actor,
        Cause(cause),
        {
            "account": ids.render("account", hold.account_id),
            "reference": hold.reference,
            "expires_at": None if hold.expires_at is None else hold.expires_at.isoformat(),
            "amount": hold.amount,
            "captured": hold.captured,
            "remaining": hold.remaining,
            "state": hold.state,
        },
    )


def _in_words(requests: set[str]) -> str:
    return next(iter(requests)) if len(requests) == 1 else f"{len(requests)} requests"
