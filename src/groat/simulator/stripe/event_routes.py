"""The HTTP routes of events and webhook endpoints."""

from __future__ import annotations

from starlette.requests import Request

from groat.simulator.stripe import objects
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.errors import invalid_request
from groat.simulator.stripe.exchange import Row, found, listed, text
from groat.simulator.stripe.model import StripeEvent
from groat.simulator.stripe.requests import ListPage, PageOfEvents, WebhookEndpointRequest, parse
from groat.simulator.wire import Answer, answer

LISTED_SECONDS = 30 * 24 * 3600
"""Maximum age in seconds of events in a list."""


class EventRoutes:
    """The routes under ``/v1/events`` and ``/v1/webhook_endpoints``."""

    def __init__(self, account: StripeAccount) -> None:
        self._account = account

    def rows(self) -> list[Row]:
        """Return the routes."""
        return [
            ("GET", "/v1/events", self.list_events),
            ("GET", "/v1/events/{id}", self.show_event),
            ("POST", "/v1/webhook_endpoints", self.create_endpoint),
            ("GET", "/v1/webhook_endpoints", self.list_endpoints),
            ("GET", "/v1/webhook_endpoints/{id}", self.show_endpoint),
            ("DELETE", "/v1/webhook_endpoints/{id}", self.delete_endpoint),
        ]

    async def show_event(self, request: Request) -> Answer:
        """Answer with an event."""
        event = found(self._account.events, request, "event")
        return answer(200, self._account.render_event(event))

    async def list_events(self, request: Request) -> Answer:
        """Answer with a page of events."""
        page = parse(PageOfEvents, request.url.query)
        if page.type is not None and page.types:
            raise invalid_request("You may only pass one of type and types.", param="type")
        oldest = self._account.now() - LISTED_SECONDS

        def wanted(event: StripeEvent) -> bool:
            delivered = "false" if self._account.courier.open_deliveries(event.id) else "true"
            return (
                page.wants(event.type)
                and event.created >= oldest
                and page.created.holds(event.created)
                and page.delivery_success in {None, delivered}
            )

        events, render = self._account.events, self._account.render_event
        return listed(self._account, request, page, events, wanted, render)

    async def create_endpoint(self, request: Request) -> Answer:
        """Create a webhook endpoint and answer with its secret."""
        endpoint = self._account.add_endpoint(parse(WebhookEndpointRequest, await text(request)))
        return answer(200, {**objects.webhook_endpoint(endpoint), "secret": endpoint.secret})

    async def list_endpoints(self, request: Request) -> Answer:
        """Answer with a page of webhook endpoints."""
        page = parse(ListPage, request.url.query)
        endpoints, render = self._account.endpoints, objects.webhook_endpoint
        return listed(self._account, request, page, endpoints, lambda _: True, render)

    async def show_endpoint(self, request: Request) -> Answer:
        """Answer with a webhook endpoint."""
        endpoint = found(self._account.endpoints, request, "webhook endpoint")
        return answer(200, objects.webhook_endpoint(endpoint))

    async def delete_endpoint(self, request: Request) -> Answer:
        """Delete a webhook endpoint."""
        endpoint = found(self._account.endpoints, request, "webhook endpoint")
        del self._account.endpoints[endpoint.id]
        return answer(200, {"id": endpoint.id, "object": "webhook_endpoint", "deleted": True})
