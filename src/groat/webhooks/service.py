"""Webhooks: received and stored, then drained: each applied exactly once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random

import structlog

from groat.audit.domain.record import Cause
from groat.kernel.clock import Clock
from groat.kernel.errors import BadRequest, Unavailable
from groat.kernel.ids import IdSource, MerchantId, ProviderAccountId, WebhookEventId
from groat.payments.domain.lifecycle import Outcome
from groat.payments.domain.verdicts import Arrival
from groat.payments.facts import PaymentFacts
from groat.platform.batching import Lane
from groat.platform.checks import Check, checks_from
from groat.platform.database import Database
from groat.platform.jobs import Doorbell
from groat.providers.port import Answered, Envelope, Reply, Unknown
from groat.providers.registry import ProviderRegistry
from groat.webhooks.domain.event import ClaimedEvent, Delivery, merge
from groat.webhooks.domain.settling import Settlement, retry, settle
from groat.webhooks.infrastructure import store
from groat.webhooks.infrastructure.store import InboxCounts

_log = structlog.get_logger(__name__)

_MOST_IN_INSERT = 200
_MOST_WAITING = 5000
_MOST_IN_DRAIN = 300
_LEASE = timedelta(seconds=20)
"""How long the events of a worker that died wait for another. A live one that takes longer settles
nothing: see ``lock_claimed``."""
_CALLS_AT_ONCE = 16
_INTERPRET_SECONDS = 12.0  # all of a batch, at the same time: it must end well within the lease
_STORE_SECONDS = 20.0


class WebhookReceiver:
    """The acknowledgement path: verify, store, ring. An acknowledgement means committed."""

    def __init__(
        self,
        database: Database,
        providers: ProviderRegistry,
        doorbell: Doorbell,
        new_id: IdSource,
        clock: Clock,
    ) -> None:
        self._database = database
        self._providers = providers
        self._doorbell = doorbell
        self._new_id = new_id
        self._clock = clock
        self._inbox: Lane[Delivery, None] = Lane(
            self._store, most_in_batch=_MOST_IN_INSERT, most_waiting=_MOST_WAITING
        )

    async def receive(
        self,
        merchant_id: MerchantId,
        account_id: ProviderAccountId,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Store a delivery. On return it is committed and may be acknowledged.

        Raises:
            NotFound: no such provider account.
            BadRequest: the delivery is not believed; the code says why, and nothing is stored.
            Unavailable: it could not be stored; the provider will deliver it again.
        """
        provider = await self._providers.get(merchant_id, account_id)
        now = self._clock.now()
        rejection = await provider.verify_webhook(headers, body, now)
        envelope = rejection or provider.read_envelope(body)
        if not isinstance(envelope, Envelope):
            _log.warning("webhook_rejected", reason=envelope.value)
            raise BadRequest(
                envelope.value, "The webhook is not signed as it must be, or malformed."
            )
        delivery = Delivery(
            merchant_id,
            account_id,
            envelope.event_id,
            WebhookEventId(self._new_id()),
            envelope.event_type,
            body,
            now,
        )
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                await self._inbox.submit(delivery)
        except TimeoutError:
            raise Unavailable("overloaded", "It took too long to store; deliver again.") from None

    async def _store(self, deliveries: Sequence[Delivery]) -> list[None]:
        async with self._database.transaction() as connection:
            store.put(connection, merge(deliveries))
        await self._doorbell.ring()
        return [None] * len(deliveries)


