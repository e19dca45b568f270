"""Movements: store each once by its key, and post each once, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from groat.accounts.domain.decisions import FactPostings
from groat.accounts.service.postings import EnginePostings
from groat.audit.domain.record import Change
from groat.kernel.caller import ENGINE
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.kernel.value import replace
from groat.movements.domain import postings
from groat.movements.domain.booking import Attributed, BookedMovement, OpenItems, ToldFact, item_of
from groat.movements.domain.postings import Line
from groat.movements.infrastructure import movements as store
from groat.platform.postgres.connection import Connection
from groat.providers.domain.movements import Movement


class MovementService:
    """Stores and posts movements, and keeps the open items of clearing."""

    def __init__(self, postings: EnginePostings) -> None:
        self._postings = postings

    async def read(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        movements: Sequence[Movement],
        now: datetime,
    ) -> set[str]:
        """Store movements without posting them, and return the keys of the new ones.

        A movement that is stored already keeps its content: the first report counts.
        """
        account = store.account_key(merchant_id, account_id)
        return await store.insert_movements(connection, account, movements, now)

    async def post(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        batch: Sequence[Attributed],
        now: datetime,
    ) -> tuple[list[BookedMovement], list[Change]]:
        """Store and post movements, each in one ledger transaction; skip those posted before.

        The stored content is posted: that of the first report, also if this one differs. Return the
        movements that were posted now, with the changes that the caller writes to the audit trail.
        """
        account = store.account_key(merchant_id, account_id)
        found = {one.movement.key: one for one in batch}
        movements = [one.movement for one in found.values()]
        await store.insert_movements(connection, account, movements, now)
        unposted = await store.lock_unposted(connection, account, found)
        fresh = [
            replace(one, movement=unposted[key]) for key, one in found.items() if key in unposted
        ]
        if not fresh:
            return [], []
        parents = dict(filter(None, map(item_of, fresh)))
        items = await store.lock_items(connection, account, parents, now) if parents else []
        book = OpenItems(account_id, items, now)
        booked = [book.book(one) for one in fresh]
        if book.changed:
            store.update_items(connection, account, book.changed)
        changes = await self._write(connection, merchant_id, account_id, booked, now)
        return booked, changes

    async def tell(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        facts: Sequence[ToldFact],
        now: datetime,
    ) -> list[list[Line]]:
        """Note the facts of payments in the open items, and return the lines of each fact.

        The caller posts these lines against the beneficiary, in the same transaction.
        """
        account = store.account_key(merchant_id, account_id)
        parents = {fact.reference: fact.parent for fact in facts}
        items = await store.lock_items(connection, account, parents, now)
        book = OpenItems(account_id, items, now)
        lines = [book.tell(fact) for fact in facts]
        store.update_items(connection, account, book.changed)
        return lines

    async def _write(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        booked: Sequence[BookedMovement],
        now: datetime,
    ) -> list[Change]:
        """Write attributions and post them, and return the audit records of the postings."""
        specs = [spec for one in booked for spec in postings.own_accounts(one.lines)]
        specs += [one.owing for one in booked if one.owing is not None]
        account_ids = await self._postings.ensure(connection, merchant_id, specs, now)
        posted = {
            one.movement.key: postings.transaction(
                merchant_id, account_id, one.movement, one.lines, account_ids
            )
            for one in booked
            if one.lines
        }
        ids = {key: transaction.id for key, transaction in posted.items()}
        account = store.account_key(merchant_id, account_id)
        placed = [(one.movement.key, one.attribution) for one in booked]
        store.insert_attributions(connection, account, placed, ids, now)
        if not posted:
            return []
        owed = {
            ids[one.movement.key]: account_ids[one.owing.code]
            for one in booked
            if one.owing is not None
        }
        facts = FactPostings([*posted.values()], owed=owed)
        _, changes = await self._postings.post(connection, merchant_id, facts, ENGINE, now)
        return changes
