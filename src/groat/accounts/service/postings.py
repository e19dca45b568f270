"""The engine's own postings, facts and holds, in a transaction that another room commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from groat.accounts.domain import orders
from groat.accounts.domain.chart import AccountSpec
from groat.accounts.domain.commands import Submission
from groat.accounts.domain.decisions import FactPostings
from groat.accounts.domain.ledger import Hold, Transaction
from groat.accounts.domain.orders import HoldOrder
from groat.accounts.domain.refusals import held
from groat.accounts.infrastructure import accounts as store
from groat.accounts.service.claimed import ClaimedPosting
from groat.accounts.service.locked import LockedPosting
from groat.audit.domain.record import Change
from groat.kernel.caller import Caller
from groat.kernel.ids import AccountId, IdSource, MerchantId
from groat.platform.postgres.connection import Connection

_MAX_REMEMBERED = 10_000
"""Maximum account ids kept in memory. A fuller cache is emptied."""


class EnginePostings:
    """Opens the engine's own accounts, posts facts, and places the engine's own holds."""

    def __init__(self, claimed: ClaimedPosting, locked: LockedPosting, new_id: IdSource) -> None:
        self._claimed = claimed
        self._locked = locked
        self._new_id = new_id
        self._known_ids: dict[tuple[MerchantId, str], AccountId] = {}

    async def ensure(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        specs: Collection[AccountSpec],
        now: datetime,
    ) -> dict[str, AccountId]:
        """Return the ids of engine accounts by code. Open those that do not exist yet."""
        wanted = {spec.code: spec for spec in specs}
        known = {code: self._known_ids.get((merchant_id, code)) for code in wanted}
        found = {code: account_id for code, account_id in known.items() if account_id is not None}
        if len(found) == len(wanted):
            return found
        found = await store.find_ids(connection, merchant_id, wanted)
        missing = [
            (AccountId(self._new_id()), wanted[code]) for code in sorted(wanted.keys() - found)
        ]
        if missing:  # do not remember their ids: this transaction may still roll back
            await store.insert_accounts(connection, merchant_id, missing, now)
            return await store.find_ids(connection, merchant_id, wanted)
        self._remember(merchant_id, found)
        return found

    async def reserve(
        self, connection: Connection, caller: Caller, order: HoldOrder, now: datetime
    ) -> tuple[Hold, list[Change]]:
        """Place a hold of the engine in the caller's transaction, which the caller commits.

        Return the hold, with the changes that the caller writes to the audit trail.

        Raises:
            GroatError: the hold is refused, for example for ``insufficient_funds``; nothing was
                changed.
        """
        command = orders.engines_hold(caller.merchant_id, order, now)
        submission = Submission(caller.request_id, (command,))
        [(outcome,)], changes = await self._locked.execute(
            connection, caller.merchant_id, caller.actor, [submission], now
        )
        return held(outcome).hold, changes

    async def post(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        facts: FactPostings,
        actor: str,
        now: datetime,
    ) -> tuple[Sequence[Transaction], list[Change]]:
        """Post facts, all or none, in the caller's transaction, which the caller commits.

        A fact is never refused. Return the transactions as they are posted, with the changes that
        the caller writes to the audit trail. Facts that depend on no balance and no hold are posted
        by claims, in the next exchange of the transaction, with their audit record.
        """
        if facts.depend_on_the_book or not self._claimed.is_used:
            return await self._locked.record(connection, merchant_id, facts, actor, now)
        self._claimed.record(connection, merchant_id, facts.transactions, actor, now)
        return facts.transactions, []

    def _remember(self, merchant_id: MerchantId, found: Mapping[str, AccountId]) -> None:
        """Remember the ids of engine accounts. A committed id never changes."""
        if len(self._known_ids) > _MAX_REMEMBERED:
            self._known_ids.clear()
        self._known_ids.update(
            {(merchant_id, code): account_id for code, account_id in found.items()}
        )
