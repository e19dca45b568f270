"""``/v1/suspense``: movements that nobody could attribute, and a person's decisions on them."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import Field

from groat.kernel.ids import ProviderAccountId
from groat.kernel.scopes import Room
from groat.movements.domain.attribution import Place
from groat.platform.http.edge import (
    AccountIdText,
    Body,
    CallerOf,
    ProviderAccountIdText,
    RouteTable,
    Text,
    View,
)
from groat.platform.http.keyed import KeyedOf
from groat.platform.http.paging import Limit, Page
from groat.providers.domain.movements import MovementCategory
from groat.settlement.service.suspense import DecidedMovement, MovementName, SuspenseService

AccountQuery = Annotated[
    ProviderAccountIdText | None, Query(description="Only movements of this provider account.")
]


class NamedMovement(Body):
    """A movement, by the provider's key of it."""

    provider_account: ProviderAccountIdText
    movement: Text = Field(examples=["txn_1"])

    @property
    def name(self) -> MovementName:
        """The name of the movement."""
        return MovementName(ProviderAccountId(self.provider_account), self.movement)


class NewAttribution(NamedMovement):
    """The provider's id of the charge or refund that a movement in suspense belongs to."""

    reference: Text = Field(examples=["ch_1"])


class NewDismissal(NamedMovement):
    """The account to which the gross amount of a movement in suspense goes."""

    account: AccountIdText


class NewRestoration(NamedMovement):
    """Why a movement goes back to suspense."""

    reason: Text


class PlacedMovementView(View):
    """A movement of the provider's books, in minor units, with the place of its gross amount.

    ``reason`` says why it stands in suspense. ``reference`` is the provider's object that it
    belongs to, or the account to which it was dismissed.
    """

    object: Literal["movement"] = "movement"
    provider_account: ProviderAccountIdText
    movement: str
    category: MovementCategory
    label: str
    occurred_at: datetime
    currency: str
    gross: int
    fee: int
    tax: int
    source: str | None
    place: Place
    reference: str | None
    reason: str | None
    since: datetime

    @classmethod
    def of(cls, decided: DecidedMovement) -> Self:
        """Return the view of a movement with its place."""
        movement, attribution = decided.placed.movement, decided.placed.attribution
        return cls(
            provider_account=decided.account_id,
            movement=movement.key,
            category=movement.category,
            label=movement.label,
            occurred_at=movement.occurred_at,
            currency=movement.currency,
            gross=movement.gross,
            fee=movement.fee,
            tax=movement.tax,
            source=movement.source,
            place=attribution.place,
            reference=attribution.reference,
            reason=attribution.reason,
            since=decided.since,
        )


class SuspenseRoutes:
    """Handlers of movements in suspense."""

    def __init__(self, suspense: SuspenseService) -> None:
        self._suspense = suspense

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.SETTLEMENT, "/v1/suspense", "suspense")
        routes.get("", self.list_suspense)
        routes.post("/attribute", self.attribute)
        routes.post("/dismiss", self.dismiss)
        routes.post("/restore", self.restore)
        return routes.router

    async def list_suspense(
        self, caller: CallerOf, provider_account: AccountQuery = None, limit: Limit = 100
    ) -> Page[PlacedMovementView]:
        """List the movements in suspense, oldest first.

        There is only one page: the list gets shorter as movements are attributed or dismissed.
        """
        found = await self._suspense.listed(caller.merchant_id, provider_account, limit=limit + 1)
        shown = [PlacedMovementView.of(one) for one in found[:limit]]
        return Page(data=shown, has_more=len(found) > limit)

    async def attribute(
        self, body: NewAttribution, caller: CallerOf, keyed: KeyedOf
    ) -> PlacedMovementView:
        """Attribute a movement in suspense to an object of the provider."""
        once = keyed.once(PlacedMovementView.of)
        return PlacedMovementView.of(
            await self._suspense.attribute(caller, body.name, body.reference, once)
        )

    async def dismiss(
        self, body: NewDismissal, caller: CallerOf, keyed: KeyedOf
    ) -> PlacedMovementView:
        """Move a movement in suspense to one of your accounts."""
        once = keyed.once(PlacedMovementView.of)
        return PlacedMovementView.of(
            await self._suspense.dismiss(caller, body.name, body.account, once)
        )

    async def restore(
        self, body: NewRestoration, caller: CallerOf, keyed: KeyedOf
    ) -> PlacedMovementView:
        """Take an attribution or a dismissal back, by a further posting."""
        once = keyed.once(PlacedMovementView.of)
        return PlacedMovementView.of(
            await self._suspense.restore(caller, body.name, body.reason, once)
        )
