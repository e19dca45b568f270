"""Every part of the engine, put together: plain constructors, in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from random import Random, SystemRandom

from groat.accounts.domain.chart import Account
from groat.accounts.domain.kinds import CALLERS_KINDS, TransactionKinds
from groat.accounts.http.accounts import AccountView
from groat.accounts.queries import AccountQueries
from groat.accounts.service.accounts import AccountService
from groat.accounts.service.balance_events import BalanceEvents
from groat.accounts.service.claimed import ClaimedPosting
from groat.accounts.service.lanes import PostingLanes
from groat.accounts.service.locked import LockedPosting
from groat.accounts.service.postings import EnginePostings
from groat.accounts.service.transfers import TransferService
from groat.audit.service.keys import AuditKeys
from groat.audit.service.proofs import LogProofs
from groat.audit.service.publisher import CheckpointPublisher
from groat.audit.service.records import AuditService
from groat.audit.service.sealer import Sealer
from groat.inbox.service.applier import EventApplier
from groat.inbox.service.backfill import EventBackfill
from groat.inbox.service.conclusions import EventConclusions
from groat.inbox.service.drain import InboxDrain
from groat.inbox.service.interpreter import Interpreter
from groat.inbox.service.receiver import WebhookReceiver
from groat.inbox.service.rehearsal import EventRehearsal
from groat.inbox.service.replay import EventReplay
from groat.kernel import ids
from groat.kernel.clock import Clock, SystemClock
from groat.kernel.errors import Unavailable
from groat.kernel.ids import IdSource
from groat.merchants.domain.credentials import ProviderName
from groat.merchants.service.api_keys import ApiKeyService
from groat.merchants.service.merchants import MerchantService
from groat.movements.domain.postings import KINDS as MOVEMENT_KINDS
from groat.movements.queries import MovementQueries
from groat.movements.service import MovementService
from groat.notifications.domain.endpoint import Endpoint
from groat.notifications.http.endpoints import EndpointView
from groat.notifications.queries import FeedQueries
from groat.notifications.service.courier import EventCourier
from groat.notifications.service.endpoints import EndpointService
from groat.notifications.service.health import EndpointHealth
from groat.notifications.service.retention import EventRetention
from groat.notifications.service.secrets import EndpointSecrets
from groat.notifications.service.sender import Sender
from groat.notifications.service.sequencer import Sequencer
from groat.notifications.service.sink import EventSink, Show
from groat.payments.domain.dispute import DisputeDetails
from groat.payments.domain.payment import Payment
from groat.payments.domain.recipes import KINDS as PAYMENT_KINDS
from groat.payments.domain.refund import Refund
from groat.payments.http.disputes import DisputeView
from groat.payments.http.payments import PaymentView
from groat.payments.http.refunds import RefundView
from groat.payments.queries import PaymentQueries
from groat.payments.service.bookkeeper import Bookkeeper
from groat.payments.service.facts import PaymentFacts
from groat.payments.service.operations import CommandRunner, ProviderCalls
from groat.payments.service.payments import PaymentService
from groat.payments.service.recovery import PaymentRecovery
from groat.payments.service.refunds import RefundService
from groat.payments.service.resolution import ResolutionService
from groat.platform.crypto import MasterKeys, Vault
from groat.platform.http.probes import Health
from groat.platform.postgres.database import Database
from groat.platform.postgres.idempotency import StoredAnswers
from groat.platform.postgres.root_key import open_vault
from groat.platform.process.bulkhead import Bulkhead
from groat.platform.process.settings import Settings, decode_master_keys, require
from groat.platform.redis.breaker import Breakers
from groat.platform.redis.circuit import BreakerPolicy
from groat.platform.redis.jobs import Doorbell, RedisClient, connect_redis
from groat.platform.redis.rates import RateLimit, RateLimits
from groat.platform.redis.seen import Seen
from groat.providers.adapters import Adapter, credential_fields, installed_adapters
from groat.providers.registry import ProviderRegistry
from groat.providers.settlement_files import settlement_readers
from groat.routing.service import RoutingService
from groat.settlement.service.feed import MovementFeeds
from groat.settlement.service.files import SettlementFiles
from groat.settlement.service.opening import AccountOpenings
from groat.settlement.service.payouts import PayoutService
from groat.settlement.service.poster import MovementPoster
from groat.settlement.service.reconciliation import Reconciliations
from groat.settlement.service.suspense import SuspenseService

INBOX_QUEUE = "groat-inbox"
EVENTS_QUEUE = "groat-events"
BURST = 10
"""Seconds whose requests an API key may send at once."""
_OPEN_ATTEMPTS = 3
"""Attempts to reach the database at the start, each as long as the wait for a connection."""


@dataclass(frozen=True, slots=True)
class Base:
    """The connections, and the sources of time, ids and chance, that every room is built on."""

    database: Database
    vault: Vault
    redis: RedisClient | None
    clock: Clock
    new_id: IdSource
    random: Random


@dataclass(frozen=True)
class Ledger:
    """The parts of the rooms accounts, merchants, movements and audit."""

    audit: AuditService
    events_bell: Doorbell
    audit_keys: AuditKeys
    sealer: Sealer
    proofs: LogProofs
    publisher: CheckpointPublisher
    merchants: MerchantService
    api_keys: ApiKeyService
    rates: RateLimits
    answers: StoredAnswers
    accounts: AccountService
    balance_events: BalanceEvents
    account_queries: AccountQueries
    transfers: TransferService
    postings: EnginePostings
    movements: MovementService


@dataclass(frozen=True)
class Payments:
    """The parts of the rooms payments, routing and providers."""

    providers: ProviderRegistry
    routing: RoutingService
    payments: PaymentService
    refunds: RefundService
    resolution: ResolutionService
    payment_facts: PaymentFacts
    payment_queries: PaymentQueries
    recovery: PaymentRecovery


@dataclass(frozen=True)
class Inbox:
    """The parts of the room inbox."""

    doorbell: Doorbell
    receiver: WebhookReceiver
    drain: InboxDrain
    replay: EventReplay
    backfill: EventBackfill


@dataclass(frozen=True)
class Settlement:
    """The parts of the room settlement, and the reads of movements."""

    movement_queries: MovementQueries
    settlement_files: SettlementFiles
    movement_feeds: MovementFeeds
    openings: AccountOpenings
    suspense: SuspenseService
    reconciliations: Reconciliations
    payouts: PayoutService


@dataclass(frozen=True)
class Notifications:
    """The parts of the room notifications."""

    feed_queries: FeedQueries
    sequencer: Sequencer
    retention: EventRetention
    endpoints: EndpointService
    sender: Sender
    courier: EventCourier


@dataclass(frozen=True)
class Engine(Ledger, Payments, Inbox, Settlement, Notifications):
    """The parts that a process serves from: those of every room."""

    database: Database
    vault: Vault
    health: Health


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[Engine]:
    """Yield the engine with its connections open; close them at the end.

    Raises:
        ConfigurationError: the database or the master key is not set, the master key is not this
            database's, or an adapter cannot be used.
        Unavailable: the database is away.
    """
    adapters = installed_adapters()
    base = await _open(settings)
    ledger = _ledger(settings, base, adapters)
    payments = _payments(settings, base, ledger, adapters)
    inbox = _inbox(base, ledger, payments)
    settlement = _settlement(settings, base, ledger, payments, adapters)
    notifications = _notifications(settings, base, ledger)
    parts = (ledger, payments, inbox, settlement, notifications)
    async with AsyncExitStack() as stack:
        for close in (
            base.database.close,
            inbox.doorbell.close,
            ledger.events_bell.close,
            notifications.courier.close,
            notifications.sender.quiet,
            payments.providers.close,
            inbox.receiver.close,
            inbox.drain.finish,
        ):
            stack.push_async_callback(close)
        rooms = {name: part for room in parts for name, part in vars(room).items()}
        health = Health(base.database)
        yield Engine(**rooms, database=base.database, vault=base.vault, health=health)


def _ledger(settings: Settings, base: Base, adapters: Mapping[ProviderName, Adapter]) -> Ledger:
    database, new_id, clock = base.database, base.new_id, base.clock
    bell = Doorbell(base.redis, EVENTS_QUEUE)
    audit = AuditService(database, new_id, [EventSink(_shows(), bell)])
    keys = AuditKeys(database, audit, base.vault, new_id, clock)
    kinds = [*CALLERS_KINDS, *PAYMENT_KINDS.values(), *MOVEMENT_KINDS]
    queries = AccountQueries(database, TransactionKinds(kinds), clock)
    claimed = ClaimedPosting(database, audit, new_id, clock, least_gap=settings.ledger_claims)
    locked = LockedPosting(new_id)
    lanes = PostingLanes(database, audit, claimed, locked, clock)
    fields = credential_fields(adapters)
    merchants = MerchantService(database, audit, base.vault, new_id, clock, fields)
    proofs = LogProofs(database)
    postings = EnginePostings(claimed, locked, new_id)
    targets = [target.strip() for target in settings.audit_targets.split(",") if target.strip()]
    return Ledger(
        audit,
        bell,
        keys,
        Sealer(database, keys, clock),
        proofs,
        CheckpointPublisher(database, proofs, clock, targets),
        merchants,
        ApiKeyService(database, audit, base.vault, clock),
        RateLimits(base.redis, RateLimit(settings.rate_limit, BURST * settings.rate_limit)),
        StoredAnswers(database, merchants.data_key),
        AccountService(database, audit, new_id, clock),
        BalanceEvents(database, audit, clock),
        queries,
        TransferService(database, lanes, queries, clock),
        postings,
        MovementService(postings),
    )


def _payments(
    settings: Settings, base: Base, ledger: Ledger, adapters: Mapping[ProviderName, Adapter]
) -> Payments:
    database, audit, clock, random = base.database, ledger.audit, base.clock, base.random
    pending_for = timedelta(seconds=settings.pending_seconds)
    policy = BreakerPolicy(failures=settings.breaker_failures)
    breakers = Breakers(base.redis, base.vault, clock, policy, random)
    providers = ProviderRegistry(
        ledger.merchants, adapters, breakers, timeout_seconds=settings.provider_timeout_seconds
    )
    routing = RoutingService(database, ledger.merchants, audit, breakers, clock)
    bookkeeper = Bookkeeper(ledger.postings, ledger.movements)
    facts = PaymentFacts(bookkeeper, audit, clock, pending_for=pending_for)
    bulkhead = Bulkhead(settings.provider_calls)
    calls = ProviderCalls(database, facts, audit, providers, bulkhead, clock, random)
    runner = CommandRunner(database, audit, calls, clock, pending_for=pending_for)
    queries = PaymentQueries(database)
    return Payments(
        providers,
        routing,
        PaymentService(providers, routing, runner, queries, base.new_id),
        RefundService(ledger.postings, runner, base.new_id),
        ResolutionService(database, facts, queries),
        facts,
        queries,
        PaymentRecovery(database, calls, queries, providers, random),
    )


def _inbox(base: Base, ledger: Ledger, payments: Payments) -> Inbox:
    database, new_id, clock = base.database, base.new_id, base.clock
    providers, audit = payments.providers, ledger.audit
    doorbell = Doorbell(base.redis, INBOX_QUEUE)
    seen = Seen("inbox", base.redis, base.vault, database, clock)
    interpreter = Interpreter(providers)
    applier = EventApplier(payments.payment_facts, base.random)
    rehearsal = EventRehearsal(database, interpreter, applier)
    return Inbox(
        doorbell,
        WebhookReceiver(database, providers, doorbell, seen, new_id, clock),
        InboxDrain(
            database,
            interpreter,
            applier,
            payments.recovery,
            EventConclusions(audit, clock),
            doorbell,
            base.random,
        ),
        EventReplay(database, rehearsal, audit, doorbell, clock),
        EventBackfill(database, providers, rehearsal, audit, doorbell, new_id, clock),
    )


def _settlement(
    settings: Settings,
    base: Base,
    ledger: Ledger,
    payments: Payments,
    adapters: Mapping[ProviderName, Adapter],
) -> Settlement:
    queries = MovementQueries(base.database)
    poster = MovementPoster(
        base.database,
        payments.providers,
        payments.payment_facts,
        payments.payment_queries,
        queries,
        ledger.audit,
        base.clock,
    )
    openings = AccountOpenings(
        base.database, payments.providers, ledger.movements, ledger.audit, base.clock
    )
    files = SettlementFiles(
        base.database,
        ledger.merchants,
        ledger.movements,
        queries,
        poster,
        ledger.audit,
        base.clock,
        settlement_readers(adapters),
    )
    feeds = MovementFeeds(
        base.database,
        payments.providers,
        poster,
        pause=timedelta(seconds=settings.feed_seconds),
    )
    suspense = SuspenseService(base.database, ledger.movements, queries, ledger.audit, base.clock)
    reconciliations = Reconciliations(
        base.database,
        payments.providers,
        queries,
        base.clock,
        expected=timedelta(hours=settings.clearing_hours),
    )
    payouts = PayoutService(payments.providers, queries)
    return Settlement(queries, files, feeds, openings, suspense, reconciliations, payouts)


def _notifications(settings: Settings, base: Base, ledger: Ledger) -> Notifications:
    database, audit, clock = base.database, ledger.audit, base.clock
    secrets = EndpointSecrets(ledger.merchants)
    allow = settings.allow_private_targets
    courier = EventCourier(database, secrets, clock, base.random, allow_private=allow)
    sender = Sender(database, courier, EndpointHealth(audit, clock), base.random)
    return Notifications(
        FeedQueries(database),
        Sequencer(database, sender.wanted.set),
        EventRetention(database, clock),
        EndpointService(database, audit, secrets, courier, base.new_id, clock),
        sender,
        courier,
    )


def _shows() -> dict[type, Show]:
    """Return the function that shows each kind of object as the API does."""
    return {
        Payment: lambda payment: PaymentView.of(payment).model_dump(mode="json"),
        Refund: lambda refund: RefundView.of(refund).model_dump(mode="json"),
        DisputeDetails: lambda dispute: DisputeView.of(dispute).model_dump(mode="json"),
        Account: lambda account: AccountView.of(account).model_dump(mode="json"),
        Endpoint: lambda endpoint: EndpointView.of(endpoint).model_dump(mode="json"),
    }


async def _open(settings: Settings) -> Base:
    """Open the connections that ``settings`` name; leave none open on errors."""
    database = Database(
        require(settings.database_url, "DATABASE_URL"),
        max_connections=settings.database_connections,
        role=settings.role,
    )
    master_keys = decode_master_keys(require(settings.master_key, "MASTER_KEY"))
    vault = await _open_vault(database, MasterKeys(master_keys))
    redis_url = settings.redis_url
    redis = None if redis_url is None else connect_redis(redis_url.get_secret_value())
    return Base(database, vault, redis, SystemClock(), ids.uuid7, SystemRandom())


async def _open_vault(database: Database, master_keys: MasterKeys) -> Vault:
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
