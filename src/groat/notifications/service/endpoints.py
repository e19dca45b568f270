"""Create and change webhook endpoints, and make their deliveries due again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from groat.audit.domain.record import Change, Scalar, Transition
from groat.audit.service.records import AuditService
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import Conflict
from groat.kernel.ids import EndpointId, EventId, IdSource, MerchantId
from groat.kernel.value import replace
from groat.notifications.domain.actions import EndpointAction
from groat.notifications.domain.delivery import Attempt, DeliveryStatus, EventDelivery
from groat.notifications.domain.endpoint import (
    Endpoint,
    EndpointStatus,
    EndpointUpdate,
    Secret,
    require_types,
    rotated,
)
from groat.notifications.infrastructure import deliveries
from groat.notifications.infrastructure import endpoints as store
from groat.notifications.infrastructure.endpoints import SealedEndpoint
from groat.notifications.service.courier import EventCourier
from groat.notifications.service.secrets import EndpointSecrets
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.platform.postgres.idempotency import UNKEYED, Once

_MOST_ENDPOINTS = 100
"""Maximum endpoints of a merchant."""


class WithSecret(NamedTuple):
    """An endpoint with its newest secret, which is shown once."""

    endpoint: Endpoint
    secret: Secret


class Recovered(NamedTuple):
    """Numbers of deliveries: dead ones that are due again, and missing ones that were added."""

    revived: int
    added: int


class DeliveryDetails(NamedTuple):
    """A delivery with its attempts, the oldest first."""

    delivery: EventDelivery
    attempts: list[Attempt]


class EndpointService:
    """The commands on webhook endpoints, and their deliveries."""

    def __init__(
        self,
        database: Database,
        audit: AuditService,
        secrets: EndpointSecrets,
        courier: EventCourier,
        new_id: IdSource,
        clock: Clock,
    ) -> None:
        self._database = database
        self._audit = audit
        self._secrets = secrets
        self._courier = courier
        self._new_id = new_id
        self._clock = clock

    async def create(
        self,
        caller: Caller,
        url: str,
        types: tuple[str, ...],
        once: Once[WithSecret] = UNKEYED,
    ) -> WithSecret:
        """Create an endpoint, which gets the events from now on.

        Raises:
            InvalidRequest: ``invalid_webhook_url`` or ``invalid_event_type``.
            Conflict: ``too_many_endpoints``.
        """
        await self._courier.require_public(url)
        now, secret = self._clock.now(), self._secrets.new()
        endpoint = Endpoint(
            EndpointId(self._new_id()),
            url,
            require_types(types),
            EndpointStatus.ENABLED,
            failing_since=None,
            created_at=now,
            updated_at=now,
        )
        made = WithSecret(endpoint, secret)
        async with self._database.transaction() as connection:
            await once.claim(connection)
            if len(await store.endpoints(connection, caller.merchant_id)) >= _MOST_ENDPOINTS:
                raise Conflict(
                    "too_many_endpoints",
                    f"A merchant has at most {_MOST_ENDPOINTS} webhook endpoints. Change one.",
                )
            merchant_id = caller.merchant_id
            sealed = await self._secrets.sealed(connection, merchant_id, endpoint.id, [secret])
            store.insert(connection, merchant_id, endpoint, sealed)
            await self._record(connection, caller, EndpointAction.CREATED, endpoint, url=url)
            once.answer(connection, made)
        return made

    async def update(
        self, caller: Caller, endpoint_id: EndpointId, update: EndpointUpdate
    ) -> Endpoint:
        """Change an endpoint. To enable it ends a pause, and its waiting deliveries go out.

        Raises:
            NotFound: the merchant has no such endpoint.
            InvalidRequest: ``invalid_webhook_url`` or ``invalid_event_type``.
        """
        if update.url is not None:
            await self._courier.require_public(update.url)
        if update.types is not None:
            update = update._replace(types=require_types(update.types))
        async with self._database.transaction() as connection:
            before = (await self._lock(connection, caller.merchant_id, endpoint_id)).endpoint
            after = update.applied(before, self._clock.now())
            store.update(connection, caller.merchant_id, after)
            await self._record(
                connection,
                caller,
                EndpointAction.UPDATED,
                after,
                url=after.url,
                status=after.status.value,
            )
        return after

    async def rotate_secret(
        self,
        caller: Caller,
        endpoint_id: EndpointId,
        keep: timedelta,
        once: Once[WithSecret] = UNKEYED,
    ) -> WithSecret:
        """Add a secret. The older ones go on signing beside it, for the time ``keep``.

        Raises:
            NotFound: the merchant has no such endpoint.
            InvalidRequest: ``too_many_secrets``.
        """
        now, new, merchant_id = self._clock.now(), self._secrets.new(), caller.merchant_id
        async with self._database.transaction() as connection:
            await once.claim(connection)
            found = await self._lock(connection, merchant_id, endpoint_id)
            old = await self._secrets.opened(connection, merchant_id, endpoint_id, found.secrets)
            secrets = rotated(old, new, keep, now)
            sealed = await self._secrets.sealed(connection, merchant_id, endpoint_id, secrets)
            store.update_secrets(connection, merchant_id, endpoint_id, sealed, now)
            action = EndpointAction.SECRET_ROTATED
            await self._record(connection, caller, action, found.endpoint)
            made = WithSecret(replace(found.endpoint, updated_at=now), new)
            once.answer(connection, made)
        return made

    async def test(
        self, caller: Caller, endpoint_id: EndpointId, once: Once[EventId] = UNKEYED
    ) -> EventId:
        """Make a test event for one endpoint; return its id.

        Raises:
            NotFound: the merchant has no such endpoint.
            Conflict: ``endpoint_not_enabled``.
        """
        async with self._database.transaction() as connection:
            await once.claim(connection)
            found = (await self._lock(connection, caller.merchant_id, endpoint_id)).endpoint
            if found.status is not EndpointStatus.ENABLED:
                raise Conflict(
                    "endpoint_not_enabled", f"The endpoint is {found.status}; enable it first."
                )
            event_id = await self._record(connection, caller, EndpointAction.TESTED, found)
            once.answer(connection, event_id)
        return event_id

    async def resend(
        self,
        caller: Caller,
        endpoint_id: EndpointId,
        event_id: EventId,
        once: Once[DeliveryDetails] = UNKEYED,
    ) -> DeliveryDetails:
        """Make one delivery due at once, also if it was delivered; return it with its attempts.

        Raises:
            NotFound: there is no such delivery.
        """
        async with self._database.transaction() as connection:
            await once.claim(connection)
            found = await self._lock(connection, caller.merchant_id, endpoint_id)
            due = await deliveries.resend(connection, caller.merchant_id, endpoint_id, event_id)
            ids.existing("event", event_id, due or None)
            event = ids.render("event", event_id)
            action = EndpointAction.RECOVERED
            await self._record(connection, caller, action, found.endpoint, event=event)
            details = await self._details(connection, caller.merchant_id, endpoint_id, event_id)
            once.answer(connection, details)
        return details

    async def recover(
        self,
        caller: Caller,
        endpoint_id: EndpointId,
        since: datetime,
        *,
        missing: bool,
        once: Once[Recovered] = UNKEYED,
    ) -> Recovered:
        """Make the dead deliveries of events since a time due again.

        With ``missing``, also add the deliveries of events that the endpoint never had.

        Raises:
            NotFound: the merchant has no such endpoint.
        """
        merchant_id = caller.merchant_id
        async with self._database.transaction() as connection:
            await once.claim(connection)
            found = await self._lock(connection, merchant_id, endpoint_id)
            revived = await deliveries.recover(connection, merchant_id, endpoint_id, since)
            added = 0
            if missing:
                added = await deliveries.add_missing(connection, merchant_id, endpoint_id, since)
            await self._record(
                connection,
                caller,
                EndpointAction.RECOVERED,
                found.endpoint,
                since=since.isoformat(),
                revived=revived,
                added=added,
            )
            once.answer(connection, Recovered(revived, added))
        return Recovered(revived, added)

    async def endpoint(self, merchant_id: MerchantId, endpoint_id: EndpointId) -> Endpoint:
        """Return an endpoint.

        Raises:
            NotFound: the merchant has no such endpoint.
        """
        async with self._database.autocommit() as connection:
            found = await store.find(connection, merchant_id, endpoint_id)
        return ids.existing("webhook_endpoint", endpoint_id, found)

    async def endpoints(self, merchant_id: MerchantId) -> list[Endpoint]:
        """Return the merchant's endpoints, oldest first."""
        async with self._database.autocommit() as connection:
            return await store.endpoints(connection, merchant_id)

    async def deliveries(
        self,
        merchant_id: MerchantId,
        endpoint_id: EndpointId,
        status: DeliveryStatus | None,
        *,
        before: EventId | None,
        limit: int,
    ) -> list[EventDelivery]:
        """Return deliveries, newest event first.

        Raises:
            NotFound: the merchant has no such endpoint.
        """
        await self.endpoint(merchant_id, endpoint_id)
        async with self._database.autocommit() as connection:
            return await deliveries.page(
                connection, merchant_id, endpoint_id, status, before, limit
            )

    async def delivery(
        self, merchant_id: MerchantId, endpoint_id: EndpointId, event_id: EventId
    ) -> DeliveryDetails:
        """Return a delivery with its attempts, oldest first.

        Raises:
            NotFound: there is no such delivery.
        """
        async with self._database.autocommit() as connection:
            return await self._details(connection, merchant_id, endpoint_id, event_id)

    async def _details(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        endpoint_id: EndpointId,
        event_id: EventId,
    ) -> DeliveryDetails:
        found, attempts = await deliveries.find(connection, merchant_id, endpoint_id, event_id)
        return DeliveryDetails(ids.existing("event", event_id, found), attempts)

    async def _lock(
        self, connection: Connection, merchant_id: MerchantId, endpoint_id: EndpointId
    ) -> SealedEndpoint:
        locked = await store.lock(connection, merchant_id, [endpoint_id])
        return ids.existing("webhook_endpoint", endpoint_id, locked.get(endpoint_id))

    async def _record(
        self,
        connection: Connection,
        caller: Caller,
        action: EndpointAction,
        endpoint: Endpoint,
        **data: Scalar,
    ) -> EventId:
        """Append the audit record; return the id of its event, if it has one."""
        change = Change.by(caller, action, "webhook_endpoint", endpoint.id, **data)
        change = replace(change, transition=Transition(endpoint, endpoint))
        now = self._clock.now()
        [record_id] = await self._audit.write(connection, caller.merchant_id, [change], now)
        return EventId(record_id)
