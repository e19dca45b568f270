"""The opening: post the balance that an account had before Groat began to read its movements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from groat.audit.domain.record import Change
from groat.audit.service.records import AuditService
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import Unavailable
from groat.kernel.ids import ProviderAccountId
from groat.kernel.value import Value
from groat.movements.domain.attribution import Owner, attribute
from groat.movements.domain.booking import Attributed
from groat.movements.service import MovementService
from groat.platform.postgres.database import Database
from groat.providers.domain.movements import Movement, MovementCategory, Pool
from groat.providers.port import ToldBalance, Unknown
from groat.providers.registry import ProviderRegistry
from groat.settlement.domain.actions import SettlementAction
from groat.settlement.infrastructure import watermarks as store


class Opening(Value):
    """The opening movements of an account, and those of them that were posted now."""

    starts_at: datetime
    movements: tuple[Movement, ...]
    posted: tuple[str, ...]


class AccountOpenings:
    """Posts opening movements: the provider's balance at the start of the feed."""

    def __init__(
        self,
        database: Database,
        providers: ProviderRegistry,
        movements: MovementService,
        audit: AuditService,
        clock: Clock,
    ) -> None:
        self._database = database
        self._providers = providers
        self._movements = movements
        self._audit = audit
        self._clock = clock

    async def open(self, caller: Caller, account_id: ProviderAccountId) -> Opening:
        """Post the balance at the start of the feed against ``opening:``, once for each currency.

        Raises:
            NotFound: the merchant has no such account.
            Unavailable: ``balance_not_told``; the provider does not tell this balance now.
        """
        merchant_id = caller.merchant_id
        provider = await self._providers.get(merchant_id, account_id)
        async with self._database.transaction() as connection:
            starts_at = await store.start_of(connection, merchant_id, account_id)
        told = await provider.balances(starts_at)
        if isinstance(told, Unknown):
            raise Unavailable("balance_not_told", f"The provider told no balance: {told.reason}")
        movements = tuple(_opening_movements(told, starts_at))
        batch = [Attributed(one, attribute(one, Owner.OURS)) for one in movements]
        now = self._clock.now()
        async with self._database.transaction() as connection:
            booked, changes = await self._movements.post(
                connection, merchant_id, account_id, batch, now
            )
            opened = [
                Change.by(
                    caller,
                    SettlementAction.ACCOUNT_OPENED,
                    "provider_account",
                    account_id,
                    movement=one.movement.key,
                    amount=one.movement.gross,
                    currency=one.movement.currency,
                )
                for one in booked
            ]
            if opened:
                await self._audit.write(connection, merchant_id, [*changes, *opened], now)
        return Opening(starts_at, movements, tuple(one.movement.key for one in booked))


def _opening_movements(told: Mapping[str, ToldBalance], starts_at: datetime) -> Iterator[Movement]:
    """Yield the opening movement of each currency and part of the balance that is not zero."""
    for currency, balance in sorted(told.items()):
        parts = ((Pool.AVAILABLE, balance.available), (Pool.RESERVED, balance.reserved or 0))
        for pool, amount in parts:
            if amount:
                yield Movement(
                    f"groat:opening:{currency}:{pool}",
                    MovementCategory.OPENING,
                    "opening",
                    starts_at,
                    currency,
                    amount,
                    pool=pool,
                )
