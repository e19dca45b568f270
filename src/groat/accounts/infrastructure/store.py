"""Accounts, balances and entries to rows and back. Balances are locked here and nowhere else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from groat.accounts.domain.chart import Account, AccountSpec
from groat.accounts.domain.ledger import Balance, PostedEntry, Posting, StatementLine
from groat.kernel.ids import AccountId, MerchantId
from groat.platform.database import Connection
from groat.platform.queries import load_queries

QUERIES = load_queries(__file__, "accounts.sql")


async def insert_accounts(
    connection: Connection,
    merchant_id: MerchantId,
    accounts: Sequence[tuple[AccountId, AccountSpec]],
    now: datetime,
) -> set[AccountId]:
    """Add accounts with their balances; return the ids of those whose code was free."""
    cursor = await connection.execute(
        QUERIES["insert_accounts"],
        {
            "merchant_id": merchant_id,
            "ids": [account_id for account_id, _ in accounts],
            "codes": [spec.code for _, spec in accounts],
            "currencies": [spec.currency for _, spec in accounts],
            "normal_sides": [spec.normal_side for _, spec in accounts],
            "now": now,
        },
    )
    return {AccountId(row[0]) for row in await cursor.fetchall()}


async def find_ids(
    connection: Connection, merchant_id: MerchantId, codes: Collection[str]
) -> dict[str, AccountId]:
    """Return the ids of the accounts with these codes, as far as there are such."""
    cursor = await connection.execute(
        QUERIES["find_ids"], {"merchant_id": merchant_id, "codes": list(codes)}
    )
    return {code: AccountId(account_id) for code, account_id in await cursor.fetchall()}


async def account(
    connection: Connection, merchant_id: MerchantId, account_id: AccountId
) -> Account | None:
    """Return one account."""
    cursor = await connection.execute(
        QUERIES["get_account"], {"merchant_id": merchant_id, "id": account_id}
    )
    row = await cursor.fetchone()
    return None if row is None else _account(row)


async def accounts(
    connection: Connection, merchant_id: MerchantId, after: AccountId | None, limit: int
) -> list[Account]:
    """Return accounts, oldest first, after ``after`` if given."""
    cursor = await connection.execute(
        QUERIES["list_accounts"], {"merchant_id": merchant_id, "after": after, "limit": limit}
    )
    return [_account(row) for row in await cursor.fetchall()]


async def statement(
    connection: Connection,
    merchant_id: MerchantId,
    account_id: AccountId,
    before: int | None,
    limit: int,
) -> list[StatementLine]:
    """Return an account's entries, newest first, below version ``before`` if given."""
    cursor = await connection.execute(
        QUERIES["list_entries"],
        {"merchant_id": merchant_id, "account_id": account_id, "before": before, "limit": limit},
    )
    return [StatementLine(*row) for row in await cursor.fetchall()]


async def lock_balances(
    connection: Connection, merchant_id: MerchantId, account_ids: Collection[AccountId]
) -> dict[AccountId, Balance]:
    """Lock the balances of these accounts until the transaction ends, and return them."""
    cursor = await connection.execute(
        QUERIES["lock_balances"], {"merchant_id": merchant_id, "account_ids": list(account_ids)}
    )
    return {row[0]: Balance(*row) for row in await cursor.fetchall()}


async def write_postings(
    connection: Connection,
    merchant_id: MerchantId,
    postings: Sequence[Posting],
    entries: Sequence[PostedEntry],
    balances: Collection[Balance],
    now: datetime,
) -> None:
    """Write transactions, their entries and the balances they leave."""
    await connection.execute(
        QUERIES["insert_transactions"],
        {
            "merchant_id": merchant_id,
            "ids": [posting.transaction_id for posting in postings],
            "kinds": [posting.kind for posting in postings],
            "references": [posting.reference for posting in postings],
            "now": now,
        },
    )
    await connection.execute(
        QUERIES["insert_entries"],
        {
            "merchant_id": merchant_id,
            "account_ids": [entry.account_id for entry in entries],
            "versions": [entry.version for entry in entries],
            "transaction_ids": [entry.transaction_id for entry in entries],
            "amounts": [entry.amount for entry in entries],
            "balances_after": [entry.balance_after for entry in entries],
        },
    )
    await connection.execute(
        QUERIES["update_balances"],
        {
            "merchant_id": merchant_id,
            "account_ids": [balance.account_id for balance in balances],
            "posted": [balance.posted for balance in balances],
            "versions": [balance.version for balance in balances],
        },
    )


async def imbalance(connection: Connection) -> int:
    """Return what all entries sum to, over all currencies, in absolute terms."""
    cursor = await connection.execute(QUERIES["ledger_imbalance"])
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


def _account(row: tuple[Any, ...]) -> Account:
    account_id, code, currency, normal_side, posted, version, created_at = row
    spec = AccountSpec(code, currency, normal_side)
    return Account(AccountId(account_id), spec, posted, version, created_at)
