"""``/v1/routing-rules``: read and replace a merchant's routing rules."""

from typing import Self

from fastapi import APIRouter

from groat.platform.http.edge import CallerOf, StrictRoute, View
from groat.routing.domain.rules import Rules
from groat.routing.infrastructure.documents import RuleDocument, RulesDocument
from groat.routing.service import RoutingService


class RulesView(View):
    """The rules in force, in order. The first rule that holds decides. Version 0 has no rules."""

    version: int
    rules: list[RuleDocument]

    @classmethod
    def of(cls, rules: Rules) -> Self:
        """Return the view of ``rules``."""
        return cls(version=rules.version, rules=RulesDocument.of(rules).rules)


def router(routing: RoutingService) -> APIRouter:
    """Return the routes of routing rules."""
    routes = APIRouter(prefix="/v1/routing-rules", tags=["routing"], route_class=StrictRoute)

    @routes.get("", summary="Get the routing rules")
    async def get_rules(caller: CallerOf) -> RulesView:
        return RulesView.of(await routing.rules(caller.merchant_id))

    @routes.put("", summary="Replace the routing rules")
    async def put_rules(body: RulesDocument, caller: CallerOf) -> RulesView:
        return RulesView.of(await routing.replace(caller, body.at(version=0)))

    return routes
