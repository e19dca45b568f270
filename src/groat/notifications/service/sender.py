"""The sender: delivers events to webhook endpoints.

A claim is a lease, fenced by the number of the attempt. A delivery is a task of its own, so one
that waits for an answer holds up no other. Each endpoint has few places for requests under way:
one that does not answer fills its own places only. Results are written in batches.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from random import Random

import structlog

from groat.kernel.errors import Unavailable
from groat.kernel.ids import EndpointId
from groat.notifications.domain.delivery import Attempted, ClaimedDelivery, DeliveryStatus
from groat.notifications.infrastructure import deliveries as store
from groat.notifications.service.courier import EventCourier
from groat.notifications.service.health import EndpointHealth
from groat.platform.postgres.database import Database
from groat.platform.process.batching import Lane

PLACES = 50
"""Maximum requests under way to one endpoint, in each process."""

_LEASE = timedelta(seconds=30)
"""Duration of a claim. Must exceed the longest request, and the wait for its result's batch."""

_MOST_RESULTS = 200
"""Maximum results written at once."""

_MOST_WAITING = 10_000
"""Maximum results that wait to be written."""

_REST_SECONDS = 0.005
"""Seconds for which results gather after a batch. The events have arrived by then."""

_log = structlog.get_logger(__name__)


class Sender:
    """Claims due deliveries, sends them, and writes their results."""

    def __init__(
        self,
        database: Database,
        courier: EventCourier,
        health: EndpointHealth,
        random: Random,
    ) -> None:
        self._database = database
        self._courier = courier
        self._health = health
        self._random = random
        self._results: Lane[Attempted, None] = Lane(
            self._settle,
            most_in_batch=_MOST_RESULTS,
            most_waiting=_MOST_WAITING,
            rest_seconds=_REST_SECONDS,
        )
        # Requests under way, each with its endpoint.
        # Written by the task that claims, which adds; and by the done callback of each request.
        self._under_way: dict[asyncio.Task[None], EndpointId] = {}
        self.wanted = asyncio.Event()
        """Set when deliveries may be due or places may be free. Cleared by the task that claims."""

    async def quiet(self) -> None:
        """Return once no request is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def send_batch(self) -> int:
        """Claim due deliveries and begin to send them; return their number."""
        busy = Counter(self._under_way.values())
        async with self._database.autocommit() as connection:
            claimed = await store.claim(connection, _LEASE, PLACES, busy)
        for delivery in claimed:
            task = asyncio.create_task(self._deliver(delivery))
            self._under_way[task] = delivery.endpoint_id
            task.add_done_callback(self._under_way.pop)
        return len(claimed)

    async def _deliver(self, delivery: ClaimedDelivery) -> None:
        """Send one delivery, and write its result.

        Runs as a task of its own, so it logs a failure itself. The delivery is then due again when
        its lease ends.
        """
        try:
            await self._results.submit(await self._courier.deliver(delivery))
        except Unavailable as error:
            _log.warning("delivery_left_for_later", code=error.code)
        except Exception:  # noqa: BLE001 - the delivery is due again when its lease ends
            _log.exception("delivery_failed", event_id=str(delivery.event.id))

    async def _settle(self, results: Sequence[Attempted]) -> Sequence[None]:
        """Write the results of attempts, with the health of their endpoints."""
        async with self._database.transaction() as connection:
            if all(one.status is DeliveryStatus.DELIVERED for one in results):
                store.relax_commit(connection)
            await self._health.note(connection, results)
            store.settle(connection, results)
        self.wanted.set()
        return [None] * len(results)
