"""Posting lanes: commands that queue while a batch is in flight become the next batch.

A batch is one transaction in three steps: lock the balances in id order, decide in memory, write.
Callers do not notice batches; a queue of one is a batch of one.
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

_MAX_IN_BATCH = 500
"""Maximum units in one batch."""
_MAX_WAITING = 10_000
"""Maximum units queued for one merchant. Further units are refused as ``overloaded``."""
_MAX_RUNNING = 2
"""Maximum batches of one merchant in flight.

While PostgreSQL writes one batch, the next is prepared. More would only wait for each other.
"""

_random = Random()  # noqa: S311 - jitter
_MAX_ATTEMPTS = 5
"""Maximum attempts to run a batch, not counting a first attempt without the look-up."""
_PAUSE = Backoff(base_seconds=0.1, cap_seconds=0.4, low=0.5, high=1.5)
"""Pause before the next attempt when the database is not available."""


class Submission(Value):
    """A unit, with its actor and the id of the request that submits it."""

    unit: Unit
    actor: str
    request_id: str


class PostingLanes:
    """One queue of units for each merchant: a ledger transaction concerns a single merchant."""

    def __init__(
        self, database: Database, audit: AuditService, new_id: IdSource, clock: Clock
    ) -> None:
        self._database = database
        self._audit = audit
        self._new_id = new_id
        self._clock = clock
        self._lanes: dict[MerchantId, Lane[Submission, tuple[CommandOutcome, ...] | Exception]] = {}

    async def submit(self, caller: Caller, unit: Unit) -> tuple[CommandOutcome, ...]:
        """Execute a unit, all of its commands or none; return their outcomes after the commit.

        Raises:
            Unavailable: ``overloaded``: nothing was executed. ``database_unavailable``: the unit
                may have been executed; submit the same references again to learn the outcome.
        """
        lane = self._lanes.get(caller.merchant_id)
        if lane is None:
            lane = self._lanes[caller.merchant_id] = Lane(
                partial(self._run_or_halve, caller.merchant_id),
                most_in_batch=_MAX_IN_BATCH,
                most_waiting=_MAX_WAITING,
                most_running=_MAX_RUNNING,
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
        """Post facts, all or none, in the caller's transaction, which the caller commits.

        Return the posted transactions, with the changes that the caller writes to the audit trail.
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
        changes = [
            _hold_change(hold, _ENDED[hold.state], actor, "facts") for hold in after.holds.values()
        ]
        _write_holds(connection, merchant_id, book, after)
        _write_postings(connection, merchant_id, batches, after)
        return posted, [*map(_posted_change, batches), *changes]

    async def run_within(
        self, connection: Connection, caller: Caller, unit: Unit, now: datetime
    ) -> tuple[tuple[CommandOutcome, ...], list[Change]]:
        """Execute a unit in the caller's transaction, which the caller commits.

        A refused unit changes nothing. Return the outcomes, with the changes that the caller writes
        to the audit trail.
        """
        submission = Submission(unit, caller.actor, caller.request_id)
        (outcomes,), changes = await self._execute(
            connection, caller.merchant_id, [submission], now, look_up=True
        )
        return outcomes, changes

    async def _run_or_halve(
        self, merchant_id: MerchantId, submissions: Sequence[Submission]
    ) -> list[tuple[CommandOutcome, ...] | Exception]:
        """Run and commit a batch. If it fails unforeseen, run each half, down to the faulty unit.

        The faulty unit's exception is its outcome; the other units are executed.
        """
        try:
            return [*await self._run_until_known(merchant_id, submissions)]
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - only the caller of the faulty unit gets it
            if len(submissions) == 1:
                return [error]
        middle = len(submissions) // 2
        first = await self._run_or_halve(merchant_id, submissions[:middle])
        return first + await self._run_or_halve(merchant_id, submissions[middle:])

    async def _run_until_known(
        self, merchant_id: MerchantId, submissions: Sequence[Submission]
    ) -> list[tuple[CommandOutcome, ...]]:
        """Run and commit a batch; repeat failed attempts until its outcome is known.

        If the connection breaks during a commit, the batch may be committed or not. A reference
        posts only once, so the next attempt looks up the references of the batch, and returns the
        outcomes of the transactions that it finds.

        A unit alone in its batch is most likely new, so its first attempt skips the look-up. A
        refusal by that attempt proves nothing. Example: a repeated transfer of the whole balance
        looks refused, because its first execution has moved the money. After a refusal, the unit
        therefore runs again with the look-up.
        """
        if len(submissions) == 1:
            with suppress(KeyTaken, Unavailable):
                outcomes = await self._execute_and_commit(merchant_id, submissions, look_up=False)
                if not any(isinstance(outcome, Refused) for outcome in outcomes[0]):
                    return outcomes
        for attempt in range(1, _MAX_ATTEMPTS):
            try:
                return await self._execute_and_commit(merchant_id, submissions, look_up=True)
            except KeyTaken:
                continue
            except Unavailable:
                await asyncio.sleep(_PAUSE.seconds(attempt, _random))
        return await self._execute_and_commit(merchant_id, submissions, look_up=True)

    async def _execute_and_commit(
        self, merchant_id: MerchantId, submissions: Sequence[Submission], *, look_up: bool
    ) -> list[tuple[CommandOutcome, ...]]:
        """Execute a batch in one transaction and commit it, with its audit records."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            outcomes, changes = await self._execute(
                connection, merchant_id, submissions, now, look_up=look_up
            )
            if changes:
                await self._audit.write(connection, merchant_id, changes, now)
        return outcomes

    async def _execute(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        submissions: Sequence[Submission],
        now: datetime,
        *,
        look_up: bool,
    ) -> tuple[list[tuple[CommandOutcome, ...]], list[Change]]:
        """Lock, decide and write a batch; return its outcomes and its unwritten audit changes."""
        units = [submission.unit for submission in submissions]
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
        """Yield one ledger batch for each actor, so that each audit record names its actor."""
        posted: dict[str, list[PostedTransaction]] = defaultdict(list)
        requests: dict[str, set[str]] = defaultdict(set)
        for submission, transactions in zip(submissions, decision.posted, strict=True):
            if transactions:
                posted[submission.actor] += transactions
                requests[submission.actor].add(submission.request_id)
        for actor, transactions in posted.items():
            cause = _cause_of(requests[actor])
            yield LedgerBatch(
                ids.new_ledger_batch_id(self._new_id), actor, cause, tuple(transactions)
            )


async def _lock(
    connection: Connection, merchant_id: MerchantId, units: Iterable[Unit], *, look_up: bool
) -> Book:
    """Lock all balances that the commands touch; read the holds and earlier transactions."""
    commands = [command for unit in units for command in unit]
    hold_ids = {hold_id for hold_id in map(_hold_id, commands) if hold_id is not None}
    transaction_ids = {key for key in map(_transaction_id, commands) if key is not None}
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
    """Lock the balances of the accounts and of the holds' accounts, all in id order.

    The holds are read twice: first to find their accounts, then under the locks, where no other
    transaction can change them.
    """
    if not hold_ids:
        return Book(await store.lock_balances(connection, merchant_id, account_ids))
    holds = await store.find_holds(connection, merchant_id, hold_ids)
    of_holds = {hold.account_id for hold in holds.values()}  # a hold never moves to another account
    balances = await store.lock_balances(connection, merchant_id, account_ids | of_holds)
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
        _hold_change(outcome.hold, _hold_action(outcome), submission.actor, submission.request_id)
        for submission, outcomes in zip(submissions, decision.outcomes, strict=True)
        for outcome in outcomes
        if isinstance(outcome, HoldStands) and not outcome.replayed
    ]


_ENDED = {
    "captured": AccountAction.HOLD_CAPTURED,
    "released": AccountAction.HOLD_RELEASED,
    "expired": AccountAction.HOLD_EXPIRED,
}
"""Audit actions of holds that have ended, by their state."""


def _hold_action(outcome: HoldStands) -> AccountAction:
    if outcome.transaction_id is not None:
        return AccountAction.HOLD_CAPTURED
    is_new = outcome.hold.remaining == outcome.hold.amount
    return AccountAction.HOLD_PLACED if is_new else _ENDED[outcome.hold.state]


def _hold_change(hold: Hold, action: AccountAction, actor: str, cause: str) -> Change:
    return Change(
        action,
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


def _cause_of(requests: set[str]) -> str:
    return next(iter(requests)) if len(requests) == 1 else f"{len(requests)} requests"
