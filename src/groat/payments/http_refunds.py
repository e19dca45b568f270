"""``/v1/refunds`` and ``/v1/disputes``: give money back, and look at what was given or taken."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from groat.kernel.ids import DisputeId, RefundId
from groat.payments.domain.dispute import Dispute
from groat.payments.domain.lifecycle import DisputeStatus, RefundStatus
from groat.payments.domain.refund import Refund, RefundOrder
from groat.payments.http import (
    MetadataValue,
    PaymentIdText,
    ProviderAccountIdText,
    RefundIdText,
    request_key,
)
from groat.payments.queries import PaymentQueries
from groat.payments.service import PaymentService
from groat.platform.http import (
    Body,
    CallerOf,
    IdempotencyKey,
    IdText,
    StrictRoute,
    Text,
    View,
)
from groat.platform.paging import Page, Paging, PagingDependency
from groat.providers.domain.failures import FailureCode

DisputeIdText = Annotated[DisputeId, IdText("dispute")]
PaymentQuery = Annotated[PaymentIdText | None, Query(description="Of one payment alone.")]


class NewRefund(Body):
    """What of a payment to give back, in minor units: all that is left of it without ``amount``."""

    payment: PaymentIdText
    amount: int | None = Field(default=None, examples=[500])
    reason: Text | None = None
    metadata: dict[Text, MetadataValue] = Field(default_factory=dict, max_length=50)


class RefundView(View):
    """A refund, in minor units. While it is ``pending``, the beneficiary's account reserves it."""

    id: RefundIdText
    payment: PaymentIdText
    status: RefundStatus
    amount: int
    currency: str
    reason: str | None
    metadata: dict[str, str]
    failure_code: FailureCode | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, refund: Refund) -> Self:
        """Return the view of ``refund``."""
        return cls(
            id=refund.id,
            payment=refund.payment_id,
            status=refund.status,
            amount=refund.amount,
            currency=refund.currency,
            reason=refund.reason,
            metadata=dict(refund.metadata),
            failure_code=refund.failure_code,
            created_at=refund.created_at,
            updated_at=refund.updated_at,
        )


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


def refund_router(
    payments: PaymentService, queries: PaymentQueries, paging: PagingDependency
) -> APIRouter:
    """Return the routes of refunds."""
    routes = APIRouter(prefix="/v1/refunds", tags=["refunds"], route_class=StrictRoute)
    PagingOf = Annotated[Paging, Depends(paging)]  # noqa: N806 - a type

    @routes.post("", status_code=201, summary="Refund a payment, or a part of it")
    async def create(
        body: NewRefund, caller: CallerOf, idempotency_key: IdempotencyKey = None
    ) -> RefundView:
        key = request_key(idempotency_key, "create refund", body)
        order = RefundOrder(body.payment, body.amount, body.reason, body.metadata)
        return RefundView.of(await payments.refund(caller, order, key))

    @routes.get("", summary="List refunds")
    async def list_refunds(
        caller: CallerOf,
        paging: PagingOf,
        payment: PaymentQuery = None,
        status: RefundStatus | None = None,
    ) -> Page[RefundView]:
        before = RefundId(paging.after_id) if paging.after_id else None
        rows = await queries.refunds(
            caller.merchant_id, payment, status, before=before, limit=paging.rows
        )
        return paging.page(rows, RefundView.of, lambda row: row.id)

    @routes.get("/{refund_id}", summary="Get a refund")
    async def get(refund_id: Annotated[RefundIdText, Path()], caller: CallerOf) -> RefundView:
        return RefundView.of(await queries.refund(caller.merchant_id, refund_id))

    return routes


def dispute_router(queries: PaymentQueries, paging: PagingDependency) -> APIRouter:
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
