"""Reconciliation: compare our account of the money at a provider with the provider's balance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from groat.kernel.clock import Clock
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.kernel.value import Value
from groat.movements.domain.sums import MovementSum
from groat.movements.queries import MovementQueries
from groat.platform.postgres.database import Database
from groat.providers.domain.movements import Movement, Pool
from groat.providers.port import Unknown
from groat.providers.registry import ProviderRegistry
from groat.settlement.domain.days import day_span
from groat.settlement.domain.reconciliation import (
    CategoryTotal,
    LineReason,
    OpenLine,
    Reconciliation,
    clearing_lines,
)
from groat.settlement.infrastructure import watermarks as store

_MOST_LINES = 100_000
"""Maximum open items, and maximum movements in suspense, of one report."""


class AccountReconciliation(Value):
    """The reconciliation of a provider account from ``since`` to ``until``, by currency.

    ``not_told`` says why the provider told no balance; None if it told one. The lines are those of
    now, also for a day in the past.
    """

    account_id: ProviderAccountId
    since: datetime
    until: datetime
    not_told: str | None
    currencies: tuple[Reconciliation, ...]

    @property
    def is_explained(self) -> bool:
        """Whether the provider told its balance, and no currency has an unexplained difference."""
        return self.not_told is None and all(one.is_explained for one in self.currencies)


class Reconciliations:
    """Compares books. It changes nothing.

    ``expected`` is the time within which the event and the movement of an object both arrive.
    """

    def __init__(
        self,
        database: Database,
        providers: ProviderRegistry,
        movements: MovementQueries,
        clock: Clock,
        *,
        expected: timedelta,
    ) -> None:
        self._database = database
        self._providers = providers
        self._movements = movements
        self._clock = clock
        self._expected = expected

    async def of_day(
        self, merchant_id: MerchantId, account_id: ProviderAccountId, day: str | None, zone: str
    ) -> AccountReconciliation:
        """Compare the balances of an account at the end of a day; without a day: today.

        Raises:
            InvalidRequest: ``invalid_day``.
            NotFound: the merchant has no such account.
        """
        since, until = day_span(day, zone, self._clock.now())
        return await self.between(merchant_id, account_id, since, until)

    async def between(
        self,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        since: datetime,
        until: datetime,
    ) -> AccountReconciliation:
        """Compare the balances of an account at the end of a span, and name the open amounts.

        A span that has not ended is cut at the last whole second that the feed has read.

        Raises:
            NotFound: the merchant has no such account.
        """
        provider = await self._providers.get(merchant_id, account_id)
        async with self._database.autocommit() as connection:
            span = await store.span_of(connection, merchant_id, account_id)
        until = min(until, span.watermark.replace(microsecond=0))
        since = min(since, until)
        is_read = until > span.starts_at
        answer = await provider.balances(until) if is_read else Unknown("feed_not_read")
        is_unknown = isinstance(answer, Unknown)
        told = {} if isinstance(answer, Unknown) else answer
        sums = await self._movements.sums(merchant_id, account_id, since, until)
        unposted = await self._movements.without_place(
            merchant_id, account_id, span.starts_at, until
        )
        lines = [*await self._open_lines(merchant_id, account_id), *self._unposted(unposted)]
        known = {*told, *(one.currency for one in sums), *(line.currency for line in lines)}
        currencies = tuple(
            _reconciled(
                currency,
                sums,
                None if is_unknown else told[currency].available if currency in told else 0,
                lines,
            )
            for currency in sorted(known)
        )
        reason = answer.reason if isinstance(answer, Unknown) else None
        return AccountReconciliation(account_id, since, until, reason, currencies)

    async def _open_lines(
        self, merchant_id: MerchantId, account_id: ProviderAccountId
    ) -> list[OpenLine]:
        now = self._clock.now()
        items = await self._movements.open_items(merchant_id, account_id, limit=_MOST_LINES)
        suspense = await self._movements.suspense(merchant_id, account_id, limit=_MOST_LINES)
        return [
            *clearing_lines(items, now, self._expected),
            *(
                OpenLine(
                    LineReason.SUSPENSE,
                    placed.movement.key,
                    placed.movement.currency,
                    placed.movement.gross,
                    now - since,
                )
                for _, placed, since in suspense
            ),
        ]

    def _unposted(self, movements: Iterable[Movement]) -> Iterator[OpenLine]:
        """Yield a line for each movement that is read and not posted, with its net amount."""
        now = self._clock.now()
        for one in movements:
            if one.pool is Pool.AVAILABLE:
                age = now - one.occurred_at
                yield OpenLine(LineReason.NOT_POSTED, one.key, one.currency, one.net, age)


def _reconciled(
    currency: str, sums: Sequence[MovementSum], told: int | None, lines: Sequence[OpenLine]
) -> Reconciliation:
    """Return the reconciliation of one currency."""
    own = [one for one in sums if one.currency == currency]
    opening = sum(one.gross - one.fee - one.tax for one in own if one.is_before)
    totals = tuple(
        CategoryTotal(one.category, one.label, one.count, one.gross, one.fee, one.tax)
        for one in own
        if not one.is_before
    )
    open_lines = tuple(line for line in lines if line.currency == currency)
    return Reconciliation(currency, opening, totals, told, open_lines)
