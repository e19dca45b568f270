"""Read movements and open items, for other rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime

from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.movements.domain.booking import PlacedMovement
from groat.movements.domain.open_items import OpenItem
from groat.movements.domain.sums import MovementSum
from groat.movements.infrastructure import movements as store
from groat.platform.postgres.database import Database
from groat.providers.domain.movements import Movement

_PAGE = 2000
"""Movements in one page of a list."""


class MovementQueries:
    """Reads movements from the primary."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def with_keys(
        self, merchant_id: MerchantId, account_id: ProviderAccountId, keys: Collection[str]
    ) -> dict[str, Movement]:
        """Return the stored movements with these keys, by key."""
        account = store.account_key(merchant_id, account_id)
        async with self._database.autocommit() as connection:
            return await store.find_movements(connection, account, keys)

    async def objects_of(
        self, merchant_id: MerchantId, text: str, *, limit: int
    ) -> dict[str, set[str]]:
        """Return the provider's ids of objects whose movements have ``text``, by its meaning.

        ``text`` is the key of a movement, the id of its object, or the id of its payout.
        """
        async with self._database.autocommit() as connection:
            return await store.objects_of(connection, merchant_id, text, limit)

    async def unposted(
        self, merchant_id: MerchantId, account_id: ProviderAccountId, movements: Sequence[Movement]
    ) -> list[Movement]:
        """Return those of these movements that have no place yet, stored or not."""
        account = store.account_key(merchant_id, account_id)
        keys = [one.key for one in movements]
        async with self._database.autocommit() as connection:
            posted = await store.posted_keys(connection, account, keys)
        return [one for one in movements if one.key not in posted]

    async def between(
        self,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        since: datetime,
        until: datetime,
    ) -> AsyncIterator[Movement]:
        """Yield the movements that the provider booked from ``since`` on and before ``until``."""
        account, after = store.account_key(merchant_id, account_id), ""
        while True:
            async with self._database.autocommit() as connection:
                page = await store.movements_between(
                    connection, account, since, until, after, _PAGE
                )
            for movement in page:
                yield movement
            if len(page) < _PAGE:
                return
            after = page[-1].key

    async def sums(
        self,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        since: datetime,
        until: datetime,
    ) -> list[MovementSum]:
        """Return the sums of the posted movements before ``until``, apart for those since."""
        account = store.account_key(merchant_id, account_id)
        async with self._database.autocommit() as connection:
            return await store.sums_until(connection, account, since, until)

    async def without_place(
        self,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        since: datetime,
        until: datetime,
    ) -> list[Movement]:
        """Return the stored movements of a span that are not posted, oldest first."""
        account = store.account_key(merchant_id, account_id)
        async with self._database.autocommit() as connection:
            return await store.unposted_between(connection, account, since, until)

    async def payouts(
        self, merchant_id: MerchantId, account_id: ProviderAccountId, *, limit: int
    ) -> list[Movement]:
        """Return the movements of payouts, newest first."""
        account = store.account_key(merchant_id, account_id)
        async with self._database.autocommit() as connection:
            return await store.payouts(connection, account, limit)

    async def of_payout(
        self, merchant_id: MerchantId, account_id: ProviderAccountId, reference: str
    ) -> list[Movement]:
        """Return the movements of a payout and of its return, and those a report lists for it."""
        account = store.account_key(merchant_id, account_id)
        async with self._database.autocommit() as connection:
            return await store.of_payout(connection, account, reference)

    async def suspense(
        self, merchant_id: MerchantId, account_id: ProviderAccountId | None, *, limit: int
    ) -> list[tuple[ProviderAccountId, PlacedMovement, datetime]]:
        """Return the movements in suspense, each with the time since when, oldest first."""
        async with self._database.autocommit() as connection:
            return await store.suspense(connection, merchant_id, account_id, limit)

    async def open_items(
        self, merchant_id: MerchantId, account_id: ProviderAccountId, *, limit: int
    ) -> list[OpenItem]:
        """Return the open items of clearing, oldest first."""
        account = store.account_key(merchant_id, account_id)
        async with self._database.autocommit() as connection:
            return await store.open_items(connection, account, limit)
