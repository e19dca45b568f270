"""``/v1/routing-rules`` and ``/v1/provider-accounts``: where payments go, and why."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path
from pydantic import JsonValue

from groat.kernel import ids
from groat.merchants.domain.credentials import ProviderAccountName
from groat.merchants.service import MerchantService
from groat.payments.domain.routing import Rules
from groat.payments.http import PaymentIdText, ProviderAccountIdText
from groat.payments.infrastructure.routing_documents import RuleDocument, RulesDocument
from groat.payments.queries import PaymentQueries
from groat.payments.routing import RoutingService
from groat.platform.http import CallerOf, StrictRoute, View


class RulesView(View):
    """The rules in force, in order: the first that holds decides. Version 0 has none."""

    version: int
    rules: list[RuleDocument]

    @classmethod
    def of(cls, rules: Rules) -> Self:
        """Return the view of ``rules``."""
        return cls(version=rules.version, rules=RulesDocument.of(rules).rules)


class ProviderAccountView(View):
    """A merchant's account at a provider; its credentials are never shown."""

    id: ProviderAccountIdText
    provider: str
    name: str
    created_at: datetime

    @classmethod
    def of(cls, account: ProviderAccountName) -> Self:
        """Return the view of ``account``."""
        return cls(
            id=account.id,
            provider=account.provider,
            name=account.name,
            created_at=account.created_at,
        )


class ProviderAccounts(View):
    """All of a merchant's provider accounts, the oldest first: there are a few."""

    data: list[ProviderAccountView]


def routing_router(routing: RoutingService, queries: PaymentQueries) -> APIRouter:
    """Return the routes of routing."""
    routes = APIRouter(prefix="/v1", tags=["routing"], route_class=StrictRoute)

    @routes.get("/routing-rules", summary="Get the routing rules")
    async def get_rules(caller: CallerOf) -> RulesView:
        return RulesView.of(await routing.rules(caller.merchant_id))

    @routes.put("/routing-rules", summary="Replace the routing rules")
    async def put_rules(body: RulesDocument, caller: CallerOf) -> RulesView:
        return RulesView.of(await routing.replace(caller, body))

    @routes.get("/payments/{payment_id}/routing", summary="Explain where a payment went")
    async def explain(
        payment_id: Annotated[PaymentIdText, Path()], caller: CallerOf
    ) -> dict[str, JsonValue]:
        await queries.payment(caller.merchant_id, payment_id)
        found = await routing.explain(caller.merchant_id, payment_id)
        if found is None:
            raise ids.not_found("routing_decision", ids.render("payment", payment_id))
        return dict(found)

    return routes


def provider_account_router(merchants: MerchantService) -> APIRouter:
    """Return the routes of provider accounts."""
    routes = APIRouter(prefix="/v1/provider-accounts", tags=["routing"], route_class=StrictRoute)

    @routes.get("", summary="List provider accounts")
    async def list_accounts(caller: CallerOf) -> ProviderAccounts:
        listed = await merchants.provider_accounts(caller.merchant_id)
        return ProviderAccounts(data=list(map(ProviderAccountView.of, listed)))

    return routes
