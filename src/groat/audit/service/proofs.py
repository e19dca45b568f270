"""Proofs about the log, for readers who need not trust us: inclusion and consistency."""

from __future__ import annotations

from groat.audit.domain.checkpoint import ConsistencyProof, InclusionProof
from groat.audit.domain.tree import consistency_path, inclusion_path
from groat.audit.infrastructure import log as store
from groat.audit.infrastructure.log import ListedCheckpoint
from groat.audit.service.keys import no_log
from groat.kernel import ids
from groat.kernel.errors import Conflict
from groat.kernel.ids import MerchantId, RecordId
from groat.platform.postgres.database import Database


class LogProofs:
    """Prove that a record is in the log, and that the log only grew."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def inclusion(self, merchant_id: MerchantId, record_id: RecordId) -> InclusionProof:
        """Return the proof that a record is in the newest checkpoint.

        Raises:
            NotFound: the merchant has no such record.
            Conflict: ``not_sealed_yet``.
        """
        async with self._database.autocommit() as connection:
            found = await store.record(connection, merchant_id, record_id)
            body, place = ids.existing("audit_record", record_id, found)
            last = await store.last_checkpoint(connection)
            if place is None or last is None:
                raise Conflict(
                    "not_sealed_yet",
                    "The record is not in the log yet. A worker seals it within seconds, unless "
                    "the log has no key or a transaction stays open: see `groat audit status`.",
                )
            path = await store.hashes(connection, inclusion_path(place, last.tree.size))
        return InclusionProof(body, place, tuple(path), last.note)

    async def sealed_inclusion(self, record_id: RecordId) -> InclusionProof:
        """Return the proof of ``inclusion`` for a record of any merchant.

        Raises:
            NotFound: no such record is sealed.
        """
        async with self._database.autocommit() as connection:
            owner = await store.owner(connection, record_id)
        return await self.inclusion(ids.existing("audit_record", record_id, owner), record_id)

    async def consistency(self, old: int) -> ConsistencyProof:
        """Return the path from the log of ``old`` records to the newest checkpoint.

        Whether the log extends an old checkpoint, ``ConsistencyProof.verified`` tells: it compares
        the root that the path begins at.

        Raises:
            Conflict: ``audit_log_missing``; or ``log_is_shorter``: the log has lost records.
        """
        async with self._database.autocommit() as connection:
            last = await store.last_checkpoint(connection)
            if last is None:
                raise no_log()
            size = last.tree.size
            if size < old:
                raise Conflict(
                    "log_is_shorter",
                    f"The checkpoint has {old} records, and the log {size}. The log has lost "
                    "records, or a backup was restored.",
                )
            path = await store.hashes(connection, consistency_path(old, size))
        return ConsistencyProof(old, tuple(path), last.note)

    async def checkpoints(self, *, before: int | None, limit: int) -> list[ListedCheckpoint]:
        """Return signed checkpoints, newest first; those smaller than ``before`` if it is given."""
        async with self._database.autocommit() as connection:
            return await store.checkpoints(connection, before, limit)
