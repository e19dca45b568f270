"""The audit service: append records in the transaction of a change, and list them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from groat.audit.domain.record import Change, OpenRecord, Record, opened_at
from groat.audit.infrastructure import records as store
from groat.kernel.ids import IdSource, MerchantId, RecordId
from groat.platform.http.strict_json import Json
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database


class AuditService:
    """Append and list audit records."""

    def __init__(self, database: Database, new_id: IdSource) -> None:
        self._database = database
        self._new_id = new_id

    def write(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        changes: Sequence[Change],
        now: datetime,
    ) -> None:
        """Append one record for each of ``changes``, in the caller's transaction."""
        records = [Record(merchant_id, RecordId(self._new_id()), change, now) for change in changes]
        store.write(connection, merchant_id, records, now)

    def open_record(
        self, merchant_id: MerchantId, change: Change, blank: str, now: datetime
    ) -> OpenRecord:
        """Return a new record whose data lacks the text ``blank``, for a statement that adds it."""
        return opened_at(Record(merchant_id, RecordId(self._new_id()), change, now), blank)

    async def page(
        self,
        merchant_id: MerchantId,
        *,
        object_id: UUID | None,
        before: RecordId | None,
        limit: int,
    ) -> list[tuple[RecordId, Json]]:
        """Return the merchant's records, newest first: the id and the document of each.

        ``object_id`` selects the records of one object, ``before`` those older than that record.
        """
        async with self._database.autocommit() as connection:
            rows = await store.page(connection, merchant_id, object_id, before, limit)
        return [(record_id, json.loads(body)) for record_id, body in rows]
