"""``/v1/reconciliation``: our account of the money at a provider beside the provider's own."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query

from groat.kernel.ids import ProviderAccountId
from groat.kernel.scopes import Room
from groat.platform.http.edge import CallerOf, ProviderAccountIdText, RouteTable, View
from groat.providers.domain.movements import MovementCategory
from groat.settlement.domain.reconciliation import (
    CategoryTotal,
    LineReason,
    OpenLine,
    Reconciliation,
)
from groat.settlement.service.reconciliation import AccountReconciliation, Reconciliations

Day = Annotated[
    str | None,
    Query(description="The day, as 2026-01-31. Without it: today, as far as the feed has read."),
]
Zone = Annotated[str, Query(max_length=64, description="The time zone of the day.")]


class MovementTotalView(View):
    """The sums of the day's movements of one category, under the provider's name of it."""

    category: MovementCategory
    label: str
    count: int
    gross: int
    fee: int
    tax: int
    net: int

    @classmethod
    def of(cls, total: CategoryTotal) -> Self:
        """Return the view of the sums."""
        return cls(
            category=total.category,
            label=total.label,
            count=total.count,
            gross=total.gross,
            fee=total.fee,
            tax=total.tax,
            net=total.net,
        )


class OpenLineView(View):
    """An open amount, with its reason and cure.

    ``reference`` is the provider's object, or the key of the movement.
    """

    reason: LineReason
    reference: str
    amount: int
    age_seconds: int
    cure: str

    @classmethod
    def of(cls, line: OpenLine) -> Self:
        """Return the view of an open amount."""
        return cls(
            reason=line.reason,
            reference=line.reference,
            amount=line.amount,
            age_seconds=round(line.age.total_seconds()),
            cure=line.cure,
        )


class CurrencySheetView(View):
    """One currency of a provider account, in minor units.

    ``provider_balance`` is null if the provider told none; then ``difference`` is 0.
    """

    currency: str
    opening: int
    movements: list[MovementTotalView]
    closing: int
    provider_balance: int | None
    difference: int
    lines: list[OpenLineView]

    @classmethod
    def of(cls, sheet: Reconciliation) -> Self:
        """Return the view of one currency."""
        return cls(
            currency=sheet.currency,
            opening=sheet.opening,
            movements=[MovementTotalView.of(total) for total in sheet.totals],
            closing=sheet.closing,
            provider_balance=sheet.told,
            difference=sheet.difference,
            lines=[OpenLineView.of(line) for line in sheet.lines],
        )


class ReconciliationView(View):
    """A provider account from ``since`` to ``until``, by currency.

    ``explained`` is false if balances differ, or an open amount has no harmless reason.
    ``not_told`` says why the provider told no balance. The lines are those of now, also for a day
    in the past.
    """

    object: Literal["reconciliation"] = "reconciliation"
    provider_account: ProviderAccountIdText
    since: datetime
    until: datetime
    explained: bool
    not_told: str | None
    currencies: list[CurrencySheetView]

    @classmethod
    def of(cls, found: AccountReconciliation) -> Self:
        """Return the view of a reconciliation."""
        return cls(
            provider_account=found.account_id,
            since=found.since,
            until=found.until,
            explained=found.is_explained,
            not_told=found.not_told,
            currencies=[CurrencySheetView.of(sheet) for sheet in found.currencies],
        )


class ReconciliationRoutes:
    """Handlers of reconciliations."""

    def __init__(self, reconciliations: Reconciliations) -> None:
        self._reconciliations = reconciliations

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.SETTLEMENT, "/v1/reconciliation", "reconciliation")
        routes.get("/{provider_account_id}", self.reconcile)
        return routes.router

    async def reconcile(
        self,
        caller: CallerOf,
        provider_account_id: ProviderAccountIdText,
        day: Day = None,
        zone: Zone = "UTC",
    ) -> ReconciliationView:
        """Compare our account of a day with the provider's balance, and name each open amount."""
        return ReconciliationView.of(
            await self._reconciliations.of_day(
                caller.merchant_id, ProviderAccountId(provider_account_id), day, zone
            )
        )
