"""Settlement files: check one whole, then compare it with our movements, or store and post it.

A file and the feed give a movement one key, so an import posts only what the feed lacks.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from itertools import islice
from typing import BinaryIO, NamedTuple, TypeAlias

from groat.audit.domain.record import Cause, Change
from groat.audit.service.records import AuditService
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.kernel.value import Value
from groat.merchants.domain.credentials import ProviderName
from groat.merchants.service.merchants import MerchantService
from groat.movements.queries import MovementQueries
from groat.movements.service import MovementService
from groat.platform.postgres.database import Database
from groat.providers.domain.movements import Movement
from groat.providers.settlement_files import SettlementReader
from groat.settlement.domain.actions import SettlementAction
from groat.settlement.domain.matching import Difference, Matching
from groat.settlement.domain.summary import FileSummary, ImportOutcome, RunningTotals
from groat.settlement.infrastructure import files as store
from groat.settlement.infrastructure.spool import Spool
from groat.settlement.infrastructure.watermarks import start_of
from groat.settlement.service.poster import BookOrigin, MovementPoster

_BATCH = 2000
"""Movements in one transaction. More of them save little and hold locks longer."""

_AT_ONCE = 3
"""Maximum batches that are stored at once."""

_CHUNK = 1 << 20
"""Bytes that are hashed at once."""

Progress: TypeAlias = Callable[[str, int], None]
"""Takes the step, ``check`` or ``match``, and the number of movements that it has done since."""


class SettlementReport(Value):
    """A report of a provider account, who imports it, its name, and its parts in their order."""

    caller: Caller
    account_id: ProviderAccountId
    name: str
    parts: tuple[BinaryIO, ...]

    @property
    def merchant_id(self) -> MerchantId:
        """The merchant of the account."""
        return self.caller.merchant_id


class _Stored(NamedTuple):
    """A batch that was stored: the number of its new movements, and the differences of others."""

    batch: Sequence[Movement]
    added: int
    differences: list[Difference]


class SettlementFiles:
    """Imports settlement files of providers, or compares them with our movements."""

    def __init__(
        self,
        database: Database,
        merchants: MerchantService,
        movements: MovementService,
        queries: MovementQueries,
        poster: MovementPoster,
        audit: AuditService,
        clock: Clock,
        readers: Mapping[ProviderName, SettlementReader],
    ) -> None:
        self._database = database
        self._merchants = merchants
        self._movements = movements
        self._queries = queries
        self._poster = poster
        self._audit = audit
        self._clock = clock
        self._readers = readers

    async def compare(self, report: SettlementReport, progress: Progress) -> ImportOutcome:
        """Check a file whole, and return its differences from our movements; change nothing.

        Movements of ours that the file does not list are no difference: a file covers the days that
        the provider chose for it.

        Raises:
            SettlementFileRefused: the file is damaged, incomplete or contradicts itself.
            InvalidRequest: ``no_settlement_files``; the provider has no reader of files.
            NotFound: the merchant has no such provider account.
        """
        async with self._checked(report, progress) as (summary, batches):
            matching, differences = Matching(), list[Difference]()
            async for batch in batches:
                keys = [movement.key for movement in batch]
                ours = await self._queries.with_keys(report.merchant_id, report.account_id, keys)
                differences += matching.compare(batch, ours)
            differences += matching.finish(())
        return ImportOutcome(summary, 0, tuple(differences))

    async def import_report(self, report: SettlementReport, progress: Progress) -> ImportOutcome:
        """Check a file whole, then store the movements that we lack and post them, in batches.

        A batch is a transaction, so an interrupted import is repeated and does the rest. Movements
        from before the start of the account's feed are stored and not posted.

        Raises:
            SettlementFileRefused: the file is damaged, incomplete or contradicts itself. Nothing
                was stored.
            Unavailable: the provider did not tell the object of a movement. Import the file again.
            InvalidRequest: ``no_settlement_files``; the provider has no reader of files.
            NotFound: the merchant has no such provider account.
        """
        added, posted, early, differences = 0, 0, 0, list[Difference]()
        async with self._checked(report, progress) as (summary, batches):
            origin = await self._origin(report)
            async for stored in self._stored(report, batches):
                added += stored.added
                differences += stored.differences
                early += sum(one.occurred_at < origin.starts_at for one in stored.batch)
                posted += await self._poster.post(origin, stored.batch)
        is_new = await self._note(report, summary)
        return ImportOutcome(
            summary, added, tuple(differences), posted, early, is_repeated=not is_new
        )

    async def _origin(self, report: SettlementReport) -> BookOrigin:
        async with self._database.transaction() as connection:
            starts_at = await start_of(connection, report.merchant_id, report.account_id)
        cause = Cause(f"settlement_file {report.name}")
        return BookOrigin(report.merchant_id, report.account_id, starts_at, cause)

    @asynccontextmanager
    async def _checked(
        self, report: SettlementReport, progress: Progress
    ) -> AsyncIterator[tuple[FileSummary, AsyncIterator[list[Movement]]]]:
        """Read a file to its end, which checks it; yield its sums, and its movements in batches."""
        reader = await self._reader(report)
        with closing(Spool()) as spool:
            summary = await asyncio.to_thread(_read_whole, reader(report.parts), spool, progress)
            yield summary, _batches(spool, progress)

    async def _stored(
        self, report: SettlementReport, batches: AsyncIterator[list[Movement]]
    ) -> AsyncIterator[_Stored]:
        """Store batches, a few at once, since each waits for the disk; yield their outcomes."""
        storing: deque[asyncio.Task[_Stored]] = deque()
        try:
            async for batch in batches:
                if len(storing) == _AT_ONCE:
                    yield await storing.popleft()
                storing.append(asyncio.create_task(self._store(report, batch)))
            while storing:
                yield await storing.popleft()
        finally:
            for task in storing:
                task.cancel()

    async def _reader(self, report: SettlementReport) -> SettlementReader:
        """Return the reader of the files of the account's provider."""
        account = await self._merchants.provider_account(report.merchant_id, report.account_id)
        reader = self._readers.get(account.provider)
        if reader is None:
            raise InvalidRequest(
                "no_settlement_files",
                f"The adapter of {account.provider!r} reads no settlement files.",
            )
        return reader

    async def _store(self, report: SettlementReport, batch: Sequence[Movement]) -> _Stored:
        """Store a batch; return the number of new movements, and the differences of the others."""
        async with self._database.transaction() as connection:
            added = await self._movements.read(
                connection, report.merchant_id, report.account_id, batch, self._clock.now()
            )
        known = [movement for movement in batch if movement.key not in added]
        if not known:
            return _Stored(batch, len(added), [])
        keys = [movement.key for movement in known]
        ours = await self._queries.with_keys(report.merchant_id, report.account_id, keys)
        return _Stored(batch, len(added), [*Matching().compare(known, ours)])

    async def _note(self, report: SettlementReport, summary: FileSummary) -> bool:
        """Note the import of a file, with its audit record; return whether the file is new."""
        digest, now = await asyncio.to_thread(_digest, report.parts), self._clock.now()
        async with self._database.transaction() as connection:
            is_new = await store.insert_file(
                connection,
                report.merchant_id,
                report.account_id,
                digest,
                report.name,
                summary.movements,
                now,
            )
            if is_new:
                change = Change.by(
                    report.caller,
                    SettlementAction.FILE_IMPORTED,
                    "provider_account",
                    report.account_id,
                    file=report.name,
                    digest=digest.hex(),
                    movements=summary.movements,
                )
                await self._audit.write(connection, report.merchant_id, [change], now)
        return is_new


def _read_whole(movements: Iterator[Movement], spool: Spool, progress: Progress) -> FileSummary:
    """Put the movements of a file into a spool, and return their sums."""
    totals = RunningTotals()
    for batch in _pages(movements):
        for movement in batch:
            totals.add(movement)
        spool.append(batch)
        progress("check", len(batch))
    return totals.summary()


async def _batches(spool: Spool, progress: Progress) -> AsyncIterator[list[Movement]]:
    """Yield the batches of a spool. A thread reads them, so the event loop serves others."""
    batches = spool.batches()
    while batch := await asyncio.to_thread(next, batches, None):
        yield batch
        progress("match", len(batch))


def _pages(movements: Iterator[Movement]) -> Iterator[list[Movement]]:
    while page := list(islice(movements, _BATCH)):
        yield page


def _digest(parts: Sequence[BinaryIO]) -> bytes:
    """Return the SHA-256 of the content of a file, of all its parts in their order."""
    digest = hashlib.sha256()
    for part in parts:
        part.seek(0)
        while chunk := part.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()
