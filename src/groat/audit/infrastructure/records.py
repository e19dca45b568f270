"""Write audit records to rows, and read them back as the bytes that were written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from groat.audit.domain.record import Record, canonical_bytes, leaf_hash
from groat.audit.domain.search import RecordFilter
from groat.kernel.ids import MerchantId, RecordId
from groat.platform.postgres.columns import Blobs, Uuids
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.queries import load_queries

QUERIES = load_queries(__file__, "records.sql")
CHECKS = load_queries(__file__, "checks.sql")


def write(
    connection: Connection,
    merchant_id: MerchantId,
    records: Sequence[Record],
    recorded_at: datetime,
) -> None:
    """Append ``records`` of one merchant, all recorded at the same time."""
    bodies = [canonical_bytes(record) for record in records]
    connection.write(
        QUERIES["write_records"],
        {
            "merchant_id": merchant_id,
            "recorded_at": recorded_at,
            "ids": Uuids([record.id for record in records]),
            "object_ids": Uuids([record.change.object_id for record in records]),
            "cause_ids": Uuids([record.change.cause.row for record in records]),
            "bodies": Blobs(bodies),
            "leaf_hashes": Blobs([leaf_hash(body) for body in bodies]),
        },
    )


async def page(
    connection: Connection,
    merchant_id: MerchantId,
    wanted: RecordFilter,
    before: RecordId | None,
    limit: int,
) -> list[tuple[RecordId, bytes]]:
    """Return the ids and canonical bytes of the newest ``limit`` records.

    ``before`` selects records older than that record.
    """
    cursor = {"before": before, "limit": limit}
    rows = await connection.fetch(
        QUERIES["list_records"], {**_filter(merchant_id, wanted), **cursor}
    )
    return [(RecordId(row.id), bytes(row.body)) for row in rows]


async def count(connection: Connection, merchant_id: MerchantId, wanted: RecordFilter) -> int:
    """Return the number of records that ``page`` returns page by page."""
    [row] = await connection.fetch(QUERIES["count_records"], _filter(merchant_id, wanted))
    number: int = row.records
    return number


def _filter(merchant_id: MerchantId, wanted: RecordFilter) -> dict[str, object]:
    return {
        "merchant_id": merchant_id,
        "object_id": wanted.object_id,
        "first_id": wanted.first_id,
        "last_id": wanted.last_id,
        "since": wanted.since,
        "until": wanted.until,
        "action": wanted.action_bytes,
        "actor": wanted.actor_bytes,
    }
