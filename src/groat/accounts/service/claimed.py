"""Post by claims: send a batch in one exchange, which writes it if every account can bear it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from groat.accounts.domain import claims, ledger_changes
from groat.accounts.domain.claims import ClaimedBatch, Judgement
from groat.accounts.domain.commands import Known, Submission, UnitOutcomes
from groat.accounts.domain.ledger import Transaction
from groat.accounts.domain.pace import Pace
from groat.accounts.infrastructure import ledger as store
from groat.audit.domain.record import OpenRecord
from groat.audit.service.records import AuditService
from groat.kernel import ids
from groat.kernel.clock import Clock
from groat.kernel.ids import AccountId, IdSource, LedgerBatchId, MerchantId, TransactionId
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database, KeyTaken

_MAX_TRIES = 3
"""Maximum tries with one batch. After each try, the units that made it fail are left out."""

_MAX_REMEMBERED = 10_000
"""Maximum callers and accounts that are kept in memory. A fuller memory is emptied."""


class ClaimedPosting:
    """Posts the units of a batch that nothing refuses, and leaves the others to the locks.

    ``least_gap`` is 1 to try every batch, 2 to try every second one, and 0 to try none.
    """

    def __init__(
        self,
        database: Database,
        audit: AuditService,
        new_id: IdSource,
        clock: Clock,
        *,
        least_gap: int,
    ) -> None:
        self._database = database
        self._audit = audit
        self._new_id = new_id
        self._clock = clock
        self._least_gap = least_gap
        self._paces: dict[tuple[MerchantId, str], Pace] = {}
        # Accounts whose last claim failed. Their units are not tried.
        self._suspects: defaultdict[MerchantId, set[AccountId]] = defaultdict(set)

    @property
    def is_used(self) -> bool:
        """Whether anything is posted by claims at all."""
        return self._least_gap > 0

    async def post(
        self, merchant_id: MerchantId, actor: str, submissions: Sequence[Submission]
    ) -> dict[int, UnitOutcomes]:
        """Post and commit units of a batch; return the outcomes of those units, by place.

        A unit without an outcome was not executed. It may be refused, so it needs the locks.

        Raises:
            Unavailable: ``database_unavailable``. The units may have been posted.
        """
        pace = self._pace(merchant_id, actor)
        if not pace.tries_next():
            return {}
        known: dict[TransactionId, Known] = {}
        if pace.looks_up_next():
            known = await self._find_repeated(merchant_id, submissions, pace)
        failed = False
        for _ in range(_MAX_TRIES):
            suspects = self._suspects[merchant_id]
            places = claims.claimable(submissions, suspects, known.keys())
            if not places:
                break
            try:
                judged, outcomes = await self._send(
                    merchant_id, actor, [submissions[place] for place in places]
                )
            except KeyTaken:
                known = await self._find_repeated(merchant_id, submissions, pace)
                continue
            if judged.first_at is not None:
                pace.hit()
                return {**_replayed(submissions, known), **dict(zip(places, outcomes, strict=True))}
            failed = True
            self._suspect(merchant_id, judged.failed)
        if failed:
            pace.missed()
        return _replayed(submissions, known)

    def learn(
        self,
        merchant_id: MerchantId,
        submissions: Sequence[Submission],
        decided: Sequence[UnitOutcomes | Exception],
    ) -> None:
        """Note the outcomes of units that were decided under locks."""
        self._suspects[merchant_id] -= claims.cleared(submissions, decided)

    def record(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        facts: Sequence[Transaction],
        actor: str,
        now: datetime,
    ) -> None:
        """Post facts with their audit record, in the caller's transaction and its next exchange.

        A fact is posted whatever the balances are, so nothing needs to be read first.
        """
        batch_id = ids.new_ledger_batch_id(self._new_id)
        batch = claims.claimed(facts)
        record = self._open_record(merchant_id, batch_id, batch, actor, "facts", now)
        store.post_facts(connection, merchant_id, batch_id, batch, record, now)

    async def _send(
        self, merchant_id: MerchantId, actor: str, submissions: Sequence[Submission]
    ) -> tuple[Judgement, list[UnitOutcomes]]:
        """Send a batch; return the judgement, and the outcomes of the units if it was written."""
        now = self._clock.now()
        units = [one.unit for one in submissions]
        batch_id = ids.new_ledger_batch_id(self._new_id)
        batch = claims.claimed([one for unit in units for one in claims.transactions_of(unit)])
        cause = ledger_changes.cause_of([one.request_id for one in submissions])
        record = self._open_record(merchant_id, batch_id, batch, actor, cause, now)
        async with self._database.autocommit() as connection:
            judged = await store.post_by_claims(
                connection, merchant_id, batch_id, batch, record, now
            )
        if judged.first_at is None:
            return judged, []
        return judged, batch.outcomes(units, judged.first_at)

    def _open_record(
        self,
        merchant_id: MerchantId,
        batch_id: LedgerBatchId,
        batch: ClaimedBatch,
        actor: str,
        cause: str,
        now: datetime,
    ) -> OpenRecord:
        """Return the batch's audit record without its digest, which PostgreSQL adds."""
        change = ledger_changes.batch_change(
            batch_id, actor, cause, len(batch.transactions), digest=""
        )
        return self._audit.open_record(merchant_id, change, ledger_changes.DIGEST, now)

    async def _find_repeated(
        self, merchant_id: MerchantId, submissions: Iterable[Submission], pace: Pace
    ) -> dict[TransactionId, Known]:
        """Return the transactions of the batch that are in the ledger already."""
        keys = {key.id for one in submissions for key in claims.transactions_of(one.unit)}
        if not keys:
            return {}
        async with self._database.autocommit() as connection:
            known = await store.find_transactions(connection, merchant_id, keys)
        if known:
            pace.repeated()
        return known

    def _suspect(self, merchant_id: MerchantId, account_ids: AbstractSet[AccountId]) -> None:
        """Leave the units of these accounts to the locks from now on."""
        if sum(map(len, self._suspects.values())) >= _MAX_REMEMBERED:
            self._suspects.clear()
        self._suspects[merchant_id] |= account_ids

    def _pace(self, merchant_id: MerchantId, actor: str) -> Pace:
        """Return the pace of a caller. It outlives the caller's lane."""
        pace = self._paces.get((merchant_id, actor))
        if pace is None:
            if len(self._paces) >= _MAX_REMEMBERED:
                self._paces.clear()
            pace = self._paces[merchant_id, actor] = Pace.starting(self._least_gap)
        return pace


def _replayed(
    submissions: Iterable[Submission], known: Mapping[TransactionId, Known]
) -> dict[int, UnitOutcomes]:
    found = {place: claims.replayed(one.unit, known) for place, one in enumerate(submissions)}
    return {place: outcomes for place, outcomes in found.items() if outcomes is not None}
