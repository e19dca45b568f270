"""Every part of the engine, put together: plain constructors, in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from random import SystemRandom

from groat.accounts.service.accounts import AccountService
from groat.audit.service import AuditService
from groat.inbox.service.applier import EventApplier
from groat.inbox.service.backfill import EventBackfill
from groat.inbox.service.drain import InboxDrain
from groat.inbox.service.interpreter import Interpreter
from groat.inbox.service.receiver import WebhookReceiver
from groat.inbox.service.rehearsal import EventRehearsal
from groat.inbox.service.replay import EventReplay
from groat.kernel import ids
from groat.kernel.clock import SystemClock
from groat.kernel.errors import Unavailable
from groat.merchants.service import MerchantService
from groat.payments.queries import PaymentQueries
from groat.payments.service.calls import ProviderCalls
from groat.payments.service.facts import PaymentFacts
from groat.payments.service.payments import PaymentService
from groat.payments.service.recovery import PaymentRecovery
from groat.platform.crypto import MasterKeys, Vault
from groat.platform.http.paging import Cursors
from groat.platform.postgres.database import Database
from groat.platform.postgres.root_key import open_vault
from groat.platform.process.bulkhead import Bulkhead
from groat.platform.process.settings import (
    Settings,
    decode_master_keys,
    require,
)
from groat.platform.redis.breaker import BreakerPolicy, Breakers
from groat.platform.redis.jobs import Doorbell, connect_redis
from groat.platform.redis.seen import Seen
from groat.providers.adapters import credential_fields, installed_adapters
from groat.providers.registry import ProviderRegistry
from groat.routing.service import RoutingService

INBOX_QUEUE = "groat-inbox"
_OPEN_ATTEMPTS = 3
"""Attempts to reach the database at the start, each as long as the wait for a connection."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts that a process serves from."""

    database: Database
    cursors: Cursors
    audit: AuditService
    merchants: MerchantService
    accounts: AccountService
    payments: PaymentService
    payment_facts: PaymentFacts
    payment_queries: PaymentQueries
    routing: RoutingService
    recovery: PaymentRecovery
    receiver: WebhookReceiver
    drain: InboxDrain
    replay: EventReplay
    backfill: EventBackfill


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[Engine]:
    """Yield the engine with its connections open; close them at the end.

    Raises:
        ConfigurationError: the database or the master key is not set, the master key is not this
            database's, or an adapter cannot be used.
        Unavailable: the database is away.
    """
    clock, new_id, random = SystemClock(), ids.uuid7, SystemRandom()
    adapters = installed_adapters()
    database = Database(
        require(settings.database_url, "DATABASE_URL"),
        max_connections=settings.database_connections,
        role=settings.role,
    )
    master_keys = decode_master_keys(require(settings.master_key, "MASTER_KEY"))
    vault = await _open(database, MasterKeys(master_keys))
    redis_url = settings.redis_url
    redis = None if redis_url is None else connect_redis(redis_url.get_secret_value())
    doorbell = Doorbell(redis, INBOX_QUEUE)

    audit = AuditService(database, new_id)
    merchants = MerchantService(database, audit, vault, new_id, clock, credential_fields(adapters))
    accounts = AccountService(database, audit, new_id, clock)
    providers = ProviderRegistry(
        merchants, adapters, timeout_seconds=settings.provider_timeout_seconds
    )
    pending_for = timedelta(seconds=settings.pending_seconds)
    breakers = Breakers(
        redis, vault, clock, BreakerPolicy(failures=settings.breaker_failures), random
    )
    routing = RoutingService(database, merchants, audit, breakers, clock)
    facts = PaymentFacts(accounts, audit, clock, pending_for=pending_for)
    bulkhead = Bulkhead(settings.provider_calls)
    calls = ProviderCalls(database, facts, audit, providers, breakers, bulkhead, clock, random)
    queries = PaymentQueries(database)
    payments = PaymentService(
        database,
        accounts,
        audit,
        providers,
        routing,
        calls,
        facts,
        queries,
        new_id,
        clock,
        pending_for=pending_for,
    )
    recovery = PaymentRecovery(database, calls, queries, providers, random)
    seen = Seen("inbox", redis, vault, database, clock)
    receiver = WebhookReceiver(database, providers, doorbell, seen, new_id, clock)
    interpreter, event_facts = Interpreter(providers), EventApplier(facts, random)
    drain = InboxDrain(database, interpreter, event_facts, recovery, doorbell, random)

    rehearsal = EventRehearsal(database, interpreter, event_facts)
    replay = EventReplay(database, rehearsal, audit, doorbell, clock)
    backfill = EventBackfill(database, providers, rehearsal, audit, doorbell, new_id, clock)

    async with AsyncExitStack() as stack:
        for close in (
            database.close,
            doorbell.close,
            providers.close,
            receiver.close,
            drain.finish,
        ):
            stack.push_async_callback(close)
        yield Engine(
            database,
            Cursors(vault),
            audit,
            merchants,
            accounts,
            payments,
            facts,
            queries,
            routing,
            recovery,
            receiver,
            drain,
            replay,
            backfill,
        )


async def _open(database: Database, master_keys: MasterKeys) -> Vault:
    """Open the database, and the vault that its root key is in; leave neither open on errors.

    A process that starts while PostgreSQL starts again waits for it, about 15 seconds.
    """
    await database.open()
    try:
        for _ in range(_OPEN_ATTEMPTS - 1):
            with suppress(Unavailable):
                return await open_vault(database, master_keys)
        return await open_vault(database, master_keys)
    except BaseException:
        await database.close()
        raise
