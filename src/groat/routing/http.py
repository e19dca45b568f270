"""``/v1/routing-rules``: read and replace a merchant's routing rules."""

from typing import Literal, Self

from fastapi import APIRouter

from groat.kernel.scopes import Access, Room
from groat.platform.http.edge import CallerOf, RouteTable, View
from groat.routing.domain.rules import RulesInForce
from groat.routing.infrastructure.documents import RuleDocument, RulesDocument
from groat.routing.service import RoutingService


class RulesView(View):
    """The rules in force, in order. The first rule that holds decides. Version 0 has no rules."""

    object: Literal["routing_rules"] = "routing_rules"
    version: int
    rules: list[RuleDocument]

    @classmethod
    def of(cls, in_force: RulesInForce) -> Self:
        """Return the view of the rules ``in_force``."""
        return cls(version=in_force.version, rules=RulesDocument.of(in_force.rules).rules)


class RoutingRoutes:
    """Handlers of routing rules."""

    def __init__(self, routing: RoutingService) -> None:
        self._routing = routing

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.ROUTING, "/v1/routing-rules", "routing")
        routes.get("", self.get_rules)
        routes.put("", self.put_rules, Access.ADMIN)
        return routes.router

    async def get_rules(self, caller: CallerOf) -> RulesView:
        """Get the routing rules."""
        return RulesView.of(await self._routing.rules(caller.merchant_id))

    async def put_rules(self, body: RulesDocument, caller: CallerOf) -> RulesView:
        """Replace the routing rules."""
        return RulesView.of(await self._routing.replace(caller, body.to_rules()))
