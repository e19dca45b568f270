"""``groat api``: the HTTP API and the providers' webhooks, in one process."""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import Awaitable, Iterator
from functools import partial
from importlib.metadata import version
from types import FrameType

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from groat.accounts.http.accounts import AccountRoutes
from groat.accounts.http.holds import HoldRoutes
from groat.accounts.http.transfers import TransferRoutes
from groat.app.metrics_port import metrics_port
from groat.app.openapi import describe
from groat.app.reference import add_reference
from groat.app.supervision import exit_with_parent
from groat.app.wiring import Engine, open_engine
from groat.audit.http import AuditRoutes, CheckpointRoutes
from groat.inbox.http.backfill import BackfillRoutes
from groat.inbox.http.door import WEBHOOK_PREFIX, WebhookDoor
from groat.inbox.http.events import ProviderEventRoutes
from groat.merchants.http.api_keys import ApiKeyRoutes
from groat.merchants.http.gate import Gate
from groat.merchants.http.provider_accounts import ProviderAccountRoutes
from groat.notifications.http.endpoints import EndpointRoutes
from groat.notifications.http.feed import FeedRoutes
from groat.payments.http.disputes import DisputeRoutes
from groat.payments.http.payment_queries import PaymentQueryRoutes
from groat.payments.http.payments import PaymentCommandRoutes
from groat.payments.http.refunds import RefundRoutes
from groat.platform.http.access import AccessLog
from groat.platform.http.bodies import BodyBudget
from groat.platform.http.guard import connection_limits, guarded
from groat.platform.http.middleware import LastResort, RequestIds
from groat.platform.http.probes import Health, probe_routes
from groat.platform.http.problems import install_problem_documents
from groat.platform.postgres.heartbeat import heartbeat
from groat.platform.postgres.queries import Query
from groat.platform.process.memory import settle_memory
from groat.platform.process.settings import Settings
from groat.platform.process.timings import ServerTiming
from groat.routing.http import RoutingRoutes
from groat.settlement.http.reconciliation import ReconciliationRoutes
from groat.settlement.http.suspense import SuspenseRoutes

_log = structlog.get_logger(__name__)

_PING = Query(b"select 1")


def create_api(engine: Engine) -> FastAPI:
    """Return the application that serves ``engine``."""
    api = FastAPI(
        title="Groat",
        version=version("groat"),
        redirect_slashes=False,
        docs_url=None,  # the framework's pages load scripts from the Internet
        redoc_url=None,
    )
    describe(api)
    add_reference(api)
    api.add_middleware(Gate, engine.api_keys, engine.rates)
    api.add_middleware(LastResort)
    api.add_middleware(AccessLog)
    api.add_middleware(RequestIds)
    api.add_middleware(ServerTiming)
    install_problem_documents(api)
    api.state.vault = engine.vault  # signs the cursors of lists
    api.state.answers = engine.answers  # of requests with an Idempotency-Key
    for router in _routers(engine):
        api.include_router(router)
    api.router.routes.extend(probe_routes(engine.health))

    @api.get("/healthz", include_in_schema=False)
    async def healthz() -> JSONResponse:
        async with engine.database.autocommit() as connection:
            await connection.fetch(_PING)
        return JSONResponse({"status": "ok"})

    return api


def _routers(engine: Engine) -> Iterator[APIRouter]:
    queries = engine.payment_queries
    yield AccountRoutes(engine.accounts, engine.account_queries).table()
    yield TransferRoutes(engine.transfers, engine.account_queries).table()
    yield HoldRoutes(engine.transfers, engine.account_queries).table()
    yield PaymentCommandRoutes(engine.payments, engine.recovery).table()
    yield PaymentQueryRoutes(queries, engine.routing, engine.audit).table()
    yield RefundRoutes(engine.refunds, queries).table()
    yield DisputeRoutes(queries).table()
    yield SuspenseRoutes(engine.suspense).table()
    yield ReconciliationRoutes(engine.reconciliations).table()
    yield RoutingRoutes(engine.routing).table()
    yield ApiKeyRoutes(engine.api_keys).table()
    yield ProviderAccountRoutes(engine.merchants).table()
    yield ProviderEventRoutes(engine.replay).table()
    yield BackfillRoutes(engine.backfill).table()
    yield FeedRoutes(engine.feed_queries).table()
    yield EndpointRoutes(engine.endpoints).table()
    yield AuditRoutes(engine.audit, engine.proofs).table()
    yield CheckpointRoutes(engine.proofs).table()


def create_app(engine: Engine) -> ASGIApp:
    """Return the application of ``engine``: the API, and the door for webhooks beside it."""
    return with_door(create_api(engine), engine)


def with_door(api: ASGIApp, engine: Engine) -> ASGIApp:
    """Return ``api`` with the door of ``engine`` beside it, and one budget for their bodies."""
    door = WebhookDoor(engine.receiver)

    def application(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        is_delivery = scope["type"] == "http" and scope["path"].startswith(WEBHOOK_PREFIX)
        return (door if is_delivery else api)(scope, receive, send)

    return BodyBudget(application)


async def serve_api(settings: Settings) -> None:
    """Serve until told to stop; then finish the requests that are under way.

    Raises:
        ConfigurationError: a setting is missing, or the process may open too few files.
    """
    limits = connection_limits(
        settings.api_connections,
        settings.api_connections_per_address,
        settings.database_connections,
    )
    if settings.allow_private_targets:
        _log.warning("private_targets_allowed", effect="webhooks may reach this network")
    async with (
        open_engine(settings) as engine,
        exit_with_parent(),
        heartbeat(engine.database, "api"),
        metrics_port(engine.database, engine.health, settings.metrics_host, settings.metrics_port),
    ):
        config = uvicorn.Config(
            create_app(engine),
            host=settings.api_host,
            port=settings.api_port,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            http=guarded(limits),
            ws="none",
            interface="asgi3",
            timeout_graceful_shutdown=math.ceil(settings.provider_timeout_seconds) + 5,
        )
        settle_memory()
        await _DrainingServer(config, engine.health, settings.drain_seconds).serve()


class _DrainingServer(uvicorn.Server):
    """A server that is not ready any more at SIGTERM, and goes on serving for ``drain_seconds``.

    A load balancer sends requests until it notices that the process is not ready.
    """

    def __init__(self, config: uvicorn.Config, health: Health, drain_seconds: float) -> None:
        super().__init__(config)
        self._health = health
        self._drain_seconds = drain_seconds
        self._loop = asyncio.get_running_loop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop. SIGINT, and a second SIGTERM, stop at once."""
        waits = sig == signal.SIGTERM and not self._health.stopping
        self._health.stopping = True
        if not waits:
            super().handle_exit(sig, frame)
            return
        leave = partial(super().handle_exit, sig, frame)
        self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_seconds, leave)
