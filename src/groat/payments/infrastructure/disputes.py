"""Read and write disputes. They change only while their payment is locked."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from groat.kernel.ids import DisputeId, MerchantId, PaymentId
from groat.payments.domain.dispute import Dispute
from groat.payments.domain.lifecycle import DisputeStatus
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
            "statuses": Texts([one.status for one in changed]),
            "amounts": Bigints([one.amount for one in changed]),
            "withdrawn": Bigints([one.withdrawn for one in changed]),
            "reinstated": Bigints([one.reinstated for one in changed]),
            "created": Times([one.created_at for one in changed]),
            "updated": Times([one.updated_at for one in changed]),
        },
    )


def note_shortfalls(
    connection: Connection, merchant_id: MerchantId, shortfalls: Mapping[DisputeId, int]
) -> None:
    """Write, for each dispute, the part of its withdrawal that the beneficiary lacked."""
    connection.write(
        QUERIES["note_shortfalls"],
        {
            "merchant_id": merchant_id,
            "ids": Uuids(list(shortfalls)),
            "shortfalls": Bigints(list(shortfalls.values())),
        },
    )


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
    payment_id: PaymentId | None,
    status: DisputeStatus | None,
    before: DisputeId | None,
    limit: int,
) -> list[Dispute]:
    """Return disputes, newest first, optionally of one payment or status only."""
    rows = await connection.fetch(
        QUERIES["list_disputes"],
        {
            "merchant_id": merchant_id,
            "payment_id": payment_id,
            "status": status,
            "before": before,
            "limit": limit,
        },
    )
    return [to_dispute(row) for row in rows]


def to_dispute(row: Row) -> Dispute:
    """Return the dispute in a row of ``find_disputes`` or ``list_disputes``."""
    return Dispute(**row._asdict() | {"status": DisputeStatus(row.status)})
