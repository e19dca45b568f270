"""The audit service: append records in the transaction of a change, and list them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from groat.audit.domain.record import Change, OpenRecord, Record, opened_at
from groat.audit.domain.search import RecordFilter
from groat.audit.infrastructure import records as store
from groat.kernel.ids import IdSource, MerchantId, RecordId
from groat.platform.http.strict_json import Json
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database


class AuditSink(Protocol):
    """Takes the records of a change, in the transaction that makes the change.

    Its writes are committed with the change or not at all, and its failure fails the change. A sink
    waits for nothing but the database, since locks are held. For example, an event for the merchant
    is stored by a sink, and sent later by a worker.
    """

    async def __call__(self, connection: Connection, records: Sequence[Record], /) -> None:
        """Take records of one merchant, which ``connection`` has just written."""
        ...


class AuditService:
    """Append and list audit records. Each of ``sinks`` takes every record of ``write``."""

    def __init__(
        self, database: Database, new_id: IdSource, sinks: Sequence[AuditSink] = ()
    ) -> None:
        self._database = database
        self._new_id = new_id
        self._sinks = sinks

    async def write(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        changes: Sequence[Change],
        now: datetime,
    ) -> list[RecordId]:
        """Append one record for each of ``changes``, in the caller's transaction; return their ids.

        Without sinks, this sends nothing: the records travel with the next fetch or the commit.
        """
        records = [Record(merchant_id, RecordId(self._new_id()), change, now) for change in changes]
        store.write(connection, merchant_id, records, now)
        for sink in self._sinks:
            await sink(connection, records)
        return [record.id for record in records]

    def open_record(
        self, merchant_id: MerchantId, change: Change, blank: str, now: datetime
    ) -> OpenRecord:
        """Return a new record whose data lacks the text ``blank``, for a statement that adds it.

        No sink takes it: only PostgreSQL knows the whole record. It is of a ledger batch, and what
        was posted stands in the ledger.
        """
        return opened_at(Record(merchant_id, RecordId(self._new_id()), change, now), blank)

    async def page(
        self,
        merchant_id: MerchantId,
        wanted: RecordFilter,
        *,
        before: RecordId | None,
        limit: int,
    ) -> list[tuple[RecordId, Json]]:
        """Return the merchant's records, newest first: the id and the document of each.

        ``before`` selects records older than that record.
        """
        async with self._database.autocommit() as connection:
            rows = await store.page(connection, merchant_id, wanted, before, limit)
        return [(record_id, json.loads(body)) for record_id, body in rows]

    async def count(self, merchant_id: MerchantId, wanted: RecordFilter) -> int:
        """Return the number of the merchant's records that ``wanted`` selects."""
        async with self._database.autocommit() as connection:
            return await store.count(connection, merchant_id, wanted)
