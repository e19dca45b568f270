"""The sealer: gives committed records their places in the log, and signs its root.

Every worker runs one, and a lock on the log's row lets one at a time work. All that a sealing
writes is one transaction, so a sealer that dies leaves the log as it was.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog

from groat.audit.domain.checkpoint import Checkpoint
from groat.audit.domain.tree import Frontier
from groat.audit.infrastructure import log as store
from groat.audit.infrastructure.log import LogStatus, StoredCheckpoint, Unsealed
from groat.audit.service.keys import AuditKeys, no_log
from groat.kernel.clock import Clock
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database

MOST_RECORDS = 5_000
"""Maximum records of one sealing."""

HELD_BACK_SECONDS = 10.0
"""Seconds for which an open transaction may hold records back before the sealer warns of it."""

_log = structlog.get_logger(__name__)


class Sealer:
    """Seals committed records, in the order of their transactions.

    A record may commit after a younger one. So the sealer takes records only of transactions that
    are older than every open one: then none can follow. A transaction that stays open holds all
    later records back, and the sealer warns of it.
    """

    def __init__(self, database: Database, keys: AuditKeys, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._xmin = ""
        self._since = self._warn_at = 0.0

    async def seal_batch(self) -> int:
        """Seal due records; return their number if more are due, else 0.

        A sealing that took all due records is followed by a pause, in which records gather for the
        next one.
        """
        sealed = await self.seal()
        return sealed if sealed == MOST_RECORDS else 0

    async def seal(self) -> int:
        """Seal due records and sign the root of the log; return the number of records.

        Return 0 if no record is due, if another sealer is at work, or if the log has no key yet.
        """
        async with self._database.transaction() as connection:
            progress = await store.lock_log(connection)
            if progress is None:
                return 0
            due = await store.due(connection, progress, MOST_RECORDS)
            if due.records:
                await self._append(connection, progress.origin, due.records)
            if due.records or due.more or progress.server != progress.here:
                store.advance(connection, due.progress)
            await self._warn_if_held_back(connection, progress.xmin)
        return len(due.records)

    async def status(self) -> LogStatus:
        """Return the state of the log.

        Raises:
            Conflict: ``audit_log_missing``.
        """
        async with self._database.autocommit() as connection:
            found = await store.status(connection)
        if found is None:
            raise no_log()
        return found

    async def _append(
        self, connection: Connection, origin: str, records: Sequence[Unsealed]
    ) -> None:
        last = await store.last_checkpoint(connection)
        before = Frontier() if last is None else last.tree
        tree, completed = before.extended(record.leaf_hash for record in records)
        keys = await self._keys.signing(connection, origin)
        note = Checkpoint(origin, tree.size, tree.root()).signed_by(keys)
        now = self._clock.now()
        store.append(connection, records, StoredCheckpoint(tree, note), completed, now)

    async def _warn_if_held_back(self, connection: Connection, xmin: str) -> None:
        """Warn of an open transaction for which records have waited too long."""
        now = time.monotonic()
        if xmin != self._xmin:
            self._xmin, self._since, self._warn_at = xmin, now, now + HELD_BACK_SECONDS
        if now < self._warn_at:
            return
        self._warn_at = now + HELD_BACK_SECONDS
        waiting = await store.waiting(connection, xmin)
        if waiting.records:
            _log.warning(
                "audit_sealing_held_back",
                records=waiting.records,
                seconds=round(now - self._since, 1),
                transaction=waiting.transaction,
            )
