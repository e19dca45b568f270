"""``/v1/webhook-endpoints``: where events are delivered, and how that went."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import Field

from groat.kernel.ids import EventId
from groat.kernel.scopes import Access, Room
from groat.notifications.domain.delivery import Attempt, DeliveryStatus, EventDelivery
from groat.notifications.domain.endpoint import (
    MOST_TYPES,
    Endpoint,
    EndpointStatus,
    EndpointUpdate,
)
from groat.notifications.service.endpoints import (
    DeliveryDetails,
    EndpointService,
    Recovered,
    WithSecret,
)
from groat.platform.http.edge import (
    Body,
    CallerOf,
    EndpointIdText,
    EventIdText,
    Moment,
    NoFields,
    RouteTable,
    Text,
    View,
)
from groat.platform.http.keyed import KeyedOf
from groat.platform.http.paging import Page, PagingOf

_MOST_KEPT_SECONDS = 7 * 24 * 3600

Url = Annotated[str, Field(min_length=1, max_length=2048, examples=["https://example.com/hook"])]
Types = Annotated[list[Text], Field(min_length=1, max_length=MOST_TYPES, examples=[["payment.*"]])]


class NewEndpoint(Body):
    """A URL that takes events, and their types; ``*`` stands for all, ``payment.*`` for many."""

    url: Url
    types: Types = Field(default_factory=lambda: ["*"])


class EndpointPatch(Body):
    """The fields to change. ``enabled: true`` also ends a pause: all waiting deliveries go out."""

    url: Url | None = None
    types: Types | None = None
    enabled: bool | None = None


class Rotation(Body):
    """A rotation of the secret. The old secrets go on signing for ``keep_seconds``."""

    keep_seconds: int = Field(default=24 * 3600, ge=0, le=_MOST_KEPT_SECONDS)


class Recovery(Body):
    """A recovery: dead deliveries of events since a time become due again.

    With ``missing``, events that the endpoint never had are delivered too.
    """

    since: Moment
    missing: bool = False


class EndpointView(View):
    """A webhook endpoint.

    ``paused``: all deliveries failed for a day, and wait. ``disabled``: none is made.
    """

    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    id: EndpointIdText
    url: str
    types: list[str]
    status: EndpointStatus
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        """Return the view of ``endpoint``."""
        return cls(
            id=endpoint.id,
            url=endpoint.url,
            types=list(endpoint.types),
            status=endpoint.status,
            failing_since=endpoint.failing_since,
            created_at=endpoint.created_at,
            updated_at=endpoint.updated_at,
        )


class EndpointWithSecret(EndpointView):
    """A webhook endpoint with its new secret, which is shown this once."""

    secret: str

    @classmethod
    def of_secret(cls, made: WithSecret) -> Self:
        """Return the view of an endpoint with a new secret."""
        fields = EndpointView.of(made.endpoint).model_dump()
        return cls(**fields, secret=made.secret.text)


class TestedView(View):
    """The event that tests an endpoint. Its delivery shows the answer."""

    object: Literal["webhook_endpoint_test"] = "webhook_endpoint_test"
    event: EventIdText

    @classmethod
    def of(cls, event_id: EventId) -> Self:
        """Return the view of the test event."""
        return cls(event=event_id)


class RecoveredView(View):
    """Numbers of deliveries: dead ones that are due again, and missing ones that were added."""

    object: Literal["webhook_endpoint_recovery"] = "webhook_endpoint_recovery"
    revived: int
    added: int

    @classmethod
    def of(cls, recovered: Recovered) -> Self:
        """Return the view of ``recovered``."""
        return cls(revived=recovered.revived, added=recovered.added)


class DeliveryView(View):
    """The delivery of an event. ``due_at`` is the time of the next attempt; null at the end."""

    object: Literal["delivery"] = "delivery"
    event: EventIdText
    status: DeliveryStatus
    attempts: int
    due_at: datetime | None
    created_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, delivery: EventDelivery) -> Self:
        """Return the view of ``delivery``."""
        return cls(
            event=delivery.event_id,
            status=delivery.status,
            attempts=delivery.attempts,
            due_at=delivery.due_at if delivery.settled_at is None else None,
            created_at=delivery.created_at,
            settled_at=delivery.settled_at,
        )


class AttemptView(View):
    """An attempt: the status of the answer and its first bytes, or the ``error`` without one."""

    object: Literal["delivery_attempt"] = "delivery_attempt"
    number: int
    started_at: datetime
    latency_ms: int
    status_code: int | None
    error: str | None
    answer: str

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Return the view of ``attempt``."""
        return cls(
            number=attempt.number,
            started_at=attempt.started_at,
            latency_ms=attempt.latency_ms,
            status_code=attempt.status_code,
            error=attempt.error,
            answer=attempt.answer.decode(errors="replace"),
        )


class DeliveryDetailsView(DeliveryView):
    """A delivery with its attempts, the oldest first."""

    log: list[AttemptView]

    @classmethod
    def of_details(cls, found: DeliveryDetails) -> Self:
        """Return the view of a delivery with its attempts."""
        fields = DeliveryView.of(found.delivery).model_dump()
        return cls(**fields, log=list(map(AttemptView.of, found.attempts)))


