"""Queries for accounts, their statements and past balances, holds and transactions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from groat.accounts.domain.chart import Account, AccountSpec
from groat.accounts.domain.kinds import TransactionKinds
from groat.accounts.domain.ledger import (
    Entry,
    Hold,
    JournalLine,
    RecordedTransaction,
    StatementFilter,
    StatementLine,
    TransactionLine,
    TrialBalance,
)
from groat.kernel.ids import AccountId, HoldId, MerchantId, TransactionId
from groat.kernel.moments import EARLIEST, LATEST
from groat.kernel.value import replace
from groat.platform.postgres.columns import Uuids
from groat.platform.postgres.connection import Connection, Row, value, values
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "accounts.sql")
CHECKS = load_queries(__file__, "checks.sql")


async def insert_accounts(
    connection: Connection,
    merchant_id: MerchantId,
    accounts: Sequence[tuple[AccountId, AccountSpec]],
    now: datetime,
) -> set[AccountId]:
    """Insert accounts with their balance rows; return the ids of those whose code was free."""
    rows = await connection.fetch(
        QUERIES["insert_accounts"],
        {
            "merchant_id": merchant_id,
            "ids": [account_id for account_id, _ in accounts],
            "codes": [spec.code for _, spec in accounts],
            "currencies": [spec.currency for _, spec in accounts],
            "normal_sides": [spec.normal_side for _, spec in accounts],
            "are_engines": [spec.is_engine for _, spec in accounts],
            "floors": [spec.floor for _, spec in accounts],
            "metadata": [Jsonb(dict(spec.metadata)) for _, spec in accounts],
            "now": now,
        },
    )
    return {AccountId(row.account_id) for row in rows}


async def find_ids(
    connection: Connection, merchant_id: MerchantId, codes: Collection[str]
) -> dict[str, AccountId]:
    """Return the ids of the existing accounts with these codes, by code."""
    rows = await connection.fetch(
        QUERIES["find_ids"], {"merchant_id": merchant_id, "codes": list(codes)}
    )
    return {row.code: AccountId(row.id) for row in rows}


async def account(
    connection: Connection, merchant_id: MerchantId, account_id: AccountId
) -> Account | None:
    """Return an account with its balance, or None."""
    row = await connection.fetch_one(
        QUERIES["get_account"], {"merchant_id": merchant_id, "id": account_id}
    )
    return None if row is None else _account(row)


async def accounts(
    connection: Connection,
    merchant_id: MerchantId,
    after: AccountId | None,
    code: str | None,
    limit: int,
) -> list[Account]:
    """Return accounts, oldest first, optionally after ``after`` and with this code."""
    rows = await connection.fetch(
        QUERIES["list_accounts"],
        {"merchant_id": merchant_id, "after": after, "code": code, "limit": limit},
    )
    return [_account(row) for row in rows]


def update_account(connection: Connection, merchant_id: MerchantId, changed: Account) -> None:
    """Write an account's status and metadata. The caller has locked its balance."""
    key = {"merchant_id": merchant_id, "id": changed.id}
    metadata = Jsonb(dict(changed.spec.metadata))
    connection.write(QUERIES["update_account"], {**key, "metadata": metadata})
    connection.write(QUERIES["update_status"], {**key, "status": changed.status})
    watch_balance(connection, merchant_id, changed.id, wanted=changed.spec.balance_events)


async def statement(
    connection: Connection,
    merchant_id: MerchantId,
    number: int,
    lines: StatementFilter,
    kinds: TransactionKinds,
    limit: int,
) -> list[StatementLine]:
    """Return an account's entries that the filter selects.

    Raises:
        InvalidRequest: ``unknown_transaction_kind``.
    """
    rows = await connection.fetch(
        QUERIES["list_entries_oldest_first" if lines.oldest_first else "list_entries"],
        {
            "merchant_id": merchant_id,
            "number": number,
            "since": lines.since or EARLIEST,
            "until": lines.until or LATEST,
            "kind": None if lines.kind is None else kinds.named(lines.kind).number,
            "limit": limit,
        },
    )
    return [StatementLine(**row._asdict() | {"kind": kinds.numbered(row.kind)}) for row in rows]


async def balance_at(
    connection: Connection, merchant_id: MerchantId, number: int, at: datetime
) -> int:
    """Return the sum of the account's entries that were recorded at or before ``at``."""
    return await _balance(connection, "balance_at", merchant_id, number, at)


async def effective_balance_at(
    connection: Connection, merchant_id: MerchantId, number: int, at: datetime
) -> int:
    """Return the sum of the account's entries that are effective at or before ``at``."""
    return await _balance(connection, "effective_balance_at", merchant_id, number, at)


async def transaction(
    connection: Connection,
    merchant_id: MerchantId,
    transaction_id: TransactionId,
    kinds: TransactionKinds,
) -> RecordedTransaction | None:
    """Return a transaction with its entries, or None."""
    key = {"merchant_id": merchant_id, "id": transaction_id}
    row = await connection.fetch_one(QUERIES["get_transaction"], key)
    if row is None:
        return None
    rows = await connection.fetch(
        QUERIES["transaction_entries"], {**key, "recorded_at": row.recorded_at}
    )
    entries = tuple(values(Entry, rows))
    kind = kinds.numbered(row.kind)
    return RecordedTransaction(
        transaction_id, kind, row.reference, row.recorded_at, row.effective_at, entries
    )


