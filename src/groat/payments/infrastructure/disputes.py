"""Read and write disputes. They change only while their payment is locked."""

from __future__ import annotations

from collections.abc import Collection

from groat.kernel.ids import DisputeId, MerchantId, ProviderAccountId
from groat.payments.domain.dispute import Dispute, DisputeFilter, DisputeMoney, dispute_id
from groat.payments.domain.lifecycle import DisputeStatus
from groat.payments.domain.ownership import OwnedMovement
from groat.platform.postgres.columns import Bigints, Texts, Times, Uuids
from groat.platform.postgres.connection import Connection, Row, Statement
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "disputes.sql")


def put_disputes(
    connection: Connection, merchant_id: MerchantId, changed: Collection[Dispute]
) -> None:
    """Write new or changed disputes of payments that this transaction has locked."""
    connection.write(
        QUERIES["upsert_disputes"],
        {
            "merchant_id": merchant_id,
            "ids": Uuids([one.id for one in changed]),
            "payment_ids": Uuids([one.payment_id for one in changed]),
            "provider_account_ids": Uuids([one.provider_account_id for one in changed]),
            "provider_references": Texts([one.provider_reference for one in changed]),
            "capture_references": Texts([one.capture_reference for one in changed]),
            "statuses": Texts([one.status for one in changed]),
            "amounts": Bigints([one.amount for one in changed]),
            "created": Times([one.created_at for one in changed]),
            "updated": Times([one.updated_at for one in changed]),
        },
    )


async def sums(
    connection: Connection, merchant_id: MerchantId, dispute_ids: Collection[DisputeId]
) -> dict[DisputeId, DisputeMoney]:
    """Return the money that disputes have moved, by dispute; none for a dispute without any."""
    rows = await connection.fetch(
        QUERIES["sum_disputes"], {"merchant_id": merchant_id, "ids": Uuids(list(dispute_ids))}
    )
    return {
        DisputeId(row.id): DisputeMoney(
            row.withdrawn, row.reinstated, row.shortfall, row.fee, row.fee_currency
        )
        for row in rows
    }


async def claims(
    connection: Connection,
    merchant_id: MerchantId,
    account_id: ProviderAccountId,
    movements: Collection[OwnedMovement],
) -> dict[str, int]:
    """Return the disputed amounts of the disputes that movements name, by provider reference."""
    wanted = {
        dispute_id(account_id, movement.source, movement.parent)
        for movement in (one.movement for one in movements)
        if movement.source is not None and movement.parent is not None
    }
    if not wanted:
        return {}
    rows = await connection.fetch(*disputes_query(merchant_id, wanted))
    return {row.provider_reference: row.amount for row in rows}


async def find_dispute(
    connection: Connection, merchant_id: MerchantId, dispute_id: DisputeId
) -> Dispute | None:
    """Return one dispute, None if there is none."""
    row = await connection.fetch_one(*disputes_query(merchant_id, [dispute_id]))
    return None if row is None else to_dispute(row)


def disputes_query(merchant_id: MerchantId, dispute_ids: Collection[DisputeId]) -> Statement:
    """Return the query for disputes by their ids."""
    return QUERIES["find_disputes"], {"merchant_id": merchant_id, "ids": Uuids(list(dispute_ids))}


async def disputes(
    connection: Connection,
    merchant_id: MerchantId,
    wanted: DisputeFilter,
    after: DisputeId | None,
    limit: int,
) -> list[Dispute]:
    """Return disputes in the wanted order; with ``after``, only those that follow it."""
    rows = await connection.fetch(
        QUERIES["list_disputes"],
        {
            "merchant_id": merchant_id,
            "after": after,
            "limit": limit,
            **wanted._asdict(),
            **wanted.amounts._asdict(),
        },
    )
    return [to_dispute(row) for row in rows]


def to_dispute(row: Row) -> Dispute:
    """Return the dispute in a row of ``find_disputes`` or ``list_disputes``."""
    return Dispute(**row._asdict() | {"status": DisputeStatus(row.status)})
