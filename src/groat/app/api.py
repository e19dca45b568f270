"""``groat api``: the HTTP API and the providers' webhooks, in one process."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.metadata import version

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

import groat.accounts.http
import groat.accounts.http_transfers
import groat.audit.http
import groat.payments.http
import groat.payments.http_refunds
import groat.payments.http_routing
import groat.webhooks.http_events
from groat.app.supervision import exit_with_parent
from groat.app.wiring import Engine, open_engine
from groat.merchants.http import Gate
from groat.platform.bodies import BodyBudget
from groat.platform.guard import connection_limits, guarded
from groat.platform.memory import settle_memory
from groat.platform.paging import PagingDependency, paging_by
from groat.platform.problems import install_problem_documents
from groat.platform.queries import Query
from groat.platform.request_ids import RequestIds
from groat.platform.settings import Settings
from groat.platform.timings import ServerTiming
from groat.webhooks.http import WebhookDoor

_PING = Query(b"select 1")


def create_api(engine: Engine) -> FastAPI:
    """Return the application that serves ``engine``."""
    api = FastAPI(title="Groat", version=version("groat"), redirect_slashes=False)
    api.add_middleware(Gate, engine.merchants)
    install_problem_documents(api)
    api.add_middleware(RequestIds)
    api.add_middleware(ServerTiming)
    for router in _routers(engine, paging_by(engine.cursors)):
        api.include_router(router)

    @api.get("/healthz", include_in_schema=False)
    async def healthz() -> JSONResponse:
        async with engine.database.autocommit() as connection:
            await connection.fetch(_PING)
        return JSONResponse({"status": "ok"})

    return api


def _routers(engine: Engine, paging: PagingDependency) -> Iterator[APIRouter]:
    payments, queries = engine.payments, engine.payment_queries
    yield groat.accounts.http.router(engine.accounts, paging)
    yield groat.accounts.http_transfers.transfer_router(engine.accounts)
    yield groat.accounts.http_transfers.hold_router(engine.accounts, paging)
    yield groat.payments.http.command_router(payments, engine.recovery)
    yield groat.payments.http.query_router(queries, engine.audit, paging)
    yield groat.payments.http_refunds.refund_router(payments, queries, paging)
    yield groat.payments.http_refunds.dispute_router(queries, paging)
    yield groat.payments.http_routing.routing_router(engine.routing, queries)
    yield groat.payments.http_routing.provider_account_router(engine.merchants)
    yield groat.webhooks.http_events.event_router(engine.replay, engine.cursors, paging)
    yield groat.webhooks.http_events.backfill_router(engine.backfill, engine.cursors)
    yield groat.audit.http.router(engine.audit, paging)


def create_app(engine: Engine) -> ASGIApp:
    """Return all that is served of ``engine``: the API, and before it where webhooks arrive."""
    return with_door(create_api(engine), engine)


def with_door(api: ASGIApp, engine: Engine) -> ASGIApp:
    """Return ``api`` behind the door of ``engine`` for webhooks, with one budget for bodies."""
    return BodyBudget(WebhookDoor(api, engine.receiver))


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
    async with open_engine(settings) as engine, exit_with_parent():
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
            timeout_graceful_shutdown=math.ceil(settings.provider_timeout_seconds) + 5,
        )
        settle_memory()
        await uvicorn.Server(config).serve()