async def subject(
    connection: Connection, merchant_id: MerchantId, transaction_id: TransactionId
) -> str | None:
    """Return the id of the object that caused a transaction, as the API shows it, or None."""
    row = await connection.fetch_one(
        QUERIES["get_subject"], {"merchant_id": merchant_id, "id": transaction_id}
    )
    return None if row is None else row.subject


async def transaction_lines(
    connection: Connection,
    merchant_id: MerchantId,
    transaction_ids: Collection[TransactionId],
    kinds: TransactionKinds,
) -> list[TransactionLine]:
    """Return the entries of these transactions, in the order of their recording."""
    rows = await connection.fetch(
        QUERIES["list_transaction_lines"],
        {"merchant_id": merchant_id, "ids": Uuids(list(transaction_ids))},
    )
    return [TransactionLine(**row._asdict() | {"kind": kinds.numbered(row.kind)}) for row in rows]


async def hold(connection: Connection, merchant_id: MerchantId, hold_id: HoldId) -> Hold | None:
    """Return a hold, or None."""
    row = await connection.fetch_one(
        QUERIES["get_hold"], {"merchant_id": merchant_id, "id": hold_id}
    )
    return None if row is None else value(Hold, row)


async def holds(
    connection: Connection,
    merchant_id: MerchantId,
    account_id: AccountId,
    before: HoldId | None,
    limit: int,
) -> list[Hold]:
    """Return an account's holds, newest first, optionally those before ``before``."""
    rows = await connection.fetch(
        QUERIES["list_holds"],
        {"merchant_id": merchant_id, "account_id": account_id, "before": before, "limit": limit},
    )
    return values(Hold, rows)


async def trial_balance(connection: Connection, merchant_id: MerchantId) -> list[TrialBalance]:
    """Return the sums of debit and of credit balances, one row for each currency."""
    rows = await connection.fetch(QUERIES["trial_balance"], {"merchant_id": merchant_id})
    return values(TrialBalance, rows)


async def journal(
    connection: Connection,
    merchant_id: MerchantId,
    since: datetime,
    until: datetime,
    after: JournalLine | None,
    kinds: TransactionKinds,
    limit: int,
) -> list[JournalLine]:
    """Return the entries recorded in a span, after one of them, transaction by transaction."""
    rows = await connection.fetch(
        QUERIES["list_journal"],
        {
            "merchant_id": merchant_id,
            "since": since,
            "until": until,
            "after_time": EARLIEST if after is None else after.recorded_at,
            "after_id": UUID(int=0) if after is None else after.transaction_id,
            "after_number": 0 if after is None else after.account_number,
            "limit": limit,
        },
    )
    return [
        JournalLine(
            row.recorded_at,
            TransactionId(row.transaction_id),
            row.account_number,
            row.effective_at,
            kinds.numbered(row.kind),
            row.reference,
            row.subject,
            row.code,
            row.currency,
            row.amount,
        )
        for row in rows
    ]


async def imbalance(connection: Connection) -> int:
    """Return the sum over all currencies of the absolute sum of each currency's entries."""
    row = await connection.fetch_one(QUERIES["ledger_imbalance"])
    return 0 if row is None else int(row.imbalance)


async def _balance(
    connection: Connection, name: str, merchant_id: MerchantId, number: int, at: datetime
) -> int:
    row = await connection.fetch_one(
        QUERIES[name], {"merchant_id": merchant_id, "number": number, "at": at}
    )
    return 0 if row is None else int(row.balance)


def watch_balance(
    connection: Connection, merchant_id: MerchantId, account_id: AccountId, *, wanted: bool
) -> None:
    """Begin or end the watch of a balance. The caller has locked it, or has just opened it."""
    query = QUERIES["watch_balance" if wanted else "unwatch_balance"]
    connection.write(query, {"merchant_id": merchant_id, "id": account_id})


async def moved_balances(
    connection: Connection, limit: int
) -> list[tuple[MerchantId, Account, Account]]:
    """Lock the watches whose balance has entries since it was told.

    Returns:
        The merchant, the account with the balance that was told, and the account now; ordered by
        merchant.
    """
    rows = await connection.fetch(QUERIES["moved_balances"], {"limit": limit})
    moved = []
    for row in rows:
        now = _account(row)
        told = replace(now, posted=row.told_posted, held=row.told_held, version=row.told_version)
        moved.append((MerchantId(row.merchant_id), told, now))
    return moved


def note_told(connection: Connection, merchant_id: MerchantId, accounts: list[Account]) -> None:
    """Move the watches of accounts to the balances that are told now."""
    connection.write(
        QUERIES["note_told"],
        {
            "merchant_id": merchant_id,
            "ids": [account.id for account in accounts],
            "posted": [account.posted for account in accounts],
            "held": [account.held for account in accounts],
            "versions": [account.version for account in accounts],
        },
    )


def _account(row: Row) -> Account:
    spec = AccountSpec(
        code=row.code,
        currency=row.currency,
        normal_side=row.normal_side,
        floor=row.floor,
        metadata=row.metadata,
        is_engine=row.is_engine,
        balance_events=row.balance_events,
    )
    return Account(
        id=AccountId(row.id),
        number=row.number,
        spec=spec,
        status=row.status,
        posted=row.posted,
        held=row.held,
        version=row.version,
        created_at=row.created_at,
    )
