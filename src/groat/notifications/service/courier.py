"""The courier: signs an event and posts it to an endpoint, if the endpoint's URL is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from groat.kernel import ids
from groat.kernel.clock import Clock
from groat.notifications.domain.delivery import Attempted, ClaimedDelivery, Reply, attempted
from groat.notifications.domain.endpoint import Secret, in_force, signatures
from groat.notifications.domain.feed import FeedEvent
from groat.notifications.infrastructure.connector import Connector
from groat.notifications.service.secrets import EndpointSecrets
from groat.platform.postgres.database import Database


class EventCourier:
    """Makes single attempts. Private addresses are refused, unless ``allow_private``."""

    def __init__(
        self,
        database: Database,
        secrets: EndpointSecrets,
        clock: Clock,
        random: Random,
        *,
        allow_private: bool,
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._clock = clock
        self._random = random
        self._connector = Connector(allow_private=allow_private)

    async def close(self) -> None:
        """Close all connections to endpoints."""
        await self._connector.close()

    async def require_public(self, url: str) -> None:
        """Refuse a URL that no webhook may go to; its host's addresses are looked up.

        Raises:
            InvalidRequest: ``invalid_webhook_url``.
        """
        await self._connector.require_public(url)

    async def deliver(self, delivery: ClaimedDelivery) -> Attempted:
        """Make one attempt, and return its result.

        Raises:
            ConfigurationError: ``wrong_master_key``; the secrets cannot be decrypted.
        """
        started = self._clock.now()
        secrets = in_force(await self._opened(delivery), started)
        reply = await self.post(delivery.url, secrets, delivery.event)
        return attempted(delivery, reply, started, self._clock.now(), self._random)

    async def post(self, url: str, secrets: Sequence[Secret], event: FeedEvent) -> Reply:
        """Post an event with its signatures, by Standard Webhooks 1.0, and return the reply."""
        event_id, body = ids.render("event", event.id), event.payload()
        timestamp = int(self._clock.now().timestamp())
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures(secrets, event_id, timestamp, body),
        }
        return await self._connector.post(url, headers, body)

    async def _opened(self, delivery: ClaimedDelivery) -> list[Secret]:
        known = self._secrets.remembered(delivery.secrets)
        if known is not None:
            return known
        async with self._database.autocommit() as connection:
            return await self._secrets.opened(
                connection, delivery.merchant_id, delivery.endpoint_id, delivery.secrets
            )
