"""``/v1/disputes``: read customers' disputes."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query

from groat.kernel.ids import DisputeId
from groat.payments.domain.dispute import Dispute
from groat.payments.domain.lifecycle import DisputeStatus
from groat.payments.queries import PaymentQueries
from groat.platform.http.edge import CallerOf, StrictRoute, View
from groat.platform.http.ids import DisputeIdText, PaymentIdText, ProviderAccountIdText
from groat.platform.http.paging import Page, Paging, PagingDependency

PaymentQuery = Annotated[PaymentIdText | None, Query(description="Only disputes of this payment.")]


class DisputeView(View):
    """A customer's dispute, in minor units.

    The provider has taken ``withdrawn`` because of it, of which the beneficiary did not have
    ``shortfall``, and has given ``reinstated`` back.
    """

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
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, dispute: Dispute) -> Self:
        """Return the view of ``dispute``."""
        return cls(
            id=dispute.id,
            payment=dispute.payment_id,
            provider_account=dispute.provider_account_id,
            provider_reference=dispute.provider_reference,
            status=dispute.status,
            amount=dispute.amount,
            currency=dispute.currency,
            withdrawn=dispute.withdrawn,
            reinstated=dispute.reinstated,
            shortfall=dispute.shortfall or 0,
            created_at=dispute.created_at,
            updated_at=dispute.updated_at,
        )


def router(queries: PaymentQueries, paging: PagingDependency) -> APIRouter:
    """Return the routes of disputes."""
    routes = APIRouter(prefix="/v1/disputes", tags=["disputes"], route_class=StrictRoute)
    PagingOf = Annotated[Paging, Depends(paging)]  # noqa: N806 - a type

    @routes.get("", summary="List disputes")
    async def list_disputes(
        caller: CallerOf,
        paging: PagingOf,
        payment: PaymentQuery = None,
        status: DisputeStatus | None = None,
    ) -> Page[DisputeView]:
        before = DisputeId(paging.after_id) if paging.after_id else None
        rows = await queries.disputes(
            caller.merchant_id, payment, status, before=before, limit=paging.rows
        )
        return paging.page(rows, DisputeView.of, lambda row: row.id)

    @routes.get("/{dispute_id}", summary="Get a dispute")
    async def get(dispute_id: Annotated[DisputeIdText, Path()], caller: CallerOf) -> DisputeView:
        return DisputeView.of(await queries.dispute(caller.merchant_id, dispute_id))

    return routes
