"""Movements: store each once by its key, and post each once, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

from groat.accounts.domain.decisions import FactPostings
from groat.accounts.service.postings import EnginePostings
from groat.audit.domain.record import Change
from groat.kernel.caller import ENGINE, Caller
from groat.kernel.ids import AccountId, MerchantId, ProviderAccountId, TransactionId
from groat.movements.domain import postings
from groat.movements.domain.attribution import Attribution, Place
from groat.movements.domain.booking import (
    Attributed,
    BookedMovement,
    OpenItems,
    PlacedMovement,
    Reports,
    Unposted,
    still_unposted,
)
from groat.movements.infrastructure import movements as store
from groat.platform.postgres.connection import Connection
from groat.providers.domain.movements import Movement

Decided = TypeVar("Decided")

PostedMovement: TypeAlias = tuple[BookedMovement, TransactionId | None]
"""A booked movement with the ledger transaction that posts it; None if nothing is posted."""

Decide: TypeAlias = Callable[[OpenItems, Unposted], Decided]
"""A pure function that books facts and unposted movements. It may be called twice."""


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

    async def decide(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        reports: Reports,
        decide: Decide[Decided],
        now: datetime,
    ) -> Decided:
        """Store and lock movements, lock open items, and book by ``decide``; write the items.

        The caller posts the booked movements in the same transaction, and passes them to ``place``.
        """
        account = store.account_key(merchant_id, account_id)
        movements = {one.movement.key: one.movement for one in reports.movements}
        objects = reports.objects
        unposted, items = await store.lock(
            connection, account, movements.values(), objects, reports.unsettled, now
        )
        book = OpenItems(account_id, items, now)
        decided = decide(book, unposted)
        if book.missing:  # a movement that should have settled an object was posted elsewhere
            _, items = await store.lock(connection, account, (), objects, book.missing, now)
            book = OpenItems(account_id, items, now)
            decided = decide(book, unposted)
        if book.changed:
            store.update_items(connection, account, book.changed)
        return decided

    def place(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        posted: Sequence[PostedMovement],
        now: datetime,
    ) -> None:
        """Write the places of booked movements, each with the transaction that posts it."""
        if posted:
            account = store.account_key(merchant_id, account_id)
            store.insert_attributions(connection, account, posted, now)

    async def present_place(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        key: str,
    ) -> PlacedMovement | None:
        """Lock a movement; return it with its present place, None if it is not posted."""
        account = store.account_key(merchant_id, account_id)
        return await store.lock_place(connection, account, key)

    async def move(
        self,
        connection: Connection,
        caller: Caller,
        account_id: ProviderAccountId,
        placed: PlacedMovement,
        after: Attribution,
        named: AccountId | None,
        now: datetime,
    ) -> tuple[PlacedMovement, list[Change]]:
        """Move a locked movement to another place by a further posting; return it there.

        ``named`` is the account of the place ``NAMED``, before or after.

        Raises:
            SecondCurrency: earlier movements of the object have another currency.
        """
        merchant_id, movement = caller.merchant_id, placed.movement
        account = store.account_key(merchant_id, account_id)
        places = (placed.attribution, after)
        objects = {
            one.reference: one.parent or one.reference
            for one in places
            if one.place is Place.CLEARING and one.reference
        }
        _, items = await store.lock(connection, account, (), objects, objects, now)
        book = OpenItems(account_id, items, now)
        lines = book.move(movement, placed.attribution, after, named)
        if book.changed:
            store.update_items(connection, account, book.changed)
        moved = PlacedMovement(movement, after, placed.number + 1)
        specs = postings.own_accounts(lines)
        account_ids = await self._postings.ensure(connection, merchant_id, specs, now)
        transaction = postings.moved_transaction(
            merchant_id, account_id, movement.key, moved.number, lines, account_ids
        )
        store.insert_place(connection, account, moved, transaction.id, now)
        facts = FactPostings([transaction])
        _, changes = await self._postings.post(connection, merchant_id, facts, caller.actor, now)
        return moved, changes

    async def post(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        batch: Sequence[Attributed],
        now: datetime,
    ) -> tuple[list[BookedMovement], list[Change]]:
        """Store and post movements of no payment, each in one transaction, if it is not posted yet.

        The stored content is posted: that of the first report, also if this one differs. Return the
        movements that were posted now, with the changes that the caller writes to the audit trail.
        """
        found = {one.movement.key: one for one in batch}.values()
        booked = await self.decide(
            connection,
            merchant_id,
            account_id,
            Reports((), tuple(found)),
            lambda book, unposted: [book.book(one) for one in still_unposted(found, unposted)],
            now,
        )
        specs = [spec for one in booked for spec in postings.own_accounts(one.lines)]
        account_ids = await self._postings.ensure(connection, merchant_id, specs, now)
        transactions = {
            one.movement.key: postings.transaction(
                merchant_id, account_id, one.movement, one.lines, account_ids
            )
            for one in booked
            if one.lines
        }
        ids = {key: transaction.id for key, transaction in transactions.items()}
        posted = [(one, ids.get(one.movement.key)) for one in booked]
        self.place(connection, merchant_id, account_id, posted, now)
        if not transactions:
            return booked, []
        facts = FactPostings([*transactions.values()])
        _, changes = await self._postings.post(connection, merchant_id, facts, ENGINE, now)
        return booked, changes
