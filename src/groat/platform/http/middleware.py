"""ASGI middleware of every request: its id and headers, and an answer to an unforeseen error."""

from __future__ import annotations

import re

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groat.kernel import ids
from groat.platform.http.card_numbers import looks_like_card_number
from groat.platform.http.problems import internal_error

_log = structlog.get_logger(__name__)

REQUEST_ID_HEADER = b"x-request-id"

TRACE_HEADER = b"traceparent"
TRACE_FORM = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
"""The form of ``traceparent`` in https://www.w3.org/TR/trace-context/, section 3.2."""

_API = "/v1/"
_SECURITY_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]
"""Headers of each answer of the API: no cache keeps it, and no browser treats it as a page."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


class RequestIds:
    """ASGI middleware: gives each request an id and adds it to log lines and to the response.

    Log lines also have the id of the caller's trace. Nobody else is told of it. A response of the
    API gets the headers that protect browsers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        added = [(REQUEST_ID_HEADER, request_id.encode())]
        if scope["path"].startswith(_API):
            added += _SECURITY_HEADERS

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        trace_id = trace_id_of(scope)
        trace = {} if trace_id is None else {"trace_id": trace_id}
        with structlog.contextvars.bound_contextvars(request_id=request_id, **trace):
            await self._app(scope, receive, send_with_id)


def trace_id_of(scope: Scope) -> str | None:
    """Return the id of the caller's trace (W3C Trace Context), for the log; None without one."""
    for name, value in scope["headers"]:
        if name == TRACE_HEADER:
            found = TRACE_FORM.fullmatch(value)
            return None if found is None else found[1].decode()
    return None


def request_id_of(scope: Scope) -> str:
    """Return the id of a request: the id that the caller sent, if it may be stored, or a new id."""
    state = scope.setdefault("state", {})
    request_id: str | None = state.get("request_id")
    if request_id is None:
        request_id = state["request_id"] = _given(scope) or f"req_{ids.uuid7().hex}"
    return request_id


def _given(scope: Scope) -> str | None:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    given = headers.get(REQUEST_ID_HEADER, b"").decode("latin-1")
    fit = _REQUEST_ID.fullmatch(given) and not looks_like_card_number(given)
    return given if fit else None


class LastResort:
    """ASGI middleware: answers an unforeseen error with 500 and keeps the connection open.

    The framework's own handler raises the error again, and the server then drops the connection. If
    the caller disconnects, that is not an error, so it is not logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - no error may reach the server
            _log.error("request_failed", exc_info=error)
            if not started:  # after half an answer, the server closes the connection itself
                await internal_error()(scope, receive, send)