class WebhookDrain:
    """Applies what the inbox holds, in batches, exactly once, however often it is tried."""

    def __init__(
        self,
        database: Database,
        facts: PaymentFacts,
        providers: ProviderRegistry,
        clock: Clock,
        random: Random,
    ) -> None:
        self._database = database
        self._facts = facts
        self._providers = providers
        self._clock = clock
        self._random = random
        self._calls = asyncio.Semaphore(_CALLS_AT_ONCE)

    async def drain_batch(self) -> int:
        """Claim what is due, ask providers where need be, apply; return how many were claimed."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            events = await store.claim(connection, now, now + _LEASE, _MOST_IN_DRAIN)
        replies = await asyncio.gather(*(self._interpret(event) for event in events))
        told: dict[MerchantId, list[tuple[ClaimedEvent, Reply]]] = defaultdict(list)
        for event, reply in zip(events, replies, strict=True):
            told[event.merchant_id].append((event, reply))
        for merchant_id, batch in told.items():
            try:
                await self._apply_or_split(merchant_id, batch)
            except Unavailable as error:  # the lease brings these back; the others need not wait
                _log.warning("webhooks_left_for_later", code=error.code, events=len(batch))
        return len(events)

    async def counts(self, merchant_id: MerchantId) -> InboxCounts:
        """Return how the merchant's inbox stands."""
        async with self._database.reading() as connection:
            return await store.counts(connection, merchant_id)

    async def _interpret(self, event: ClaimedEvent) -> Reply:
        """Return what the event says; whatever goes wrong with it is its own trouble alone."""
        try:
            async with asyncio.timeout(_INTERPRET_SECONDS), self._calls:
                provider = await self._providers.get(event.merchant_id, event.provider_account_id)
                return await provider.interpret_webhook(event.event_type, event.body)
        except Exception as error:  # noqa: BLE001 - an adapter is a guest in this house
            _log.warning("webhook_not_interpreted", event_type=event.event_type, exc_info=error)
            return Unknown(type(error).__name__)

    async def _apply_or_split(
        self, merchant_id: MerchantId, batch: Sequence[tuple[ClaimedEvent, Reply]]
    ) -> None:
        """Apply a batch; if that fails, its halves, so that one event cannot hold up the others."""
        try:
            await self._apply(merchant_id, batch)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._apply_or_split(merchant_id, batch[:middle])
                await self._apply_or_split(merchant_id, batch[middle:])
                return
            event, _ = batch[0]
            _log.exception("webhook_event_failed", event_type=event.event_type)
            settlement = retry(type(error).__name__, event.tries, self._random)
            async with self._database.transaction() as connection:
                store.settle(connection, merchant_id, [(event, settlement)], self._clock.now())

    async def _apply(
        self, merchant_id: MerchantId, batch: Sequence[tuple[ClaimedEvent, Reply]]
    ) -> None:
        """Apply a batch's facts and settle its events, in one transaction."""
        async with self._database.transaction() as connection:
            ours = await store.lock_claimed(connection, merchant_id, [event for event, _ in batch])
            mine = [(event, reply) for event, reply in batch if event.id in ours]
            arrivals = [
                (event, Arrival(event.provider_account_id, report, _cause(event)))
                for event, reply in mine
                if isinstance(reply, Answered)
                for report in reply.reports
            ]
            outcomes: dict[WebhookEventId, list[Outcome]] = defaultdict(list)
            applied = await self._facts.apply(
                connection, merchant_id, [arrival for _, arrival in arrivals]
            )
            for (event, _), verdict in zip(arrivals, applied, strict=True):
                outcomes[event.id].append(verdict.outcome)
            settlements = [
                (event, self._settlement(event, reply, outcomes[event.id])) for event, reply in mine
            ]
            store.settle(connection, merchant_id, settlements, self._clock.now())

    def _settlement(
        self, event: ClaimedEvent, reply: Reply, outcomes: Sequence[Outcome]
    ) -> Settlement:
        if isinstance(reply, Answered):
            return settle(outcomes, event.tries, self._random)
        return retry(reply.reason, event.tries, self._random)


def _cause(event: ClaimedEvent) -> Cause:
    return Cause.of("webhook_event", event.id)


def checks() -> list[Check]:
    """Return what must be true of the inbox."""
    return checks_from(
        store.QUERIES,
        {
            "events_are_accounted_for": "webhook event",
            "events_have_provider_accounts": "webhook event",
        },
    )
