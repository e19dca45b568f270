"""``groat api``: the HTTP API and the providers' webhooks, in one process."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.metadata import version

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from groat.accounts.http import accounts, transfers
from groat.app.supervision import exit_with_parent
from groat.app.wiring import Engine, open_engine
from groat.audit import http as audit
from groat.inbox.http import backfill, events
from groat.inbox.http.door import WebhookDoor
from groat.merchants.http import provider_accounts
from groat.merchants.http.gate import Gate
from groat.payments.http import disputes, payments, refunds
from groat.platform.http.bodies import BodyBudget
from groat.platform.http.guard import connection_limits, guarded
from groat.platform.http.paging import PagingDependency, paging_by
from groat.platform.http.problems import install_problem_documents
from groat.platform.http.request_ids import RequestIds
from groat.platform.postgres.queries import Query
from groat.platform.process.memory import settle_memory
from groat.platform.process.settings import Settings
from groat.platform.process.timings import ServerTiming
from groat.routing import http as routing

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
    yield accounts.router(engine.accounts, paging)
    yield transfers.transfer_router(engine.accounts)
    yield transfers.hold_router(engine.accounts, paging)
    yield payments.command_router(engine.payments, engine.recovery)
    yield payments.query_router(engine.payment_queries, engine.routing, engine.audit, paging)
    yield refunds.router(engine.payments, engine.payment_queries, paging)
    yield disputes.router(engine.payment_queries, paging)
    yield routing.router(engine.routing)
    yield provider_accounts.router(engine.merchants)
    yield events.router(engine.replay, engine.cursors, paging)
    yield backfill.router(engine.backfill, engine.cursors)
    yield audit.router(engine.audit, paging)


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
            interface="asgi3",
            timeout_graceful_shutdown=math.ceil(settings.provider_timeout_seconds) + 5,
        )
        settle_memory()
        await uvicorn.Server(config).serve()
