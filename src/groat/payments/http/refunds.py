"""``/v1/refunds``: refund captured payments, and read refunds."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from groat.kernel.ids import RefundId
from groat.payments.domain.lifecycle import RefundStatus
from groat.payments.domain.refund import Refund, RefundOrder
from groat.payments.http.payments import (
    MetadataValue,
    request_key,
)
from groat.payments.queries import PaymentQueries
from groat.payments.service.payments import PaymentService
from groat.platform.http.edge import (
    Body,
    CallerOf,
    IdempotencyKey,
    StrictRoute,
    Text,
    View,
)
from groat.platform.http.ids import PaymentIdText, RefundIdText
from groat.platform.http.paging import (
    Page,
    Paging,
    PagingDependency,
)
from groat.providers.domain.failures import FailureCode

PaymentQuery = Annotated[PaymentIdText | None, Query(description="Only refunds of this payment.")]


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


def router(
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
