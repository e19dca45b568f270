"""The ledger's writes: lock balances; write transactions, entries, balances and holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter

from psycopg.types.numeric import Int8

from groat.accounts.domain.claims import Claim, ClaimedBatch, Judgement
from groat.accounts.domain.commands import Known
from groat.accounts.domain.decisions import Book
from groat.accounts.domain.ledger import Balance, Hold, LedgerBatch, Transaction
from groat.audit.domain.record import OpenRecord
from groat.kernel.ids import AccountId, HoldId, LedgerBatchId, MerchantId, TransactionId
from groat.kernel.money import MAX_AMOUNT
from groat.platform.postgres.columns import Bigints, Texts, Times, Uuids
from groat.platform.postgres.connection import Connection, Row, Statement, values
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "ledger.sql")

_PAIR = 2
"""Number of entries for which there is a faster statement."""

_by_account = attrgetter("account_id.int")


async def lock(
    connection: Connection,
    merchant_id: MerchantId,
    account_ids: Collection[AccountId],
    hold_ids: Collection[HoldId] = (),
    transaction_ids: Collection[TransactionId] = (),
) -> Book:
    """Lock the balances of these accounts and of the holds' accounts until the transaction ends.

    Return them with those of the holds and of the transactions that are in the ledger. These are
    read under the locks, in the same exchange. A hold that was placed while this transaction waited
    for the locks is left out, because its account may not be locked.
    """
    of_merchant = {"merchant_id": merchant_id}
    holds, accounts = Uuids(list(hold_ids)), Uuids(list(account_ids))
    to_lock = {**of_merchant, "account_ids": accounts, "hold_ids": holds}
    statements: list[Statement] = [(QUERIES["lock_balances"], to_lock)]
    if hold_ids:
        statements.append((QUERIES["find_holds"], {**of_merchant, "ids": holds}))
    if transaction_ids:
        transactions = {**of_merchant, "ids": Uuids(list(transaction_ids))}
        statements.append((QUERIES["find_transactions"], transactions))
    answers = iter(await connection.fetch_each(*statements))
    balances = {balance.account_id: balance for balance in values(Balance, next(answers))}
    found = values(Hold, next(answers)) if hold_ids else []
    known = _known(next(answers)) if transaction_ids else {}
    locked_holds = {hold.id: hold for hold in found if hold.account_id in balances}
    return Book(balances, locked_holds, known)


async def find_transactions(
    connection: Connection, merchant_id: MerchantId, transaction_ids: Collection[TransactionId]
) -> dict[TransactionId, Known]:
    """Return those of these transactions that are in the ledger."""
    parameters = {"merchant_id": merchant_id, "ids": Uuids(list(transaction_ids))}
    return _known(await connection.fetch(QUERIES["find_transactions"], parameters))


async def post_by_claims(
    connection: Connection,
    merchant_id: MerchantId,
    batch_id: LedgerBatchId,
    batch: ClaimedBatch,
    record: OpenRecord,
    now: datetime,
) -> Judgement:
    """Post a batch with its audit record, if every claim holds; else write nothing.

    If a reference was posted before, the statement fails with ``KeyTaken``.
    """
    statement = _posting(merchant_id, batch_id, batch, record, now, are_facts=False)
    [[row]] = await connection.fetch_each(statement)
    if row.met:
        return Judgement(row.first_at)
    return Judgement(None, {claim.account_id for claim in batch.claims} - {*row.holding})


def post_facts(
    connection: Connection,
    merchant_id: MerchantId,
    batch_id: LedgerBatchId,
    batch: ClaimedBatch,
    record: OpenRecord,
    now: datetime,
) -> None:
    """Post a batch of facts with its audit record, in the caller's transaction.

    If a reference was posted before, the database transaction fails with ``KeyTaken``.
    """
    connection.write(*_posting(merchant_id, batch_id, batch, record, now, are_facts=True))


def _posting(
    merchant_id: MerchantId,
    batch_id: LedgerBatchId,
    batch: ClaimedBatch,
    record: OpenRecord,
    now: datetime,
    *,
    are_facts: bool,
) -> Statement:
    """Return the statement that posts a batch by claims."""
    is_pair = len(batch.entries) == _PAIR
    parameters = {
        "merchant_id": merchant_id,
        "batch_id": Int8(batch_id),
        "now": now,
        "max_amount": MAX_AMOUNT,
        "are_facts": are_facts,
        "content_digest": batch.digest(),
        "record_id": record.id,
        "object_id": record.object_id,
        "body_before": record.before,
        "body_after": record.after,
    }
    if is_pair:
        return QUERIES["post_pair"], {**parameters, **_pair(batch.transactions[0])}
    columns = {**_claim_columns(batch.claims), **_posted_columns(batch)}
    return QUERIES["post_by_claims"], {**parameters, **columns}


def _pair(transaction: Transaction) -> dict[str, object]:
    """Return the parameters of a transaction with two entries, in the order of locking.

    Numbers have one type whatever their size, so that the statement is prepared only once.
    """
    first, second = sorted(transaction.entries, key=_by_account)
    return {
        "first_id": first.account_id,
        "first_amount": Int8(first.amount),
        "second_id": second.account_id,
        "second_amount": Int8(second.amount),
        "currency": first.currency,
        "id": transaction.id,
        "request_hash": Int8(transaction.request_hash),
        "effective_at": transaction.effective_at,
        "kind": transaction.kind.number,
        "reference": transaction.reference,
        "subject": transaction.subject,
    }


def _claim_columns(claims: Sequence[Claim]) -> dict[str, object]:
    return {
        "account_ids": Uuids([claim.account_id for claim in claims]),
        "currencies": Texts([claim.currency for claim in claims]),
        "totals": Bigints([claim.total for claim in claims]),
        "lowest": Bigints([claim.lowest for claim in claims]),
        "bottoms": Bigints([claim.bottom for claim in claims]),
        "tops": Bigints([claim.top for claim in claims]),
        "entry_counts": Bigints([claim.entries for claim in claims]),
        "lasts": Bigints([claim.last for claim in claims]),
    }


def _posted_columns(batch: ClaimedBatch) -> dict[str, object]:
    transactions, entries = batch.transactions, batch.entries
    return {
        "transaction_ids": Uuids([one.id for one in transactions]),
        "request_hashes": Bigints([one.request_hash for one in transactions]),
        "effective_at": Times([one.effective_at for one in transactions]),
        "kinds": Bigints([one.kind.number for one in transactions]),
        "references": Texts([one.reference for one in transactions]),
        "subjects": Texts([one.subject for one in transactions]),
        "entry_places": Bigints([entry.place for entry in entries]),
        "entry_numbers": Bigints([entry.number for entry in entries]),
        "entry_transaction_ids": Uuids([entry.transaction_id for entry in entries]),
        "amounts": Bigints([entry.amount for entry in entries]),
        "heights": Bigints([entry.height for entry in entries]),
    }


def write_postings(
    connection: Connection,
    merchant_id: MerchantId,
    batch: LedgerBatch | None,
    balances: Collection[Balance],
) -> None:
    """Write a batch of transactions, if there is one, and the balances after it.

    If another caller has used one of the references since the look-up, the database transaction
    fails with ``KeyTaken``.
    """
    posted = () if batch is None else batch.transactions
    entries = [entry for one in posted for entry in one.entries]
    connection.write(
        QUERIES["write_postings"],
        {
            "merchant_id": merchant_id,
            "batch_id": None if batch is None else batch.id,
            "transaction_ids": Uuids([one.transaction.id for one in posted]),
            "request_hashes": Bigints([one.transaction.request_hash for one in posted]),
            "recorded_at": Times([one.recorded_at for one in posted]),
            "effective_at": Times([one.transaction.effective_at for one in posted]),
            "kinds": Bigints([one.transaction.kind.number for one in posted]),
            "references": Texts([one.transaction.reference for one in posted]),
            "subjects": Texts([one.transaction.subject for one in posted]),
            "entry_numbers": Bigints([entry.account_number for entry in entries]),
            "entry_recorded_at": Times([entry.recorded_at for entry in entries]),
            "entry_transaction_ids": Uuids([entry.transaction_id for entry in entries]),
            "amounts": Bigints([entry.amount for entry in entries]),
            "balances_after": Bigints([entry.balance_after for entry in entries]),
            "account_ids": Uuids([balance.account_id for balance in balances]),
            "posted": Bigints([balance.posted for balance in balances]),
            "held": Bigints([balance.held for balance in balances]),
            "versions": Bigints([balance.version for balance in balances]),
            "balance_recorded_at": Times([balance.recorded_at for balance in balances]),
        },
    )


def insert_holds(connection: Connection, merchant_id: MerchantId, holds: Collection[Hold]) -> None:
    """Write new holds.

    If another caller has used one of the references since the look-up, the database transaction
    fails with ``KeyTaken``.
    """
    connection.write(
        QUERIES["insert_holds"],
        {
            "merchant_id": merchant_id,
            "ids": Uuids([hold.id for hold in holds]),
            "account_ids": Uuids([hold.account_id for hold in holds]),
            "request_hashes": Bigints([hold.request_hash for hold in holds]),
            "references": Texts([hold.reference for hold in holds]),
            "amounts": Bigints([hold.amount for hold in holds]),
            "remaining": Bigints([hold.remaining for hold in holds]),
            "captured": Bigints([hold.captured for hold in holds]),
            "states": Texts([hold.state for hold in holds]),
            "expires_at": Times([hold.expires_at for hold in holds]),
            "created_at": Times([hold.created_at for hold in holds]),
        },
    )


def update_holds(connection: Connection, merchant_id: MerchantId, holds: Collection[Hold]) -> None:
    """Write the amounts and states of holds that have changed."""
    connection.write(
        QUERIES["update_holds"],
        {
            "merchant_id": merchant_id,
            "ids": Uuids([hold.id for hold in holds]),
            "remaining": Bigints([hold.remaining for hold in holds]),
            "captured": Bigints([hold.captured for hold in holds]),
            "states": Texts([hold.state for hold in holds]),
        },
    )


def _known(rows: Sequence[Row]) -> dict[TransactionId, Known]:
    return {row.id: Known(row.request_hash, row.recorded_at) for row in rows}


async def due_holds(
    connection: Connection, now: datetime, limit: int
) -> list[tuple[MerchantId, HoldId]]:
    """Return open holds of all merchants whose expiry time has passed, earliest expiry first."""
    rows = await connection.fetch(QUERIES["due_holds"], {"now": now, "limit": limit})
    return [(row.merchant_id, row.id) for row in rows]
