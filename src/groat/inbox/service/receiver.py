"""The acknowledgement path: verify, store, ring. An acknowledgement means committed."""

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

_MOST_AT_ONCE = 200
_MOST_WAITING = 2000

_INSERTS_AT_ONCE = 2
"""While one is committed there is something to do. With more of them, each would be small."""

_LOOK_UP_REST_SECONDS, _LOOK_UP_REST_SECONDS_EACH = 0.003, 0.0002
"""Between two questions to Redis, each of which costs more than to take a delivery in. After one
that was for a single delivery, nobody who comes is kept waiting for long."""

_REST_SECONDS = 0.05
"""Between two batches of what is only noted. Each costs as much as many acknowledgements."""


class WebhookReceiver:
    """Takes deliveries in. Whatever waits while one batch is written is the next.

    A repetition that Redis knows of is acknowledged at once. All are counted afterwards, since the
    drain may be at work on the event, and an acknowledgement waits for nobody.
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
        prompt = {"most_in_batch": _MOST_AT_ONCE, "most_waiting": _MOST_WAITING}
        self._looked_up: Lane[str, bool] = Lane(
            self._seen_before,
            **prompt,
            rest_seconds=_LOOK_UP_REST_SECONDS,
            rest_seconds_each=_LOOK_UP_REST_SECONDS_EACH,
        )
        self._inbox: Lane[WebhookDelivery, bool] = Lane(
            self._store, **prompt, most_running=_INSERTS_AT_ONCE
        )
        all_at_once = {"most_in_batch": _MOST_WAITING, "most_waiting": _MOST_WAITING}
        self._repeated: Lane[EventKey, None] = Lane(
            self._count, **all_at_once, rest_seconds=_REST_SECONDS
        )
        self._committed: Lane[str, None] = Lane(
            self._note, **all_at_once, rest_seconds=_REST_SECONDS
        )

    async def provider(
        self, merchant_id: MerchantId, account_id: ProviderAccountId
    ) -> GuardedProvider:
        """Return the adapter of a provider account, before a body is read for it.

        Raises:
            NotFound: no such provider account.
            Unavailable: it could not be looked up.
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
        """Store a delivery. On return it is committed and may be acknowledged.

        Raises:
            BadRequest: the delivery is not believed; the code says why, and nothing is stored.
            Unavailable: it could not be verified or stored; the provider will deliver it again.
        """
        delivery = await self._verified(provider, merchant_id, account_id, headers, body)
        if self._seen.is_open and await self._looked_up.submit(delivery.name):
            self._repeated.post(delivery.key)
        elif not await self._inbox.submit(delivery):
            raise _rejected("transmission_reused")

    async def close(self) -> None:
        """Return once what was acknowledged is counted and noted, too."""
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
        rejection = await provider.verify_webhook(headers, body, now)
        envelope = rejection or provider.read_envelope(headers, body)
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
        """Commit a batch; answer for each whether it was taken."""
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
        """Count repetitions. They are acknowledged, so nobody else hears of a failure."""
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
    """Return the events that came with another's transmission, which is signed for that alone."""
    transmissions = {event.transmission for event in events if event.transmission is not None}
    if not transmissions:
        return set()
    return reused(events, await store.transmissions(connection, transmissions))


def _rejected(reason: str) -> GroatError:
    if reason == Rejection.CERTIFICATE_UNAVAILABLE:
        return Unavailable(reason, "The provider's certificate cannot be had; try again shortly.")
    return BadRequest(reason, "The webhook is not signed as it must be, or malformed.")
