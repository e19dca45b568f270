"""``/v1/disputes``: read customers' disputes."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query

from groat.kernel.ids import DisputeId
from groat.kernel.scopes import Room
from groat.payments.domain.dispute import DisputeDetails, DisputeFilter
from groat.payments.domain.lifecycle import DisputeStatus
from groat.payments.queries import PaymentQueries
from groat.platform.http.edge import (
    CallerOf,
    DisputeIdText,
    PaymentIdText,
    ProviderAccountIdText,
    RouteTable,
    View,
)
from groat.platform.http.filters import (
    AmountFilterOf,
    ProviderAccountQuery,
    ProviderQuery,
    ProviderReferenceQuery,
)
from groat.platform.http.paging import Page, PagingOf

PaymentQuery = Annotated[PaymentIdText | None, Query(description="Only disputes of this payment.")]


class DisputeView(View):
    """A customer's dispute of a capture, in minor units. ``amount`` may exceed the captured amount.

    The provider has taken ``withdrawn`` and has given ``reinstated`` back. ``shortfall`` is the
    part of ``withdrawn`` that the beneficiary's account lacked. ``fee`` is in ``fee_currency``, the
    currency in which the provider settles; null if it moved no money.
    """

    object: Literal["dispute"] = "dispute"
    id: DisputeIdText
    payment: PaymentIdText
    provider_account: ProviderAccountIdText
    provider_reference: str
    status: DisputeStatus
    amount: int
    currency: str
    withdrawn: int
    reinstated: int
    shortfall: int
    fee: int
    fee_currency: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, details: DisputeDetails) -> Self:
        """Return the view of a dispute with its money."""
        dispute, money = details.dispute, details.money
        return cls(
            id=dispute.id,
            payment=dispute.payment_id,
            provider_account=dispute.provider_account_id,
            provider_reference=dispute.provider_reference,
            status=dispute.status,
            amount=dispute.amount,
            currency=dispute.currency,
            withdrawn=money.withdrawn,
            reinstated=money.reinstated,
            shortfall=money.shortfall,
            fee=money.fee,
            fee_currency=money.fee_currency,
            created_at=dispute.created_at,
            updated_at=dispute.updated_at,
        )


class DisputeRoutes:
    """Handlers of disputes."""

    def __init__(self, queries: PaymentQueries) -> None:
        self._queries = queries

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.PAYMENTS, "/v1/disputes", "disputes")
        routes.get("", self.list_disputes)
        routes.get("/{dispute_id}", self.get)
        return routes.router

    async def list_disputes(
        self,
        caller: CallerOf,
        paging: PagingOf,
        amounts: AmountFilterOf,
        payment: PaymentQuery = None,
        status: DisputeStatus | None = None,
        provider: ProviderQuery = None,
        provider_account: ProviderAccountQuery = None,
        provider_reference: ProviderReferenceQuery = None,
    ) -> Page[DisputeView]:
        """List disputes."""
        after = DisputeId(paging.after_id) if paging.after_id else None
        wanted = DisputeFilter(
            payment, status, provider, provider_account, provider_reference, amounts
        )
        rows = await self._queries.disputes(
            caller.merchant_id, wanted, after=after, limit=paging.rows
        )
        return paging.page(rows, DisputeView.of, lambda row: row.dispute.id)

    async def get(self, dispute_id: DisputeIdText, caller: CallerOf) -> DisputeView:
        """Get a dispute."""
        return DisputeView.of(await self._queries.dispute(caller.merchant_id, dispute_id))
