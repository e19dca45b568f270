"""Post by locks: lock the balances in id order, decide in memory, write. Two exchanges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from groat.accounts.domain import decisions, ledger_changes
from groat.accounts.domain.commands import (
    CaptureHold,
    Command,
    EndHold,
    PlaceHold,
    PostTransaction,
    Submission,
    Unit,
    UnitOutcomes,
)
from groat.accounts.domain.decisions import BatchDecision, Book, FactPostings
from groat.accounts.domain.ledger import LedgerBatch, PostedTransaction, Transaction
from groat.accounts.infrastructure import ledger as store
from groat.audit.domain.record import Change
from groat.kernel import ids
from groat.kernel.ids import AccountId, HoldId, IdSource, MerchantId, TransactionId
from groat.platform.postgres.connection import Connection


class LockedPosting:
    """Executes commands and posts facts in the caller's transaction, which the caller commits.

    Every verb also returns the changes that the caller writes to the audit trail.
    """

    def __init__(self, new_id: IdSource) -> None:
        self._new_id = new_id

    async def execute(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        actor: str,
        submissions: Sequence[Submission],
        now: datetime,
    ) -> tuple[list[UnitOutcomes], list[Change]]:
        """Execute units in order and return their outcomes. A refused unit changes nothing."""
        request_ids = [one.request_id for one in submissions]
        units = [one.unit for one in submissions]
        book = await _lock(connection, merchant_id, units)
        decision = decisions.decide(book, units, now)
        batch = self._batch_of(decision, actor, request_ids)
        _write(connection, merchant_id, batch, book, decision.changes)
        changed = [] if batch is None else [ledger_changes.of_batch(batch)]
        for outcomes, request_id in zip(decision.outcomes, request_ids, strict=True):
            of_holds = [ledger_changes.of_hold(one, actor, request_id) for one in outcomes]
            changed += [change for change in of_holds if change is not None]
        return decision.outcomes, changed

    async def record(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        facts: FactPostings,
        actor: str,
        now: datetime,
    ) -> tuple[list[Transaction], list[Change]]:
        """Post facts, all or none, and return the transactions with their final entries."""
        hold_ids = {*facts.taken.values(), *facts.released}
        account_ids = {entry.account_id for fact in facts.transactions for entry in fact.entries}
        account_ids.update(facts.owed.values())
        book = await store.lock(connection, merchant_id, account_ids, hold_ids)
        posted, after = decisions.record(book, facts, now)
        batch = self._batch(posted, actor, "facts")
        _write(connection, merchant_id, batch, book, after)
        changed = [] if batch is None else [ledger_changes.of_batch(batch)]
        holds = after.holds.values()
        changed += [ledger_changes.of_ended_hold(hold, actor, "facts") for hold in holds]
        return [one.transaction for one in posted], changed

    def _batch_of(
        self, decision: BatchDecision, actor: str, request_ids: Sequence[str]
    ) -> LedgerBatch | None:
        pairs = zip(decision.posted, request_ids, strict=True)
        causes = [request_id for posted, request_id in pairs if posted]
        posted = [transaction for unit in decision.posted for transaction in unit]
        return self._batch(posted, actor, ledger_changes.cause_of(causes))

    def _batch(
        self, posted: Sequence[PostedTransaction], actor: str, cause: str
    ) -> LedgerBatch | None:
        if not posted:
            return None
        return LedgerBatch(ids.new_ledger_batch_id(self._new_id), actor, cause, tuple(posted))


async def _lock(connection: Connection, merchant_id: MerchantId, units: Iterable[Unit]) -> Book:
    """Lock all balances that the commands touch; read their holds and earlier transactions."""
    commands = [command for unit in units for command in unit]
    return await store.lock(
        connection,
        merchant_id,
        {account for command in commands for account in _account_ids(command)},
        {hold_id for hold_id in map(_hold_id, commands) if hold_id is not None},
        {key for key in map(_transaction_id, commands) if key is not None},
    )


def _write(
    connection: Connection,
    merchant_id: MerchantId,
    batch: LedgerBatch | None,
    before: Book,
    after: Book,
) -> None:
    placed = [hold for hold in after.holds.values() if hold.id not in before.holds]
    changed = [hold for hold in after.holds.values() if hold.id in before.holds]
    if placed:
        store.insert_holds(connection, merchant_id, placed)
    if changed:
        store.update_holds(connection, merchant_id, changed)
    if after.balances:
        store.write_postings(connection, merchant_id, batch, after.balances.values())


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
