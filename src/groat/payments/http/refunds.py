"""``/v1/refunds``: refund captured payments, and read refunds."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import Field

from groat.kernel.ids import RefundId
from groat.kernel.scopes import Room
from groat.payments.domain.lifecycle import RefundStatus
from groat.payments.domain.refund import Refund, RefundFilter, RefundOrder, RefundOrigin
from groat.payments.http.payments import MetadataValue
from groat.payments.queries import PaymentQueries
from groat.payments.service.refunds import RefundService
from groat.platform.http.edge import (
    Body,
    CallerOf,
    PaymentIdText,
    RefundIdText,
    RouteTable,
    Text,
    View,
)
from groat.platform.http.filters import AmountFilterOf, MetadataFilterOf, ProviderQuery
from groat.platform.http.keyed import RequiredKeyOf
from groat.platform.http.paging import Page, PagingOf
from groat.providers.domain.failures import FailureCode

PaymentQuery = Annotated[PaymentIdText | None, Query(description="Only refunds of this payment.")]


class NewRefund(Body):
    """A refund of a payment, in minor units; without ``amount``, the whole refundable rest."""

    payment: PaymentIdText
    amount: int | None = Field(default=None, examples=[500])
    reason: Text | None = None
    metadata: dict[Text, MetadataValue] = Field(default_factory=dict, max_length=50)


class RefundView(View):
    """A refund, in minor units. While ``pending``, it is reserved on the beneficiary's account.

    A refund of the origin ``provider`` was made at the provider, for example on its pages.
    """

    object: Literal["refund"] = "refund"
    id: RefundIdText
    payment: PaymentIdText
    status: RefundStatus
    origin: RefundOrigin
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
            origin=refund.origin,
            amount=refund.amount,
            currency=refund.currency,
            reason=refund.reason,
            metadata=dict(refund.metadata),
            failure_code=refund.failure_code,
            created_at=refund.created_at,
            updated_at=refund.updated_at,
        )


class RefundRoutes:
    """Handlers of refunds."""

    def __init__(self, refunds: RefundService, queries: PaymentQueries) -> None:
        self._refunds = refunds
        self._queries = queries

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.PAYMENTS, "/v1/refunds", "refunds")
        routes.post("", self.create, status=HTTPStatus.CREATED)
        routes.get("", self.list_refunds)
        routes.get("/{refund_id}", self.get)
        return routes.router

    async def create(self, body: NewRefund, caller: CallerOf, keyed: RequiredKeyOf) -> RefundView:
        """Refund a payment, in whole or in part."""
        order = RefundOrder(body.payment, body.amount, body.reason, body.metadata)
        return RefundView.of(await self._refunds.refund(caller, order, keyed.once(RefundView.of)))

    async def list_refunds(
        self,
        caller: CallerOf,
        paging: PagingOf,
        amounts: AmountFilterOf,
        metadata: MetadataFilterOf,
        payment: PaymentQuery = None,
        status: RefundStatus | None = None,
        provider: ProviderQuery = None,
    ) -> Page[RefundView]:
        """List refunds."""
        after = RefundId(paging.after_id) if paging.after_id else None
        wanted = RefundFilter(payment, status, provider, amounts, metadata)
        rows = await self._queries.refunds(
            caller.merchant_id, wanted, after=after, limit=paging.rows
        )
        return paging.page(rows, RefundView.of, lambda row: row.id)

    async def get(self, refund_id: RefundIdText, caller: CallerOf) -> RefundView:
        """Get a refund."""
        return RefundView.of(await self._queries.refund(caller.merchant_id, refund_id))