class EndpointRoutes:
    """Handlers of webhook endpoints and their deliveries."""

    def __init__(self, endpoints: EndpointService) -> None:
        self._endpoints = endpoints

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.EVENTS, "/v1/webhook-endpoints", "webhook endpoints")
        routes.post("", self.create, Access.ADMIN, status=HTTPStatus.CREATED)
        routes.get("", self.list_endpoints)
        routes.get("/{endpoint_id}", self.get)
        routes.patch("/{endpoint_id}", self.update, Access.ADMIN)
        routes.post("/{endpoint_id}/rotate-secret", self.rotate_secret, Access.ADMIN)
        routes.post("/{endpoint_id}/test", self.test)
        routes.post("/{endpoint_id}/recover", self.recover, Access.ADMIN)
        routes.get("/{endpoint_id}/deliveries", self.list_deliveries)
        routes.get("/{endpoint_id}/deliveries/{event_id}", self.get_delivery)
        routes.post("/{endpoint_id}/deliveries/{event_id}/resend", self.resend, Access.ADMIN)
        return routes.router

    async def create(
        self, body: NewEndpoint, caller: CallerOf, keyed: KeyedOf
    ) -> EndpointWithSecret:
        """Create a webhook endpoint.

        Keep the `secret`, which is shown this once: it verifies the signatures of the deliveries
        (Standard Webhooks 1.0).
        """
        once = keyed.once(EndpointWithSecret.of_secret)
        made = await self._endpoints.create(caller, body.url, tuple(body.types), once)
        return EndpointWithSecret.of_secret(made)

    async def list_endpoints(self, caller: CallerOf) -> Page[EndpointView]:
        """List all webhook endpoints, oldest first. There is only one page."""
        found = await self._endpoints.endpoints(caller.merchant_id)
        return Page(data=list(map(EndpointView.of, found)))

    async def get(self, endpoint_id: EndpointIdText, caller: CallerOf) -> EndpointView:
        """Get a webhook endpoint."""
        return EndpointView.of(await self._endpoints.endpoint(caller.merchant_id, endpoint_id))

    async def update(
        self, endpoint_id: EndpointIdText, body: EndpointPatch, caller: CallerOf
    ) -> EndpointView:
        """Change a webhook endpoint."""
        types = None if body.types is None else tuple(body.types)
        update = EndpointUpdate(body.url, types, body.enabled)
        return EndpointView.of(await self._endpoints.update(caller, endpoint_id, update))

    async def rotate_secret(
        self,
        endpoint_id: EndpointIdText,
        caller: CallerOf,
        keyed: KeyedOf,
        body: Rotation | None = None,
    ) -> EndpointWithSecret:
        """Replace the secret of a webhook endpoint.

        For a while, deliveries carry the signatures of the old and the new secret.
        """
        keep = timedelta(seconds=(body or Rotation()).keep_seconds)
        once = keyed.once(EndpointWithSecret.of_secret)
        made = await self._endpoints.rotate_secret(caller, endpoint_id, keep, once)
        return EndpointWithSecret.of_secret(made)

    async def test(
        self,
        endpoint_id: EndpointIdText,
        caller: CallerOf,
        keyed: KeyedOf,
        _: NoFields | None = None,
    ) -> TestedView:
        """Send a test event to a webhook endpoint."""
        once = keyed.once(TestedView.of)
        return TestedView.of(await self._endpoints.test(caller, endpoint_id, once))

    async def recover(
        self, endpoint_id: EndpointIdText, body: Recovery, caller: CallerOf, keyed: KeyedOf
    ) -> RecoveredView:
        """Deliver the events since a time that a webhook endpoint lacks."""
        done = await self._endpoints.recover(
            caller,
            endpoint_id,
            body.since,
            missing=body.missing,
            once=keyed.once(RecoveredView.of),
        )
        return RecoveredView.of(done)

    async def list_deliveries(
        self,
        endpoint_id: EndpointIdText,
        caller: CallerOf,
        paging: PagingOf,
        status: DeliveryStatus | None = None,
    ) -> Page[DeliveryView]:
        """List deliveries to a webhook endpoint, newest event first."""
        before = EventId(paging.after_id) if paging.after_id else None
        rows = await self._endpoints.deliveries(
            caller.merchant_id, endpoint_id, status, before=before, limit=paging.rows
        )
        return paging.page(rows, DeliveryView.of, lambda row: row.event_id)

    async def get_delivery(
        self, endpoint_id: EndpointIdText, event_id: EventIdText, caller: CallerOf
    ) -> DeliveryDetailsView:
        """Get a delivery with its attempts."""
        found = await self._endpoints.delivery(caller.merchant_id, endpoint_id, event_id)
        return DeliveryDetailsView.of_details(found)

    async def resend(
        self,
        endpoint_id: EndpointIdText,
        event_id: EventIdText,
        caller: CallerOf,
        keyed: KeyedOf,
        _: NoFields | None = None,
    ) -> DeliveryDetailsView:
        """Deliver an event to a webhook endpoint again."""
        once = keyed.once(DeliveryDetailsView.of_details)
        found = await self._endpoints.resend(caller, endpoint_id, event_id, once)
        return DeliveryDetailsView.of_details(found)
