"""One log line and one measurement for each request to the API.

The line has the template of the route, never the path or the query: those may hold anything. It has
no body and no header. Deliveries of webhooks are counted, not logged: there are too many.
"""

from __future__ import annotations

import time
from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groat.kernel import ids
from groat.platform.process.metrics import REQUEST_SECONDS, REQUESTS

_log = structlog.get_logger(__name__)

_UNMATCHED = "unmatched"
"""The route of a request to an address that is not served."""
_QUIET = frozenset({"/healthz", "/livez", "/readyz"})
"""Routes of probes, which ask every few seconds. They are measured, not logged."""


class AccessLog:
    """ASGI middleware that logs and measures each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            _note(scope, status, time.perf_counter() - started)


def _note(scope: Scope, status: int, seconds: float) -> None:
    """Measure and log a request. Status 0 means that the caller left before the answer."""
    route = getattr(scope.get("route"), "path", _UNMATCHED)
    method = scope["method"] if route != _UNMATCHED else _UNMATCHED
    REQUESTS.labels(method, route, status).inc()
    REQUEST_SECONDS.labels(method, route).observe(seconds)
    if route in _QUIET and status < HTTPStatus.BAD_REQUEST:
        return
    state = scope.get("state", {})
    caller = state.get("caller")
    _log.info(
        "request",
        method=scope["method"],
        route=route,
        status=status,
        ms=round(1000 * seconds, 1),
        merchant=None if caller is None else ids.render_merchant(caller.merchant_id),
        code=state.get("problem_code"),
    )
