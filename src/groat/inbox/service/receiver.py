"""Receive webhooks: verify a delivery, store it, ring the doorbell, acknowledge.

An acknowledged delivery is committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import structlog

from groat.inbox.domain.event import EventKey, WebhookDelivery, merge, reused
from groat.inbox.infrastructure import events as store
from groat.kernel.clock import Clock
from groat.kernel.errors import BadRequest, GroatError, Unavailable
from groat.kernel.ids import IdSource, MerchantId, ProviderAccountId, ProviderEventId
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.platform.process.batching import Lane
from groat.platform.redis.jobs import Doorbell
from groat.platform.redis.seen import Seen
from groat.providers.guard import GuardedProvider
from groat.providers.port import Envelope, Rejection
from groat.providers.registry import ProviderRegistry

_log = structlog.get_logger(__name__)

_MAX_AT_ONCE = 200
"""Maximum deliveries in one batch."""
_MAX_WAITING = 2000
"""Maximum deliveries that wait for a batch. Further deliveries are refused as ``overloaded``."""

_INSERTS_AT_ONCE = 2
"""Maximum insert batches in flight.

While one is committed, the next is prepared. With more of them, each batch would be small.
"""

_LOOK_UP_REST_SECONDS, _LOOK_UP_REST_SECONDS_EACH = 0.003, 0.0002
"""Seconds of rest after a look-up in Redis: the maximum, and the share of each delivery in it.

A look-up costs more than it costs to store a delivery, so deliveries are gathered for it. After a
look-up for a single delivery the pause is short, and the next delivery hardly waits.
"""

_REST_SECONDS = 0.05
"""Seconds between two batches of counts or of notes in Redis.

No delivery waits for these, and a batch costs as much as many acknowledgements.
"""


class WebhookReceiver:
    """Verifies and stores deliveries. Those that arrive while a batch is written are the next.

    If Redis knows that an event is committed, its repetition is acknowledged without PostgreSQL.
    Repetitions are counted after the acknowledgement, so that it never waits for a lock that the
    drain holds on the event.
    """

    def __init__(
        self,
        database: Database,
        providers: ProviderRegistry,
        doorbell: Doorbell,
        seen: Seen,
        new_id: IdSource,
        clock: Clock,
    ) -> None:
        self._database = database
        self._providers = providers
        self._doorbell = doorbell
        self._seen = seen
        self._new_id = new_id
        self._clock = clock
        prompt = {"most_in_batch": _MAX_AT_ONCE, "most_waiting": _MAX_WAITING}
        self._looked_up: Lane[str, bool] = Lane(
            self._seen_before,
            **prompt,
            rest_seconds=_LOOK_UP_REST_SECONDS,
            rest_seconds_each=_LOOK_UP_REST_SECONDS_EACH,
        )
        self._inbox: Lane[WebhookDelivery, bool] = Lane(
            self._store, **prompt, most_running=_INSERTS_AT_ONCE
        )
        all_at_once = {"most_in_batch": _MAX_WAITING, "most_waiting": _MAX_WAITING}
        self._repeated: Lane[EventKey, None] = Lane(
            self._count, **all_at_once, rest_seconds=_REST_SECONDS
        )
        self._committed: Lane[str, None] = Lane(
            self._note, **all_at_once, rest_seconds=_REST_SECONDS
        )

    async def provider(
        self, merchant_id: MerchantId, account_id: ProviderAccountId
    ) -> GuardedProvider:
        """Return the adapter of a provider account, before the body of the request is read.

        Raises:
            NotFound: the merchant has no such provider account.
            Unavailable: the provider account could not be looked up.
        """
        kept = self._providers.kept(merchant_id, account_id)
        return kept or await self._providers.get(merchant_id, account_id)

    async def receive(
        self,
        provider: GuardedProvider,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Verify a delivery, store it and commit. After the return it may be acknowledged.

        Raises:
            BadRequest: the delivery is rejected; the code says why, and nothing is stored.
            Unavailable: the delivery could not be verified or stored; the provider will repeat it.
        """
        delivery = await self._verified(provider, merchant_id, account_id, headers, body)
        if self._seen.is_open and await self._looked_up.submit(delivery.name):
            self._repeated.post(delivery.key)
        elif not await self._inbox.submit(delivery):
            raise _rejected("transmission_reused")

    async def close(self) -> None:
        """Wait until all acknowledged deliveries are counted and noted in Redis."""
        for lane in (self._inbox, self._repeated, self._committed):
            await lane.quiet()

    async def _verified(
        self,
        provider: GuardedProvider,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        headers: Mapping[str, str],
        body: bytes,
    ) -> WebhookDelivery:
        now = self._clock.now()
        envelope = await provider.verify_webhook(headers, body, now)
        if not isinstance(envelope, Envelope):
            raise _rejected(envelope)
        if not envelope.is_storable:
            raise _rejected(Rejection.BODY_MALFORMED)
        return WebhookDelivery(
            merchant_id,
            account_id,
            envelope.event_id,
            ProviderEventId(self._new_id()),
            envelope.event_type,
            body,
            now,
            envelope.transmission_id,
        )

    async def _seen_before(self, names: Sequence[str]) -> list[bool]:
        seen = await self._seen.among(names)
        return [name in seen for name in names]

    async def _store(self, deliveries: Sequence[WebhookDelivery]) -> list[bool]:
        """Store and commit a batch; return for each delivery whether it was accepted."""
        events = merge(deliveries)
        async with self._database.autocommit() as connection:
            refused = await _refused(connection, events)
            taken = [event for event in events if event.key not in refused]
            new = await store.put(connection, taken) if taken else set()
        if new:
            self._doorbell.ring_soon(len(new))
        for event in taken:
            self._committed.post(event.name)
            if event.id not in new:
                for _ in range(event.count):
                    self._repeated.post(event.key)
        return [delivery.key not in refused for delivery in deliveries]

    async def _count(self, repeated: Sequence[EventKey]) -> list[None]:
        """Count repetitions and commit.

        The deliveries are acknowledged already, so a failure is logged here or never noticed.
        """
        try:
            async with self._database.autocommit() as connection:
                await store.count_repetitions(connection, Counter(repeated))
        except Exception:
            _log.exception("repetitions_not_counted", deliveries=len(repeated))
            raise
        return [None] * len(repeated)

    async def _note(self, names: Sequence[str]) -> list[None]:
        await self._seen.remember(names)
        return [None] * len(names)


async def _refused(connection: Connection, events: Sequence[WebhookDelivery]) -> set[EventKey]:
    """Return the keys of events that arrived with the transmission of another event.

    A transmission's signature is valid for one event only.
    """
    transmissions = {event.transmission for event in events if event.transmission is not None}
    if not transmissions:
        return set()
    return reused(events, await store.transmissions(connection, transmissions))


def _rejected(reason: str) -> GroatError:
    if reason == Rejection.CERTIFICATE_UNAVAILABLE:
        return Unavailable(reason, "The provider's certificate is unavailable; try again shortly.")
    if reason == Rejection.NOT_SUPPORTED:
        return BadRequest(reason, "This provider account receives no webhooks. Remove the address.")
    return BadRequest(reason, "The webhook is malformed, or its signature is not valid.")
