"""The ledger's writes: lock balances; write transactions, entries, balances and holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from groat.accounts.domain.commands import Known
from groat.accounts.domain.ledger import Balance, Hold, LedgerBatch
from groat.kernel.ids import AccountId, HoldId, MerchantId, TransactionId
from groat.platform.postgres.columns import Bigints, Texts, Times, Uuids
from groat.platform.postgres.connection import Connection, values
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "ledger.sql")


async def lock_balances(
    connection: Connection, merchant_id: MerchantId, account_ids: Collection[AccountId]
) -> dict[AccountId, Balance]:
    """Lock the balances of these accounts until the transaction ends, and return them."""
    rows = await connection.fetch(
        QUERIES["lock_balances"],
        {"merchant_id": merchant_id, "account_ids": Uuids(list(account_ids))},
    )
    return {balance.account_id: balance for balance in values(Balance, rows)}


async def find_transactions(
    connection: Connection, merchant_id: MerchantId, transaction_ids: Collection[TransactionId]
) -> dict[TransactionId, Known]:
    """Return those of these transactions that are in the ledger."""
    rows = await connection.fetch(
        QUERIES["find_transactions"],
        {"merchant_id": merchant_id, "ids": Uuids(list(transaction_ids))},
    )
    return {row.id: Known(row.request_hash, row.recorded_at) for row in rows}


async def find_holds(
    connection: Connection, merchant_id: MerchantId, hold_ids: Collection[HoldId]
) -> dict[HoldId, Hold]:
    """Return those of these holds that exist."""
    rows = await connection.fetch(
        QUERIES["find_holds"], {"merchant_id": merchant_id, "ids": Uuids(list(hold_ids))}
    )
    return {hold.id: hold for hold in values(Hold, rows)}


def write_postings(
    connection: Connection,
    merchant_id: MerchantId,
    batches: Sequence[LedgerBatch],
    balances: Collection[Balance],
) -> None:
    """Write transactions, their entries, and the balances after them.

    If another caller has used one of the references since the look-up, the database transaction
    fails with ``KeyTaken``.
    """
    posted = [(batch.id, one) for batch in batches for one in batch.transactions]
    entries = [entry for _, one in posted for entry in one.entries]
    connection.write(
        QUERIES["write_postings"],
        {
            "merchant_id": merchant_id,
            "transaction_ids": Uuids([one.transaction.id for _, one in posted]),
            "batch_ids": Bigints([batch_id for batch_id, _ in posted]),
            "request_hashes": Bigints([one.transaction.request_hash for _, one in posted]),
            "recorded_at": Times([one.recorded_at for _, one in posted]),
            "effective_at": Times([one.transaction.effective_at for _, one in posted]),
            "kinds": Bigints([one.transaction.kind.number for _, one in posted]),
            "references": Texts([one.transaction.reference for _, one in posted]),
            "subjects": Texts([one.transaction.subject for _, one in posted]),
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


async def due_holds(
    connection: Connection, now: datetime, limit: int
) -> list[tuple[MerchantId, HoldId]]:
    """Return open holds of all merchants whose expiry time has passed, earliest expiry first."""
    rows = await connection.fetch(QUERIES["due_holds"], {"now": now, "limit": limit})
    return [(row.merchant_id, row.id) for row in rows]
