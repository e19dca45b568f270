"""The engine's own postings: facts and reservations, in the transaction of another room."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from groat.accounts.domain import orders
from groat.accounts.domain.chart import AccountSpec
from groat.accounts.domain.decisions import FactPostings
from groat.accounts.domain.ledger import Hold, PostedTransaction
from groat.accounts.domain.orders import HoldOrder
from groat.accounts.infrastructure import accounts as store
from groat.accounts.service.lanes import PostingLanes
from groat.accounts.service.transfers import held
from groat.audit.domain.record import Change
from groat.kernel.caller import Caller
from groat.kernel.ids import AccountId, IdSource, MerchantId
from groat.platform.postgres.connection import Connection

_MOST_REMEMBERED = 10_000


class EnginePostings:
    """Opens the engine's own accounts, posts facts, and places the engine's own holds."""

    def __init__(self, lanes: PostingLanes, new_id: IdSource) -> None:
        self._lanes = lanes
        self._new_id = new_id
        self._own: dict[tuple[MerchantId, str], AccountId] = {}

    async def ensure(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        specs: Collection[AccountSpec],
        now: datetime,
    ) -> dict[str, AccountId]:
        """Return the ids of Groat's own accounts by code, opening those that are not there yet."""
        wanted = {spec.code: spec for spec in specs}
        known = {code: self._own.get((merchant_id, code)) for code in wanted}
        found = {code: account_id for code, account_id in known.items() if account_id is not None}
        if len(found) == len(wanted):
            return found
        found = await store.find_ids(connection, merchant_id, wanted)
        missing = [
            (AccountId(self._new_id()), wanted[code]) for code in sorted(wanted.keys() - found)
        ]
        if missing:  # until this transaction is committed, they are not there for others
            await store.insert_accounts(connection, merchant_id, missing, now)
            return await store.find_ids(connection, merchant_id, wanted)
        self._remember(merchant_id, found)
        return found

    async def reserve(
        self, connection: Connection, caller: Caller, order: HoldOrder, now: datetime
    ) -> tuple[Hold, list[Change]]:
        """Place a hold of the engine, in the transaction of another room.

        Return it, with the changes that the caller writes to the audit trail.

        Raises:
            GroatError: it is refused, such as ``insufficient_funds``; nothing was changed.
        """
        command = orders.engines_hold(caller.merchant_id, order, now)
        (outcome,), changes = await self._lanes.run_within(connection, caller, (command,), now)
        return held(outcome).hold, changes

    async def post(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        facts: FactPostings,
        actor: str,
        now: datetime,
    ) -> tuple[list[PostedTransaction], list[Change]]:
        """Post facts, all or none, in the transaction of another room. A fact is never refused.

        Return them as posted, with the changes that the caller writes to the audit trail.
        """
        return await self._lanes.record(connection, merchant_id, facts, actor, now)

    def _remember(self, merchant_id: MerchantId, found: Mapping[str, AccountId]) -> None:
        """Keep the ids of our own accounts, which never change once they are committed."""
        if len(self._own) > _MOST_REMEMBERED:
            self._own.clear()
        self._own.update({(merchant_id, code): one for code, one in found.items()})
