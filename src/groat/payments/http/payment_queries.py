"""``/v1/payments``: read payments, their records, and their routing decisions."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import Field, JsonValue

from groat.audit.domain.search import RecordFilter
from groat.audit.service.records import AuditService
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import PaymentId, RecordId
from groat.kernel.scopes import Room
from groat.payments.domain.dispute import DisputeDetails, DisputeFilter
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.payment import PaymentFilter
from groat.payments.domain.refund import Refund, RefundFilter
from groat.payments.http.disputes import DisputeView
from groat.payments.http.payments import PaymentDetailsView, PaymentView
from groat.payments.http.refunds import RefundView
from groat.payments.queries import PaymentQueries
from groat.platform.http.edge import (
    AccountIdText,
    CallerOf,
    PaymentIdText,
    RouteTable,
    Text,
)
from groat.platform.http.filters import (
    AmountFilterOf,
    MetadataFilterOf,
    ProviderAccountQuery,
    ProviderQuery,
    ProviderReferenceQuery,
)
from groat.platform.http.paging import Page, PagingOf
from groat.routing.service import RoutingService

EXPANDED_MAX = 100
"""Maximum refunds, and maximum disputes, that a payment shows. Their lists show the others."""

ExpandQuery = Annotated[
    tuple[Literal["refunds", "disputes"], ...],
    Query(
        alias="expand[]",
        max_length=2,
        description="Show these too: `refunds`, `disputes`. Give the parameter once for each.",
    ),
]


def _is_absent(value: object) -> bool:
    return value is None


class ExpandedPaymentView(PaymentDetailsView):
    """A payment with its operations, and with its newest refunds and disputes if asked for.

    ``refunds`` and ``disputes`` are absent unless ``expand[]`` names them. Each has the newest 100.
    """

    refunds: list[RefundView] | None = Field(default=None, exclude_if=_is_absent)
    disputes: list[DisputeView] | None = Field(default=None, exclude_if=_is_absent)

    def with_refunds(self, refunds: list[Refund]) -> Self:
        """Return the view with these refunds."""
        return self.model_copy(update={"refunds": list(map(RefundView.of, refunds))})

    def with_disputes(self, disputes: list[DisputeDetails]) -> Self:
        """Return the view with these disputes."""
        return self.model_copy(update={"disputes": list(map(DisputeView.of, disputes))})


class PaymentQueryRoutes:
    """Handlers that read payments."""

    def __init__(
        self, queries: PaymentQueries, routing: RoutingService, audit: AuditService
    ) -> None:
        self._queries = queries
        self._routing = routing
        self._audit = audit

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.PAYMENTS, "/v1/payments", "payments")
        routes.get("", self.list_payments)
        routes.get("/{payment_id}", self.get)
        routes.get("/{payment_id}/timeline", self.timeline)
        routes.get("/{payment_id}/routing", self.explain)
        return routes.router

    async def list_payments(
        self,
        caller: CallerOf,
        paging: PagingOf,
        amounts: AmountFilterOf,
        metadata: MetadataFilterOf,
        status: Status | None = None,
        beneficiary: Annotated[AccountIdText | None, Query()] = None,
        reference: Annotated[Text | None, Query(description="Your own reference.")] = None,
        provider: ProviderQuery = None,
        provider_account: ProviderAccountQuery = None,
        provider_reference: ProviderReferenceQuery = None,
    ) -> Page[PaymentView]:
        """List payments."""
        after = PaymentId(paging.after_id) if paging.after_id else None
        wanted = PaymentFilter(
            status,
            beneficiary,
            reference,
            provider,
            provider_account,
            provider_reference,
            amounts,
            metadata,
        )
        rows = await self._queries.payments(
            caller.merchant_id, wanted, after=after, limit=paging.rows
        )
        return paging.page(rows, PaymentView.of, lambda row: row.id)

    async def get(
        self, payment_id: PaymentIdText, caller: CallerOf, expand: ExpandQuery = ()
    ) -> ExpandedPaymentView:
        """Get a payment, with its refunds and disputes where ``expand[]`` names them."""
        found = await self._queries.payment(caller.merchant_id, payment_id)
        view = ExpandedPaymentView.of_details(found)
        if "refunds" in expand:
            view = view.with_refunds(await self._refunds(caller, payment_id))
        if "disputes" in expand:
            view = view.with_disputes(await self._disputes(caller, payment_id))
        return view

    async def timeline(
        self, payment_id: PaymentIdText, caller: CallerOf, paging: PagingOf
    ) -> Page[JsonValue]:
        """List the audit records of a payment."""
        await self._queries.payment(caller.merchant_id, payment_id)
        rows = await self._audit.page(
            caller.merchant_id,
            RecordFilter(object_id=payment_id),
            before=RecordId(paging.after_id) if paging.after_id else None,
            limit=paging.rows,
        )
        return paging.page(rows, lambda row: row[1], lambda row: row[0])

    async def explain(self, payment_id: PaymentIdText, caller: CallerOf) -> dict[str, JsonValue]:
        """Explain the routing decision of a payment."""
        await self._queries.payment(caller.merchant_id, payment_id)
        found = await self._routing.explain(caller.merchant_id, payment_id)
        if found is None:
            raise ids.not_found("routing_decision", ids.render("payment", payment_id))
        return {"object": "routing_decision", **found}

    async def _refunds(self, caller: Caller, payment_id: PaymentId) -> list[Refund]:
        wanted = RefundFilter(payment_id)
        return await self._queries.refunds(
            caller.merchant_id, wanted, after=None, limit=EXPANDED_MAX
        )

    async def _disputes(self, caller: Caller, payment_id: PaymentId) -> list[DisputeDetails]:
        wanted = DisputeFilter(payment_id)
        return await self._queries.disputes(
            caller.merchant_id, wanted, after=None, limit=EXPANDED_MAX
        )
