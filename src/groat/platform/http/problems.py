"""Turns every error into a problem document (RFC 9457) with Groat's stable error code."""

from collections.abc import Mapping
from http import HTTPStatus

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from groat.kernel.errors import GroatError, InvalidRequest
from groat.platform.http.strict_json import Json

_log = structlog.get_logger(__name__)

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HEADERS: dict[int, dict[str, str]] = {
    HTTPStatus.SERVICE_UNAVAILABLE: {"retry-after": "1"},
    HTTPStatus.TOO_MANY_REQUESTS: {"retry-after": "1"},  # a bucket gets tokens every second
    HTTPStatus.UNAUTHORIZED: {"www-authenticate": "Bearer"},  # RFC 9110, 11.6.1; RFC 6750
}

RETRYABLE_STATUSES = frozenset({408, 429, 500, 503})
RETRYABLE_CODES = frozenset({"idempotency_key_in_use", "not_sealed_yet", "operation_in_progress"})
"""Errors after which the same request may succeed later, without a change."""

PARAMS: Mapping[str, str] = {
    "amount_not_positive": "amount",
    "amount_not_supported": "amount",
    "amount_too_large": "amount",
    "currency_mismatch": "currency",
    "expires_in_past": "expires_at",
    "idempotency_key_in_use": "Idempotency-Key",
    "idempotency_key_not_supported": "Idempotency-Key",
    "idempotency_key_required": "Idempotency-Key",
    "idempotency_key_reused": "Idempotency-Key",
    "invalid_account_code": "code",
    "invalid_amount": "amount",
    "invalid_cursor": "cursor",
    "invalid_event_type": "type",
    "invalid_expiry": "expires_at",
    "invalid_floor": "floor",
    "invalid_metadata": "metadata",
    "invalid_overlap": "overlap_seconds",
    "invalid_reference": "reference",
    "invalid_webhook_url": "url",
    "reference_reused": "reference",
    "unknown_currency": "currency",
    "unknown_scope": "scopes",
}
"""The field, parameter or header that a code is always about."""


class ProblemDocument(JSONResponse):
    """A problem document (RFC 9457). It leaves its code in the request's state, for the log."""

    media_type = "application/problem+json"

    def __init__(self, code: str, document: Mapping[str, Json], status: int) -> None:
        super().__init__(document, status_code=status, headers=_HEADERS.get(status))
        self._code = code
        self._document = document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the document with the id of its request."""
        state = scope.setdefault("state", {})
        state["problem_code"] = self._code
        if "request_id" in state:
            self.body = self.render({**self._document, "request_id": state["request_id"]})
            self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def problem(
    status: int, code: str, detail: str, extra: Mapping[str, Json] | None = None
) -> ProblemDocument:
    """Return a problem document. ``code`` is for programs, ``detail`` for people."""
    document = {
        "type": f"/docs/errors#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "param": PARAMS.get(code),
        "retryable": status in RETRYABLE_STATUSES or code in RETRYABLE_CODES,
        **(extra or {}),
    }
    return ProblemDocument(code, document, status)


def problem_of(error: GroatError) -> ProblemDocument:
    """Return the problem document of ``error``."""
    return problem(error.status, error.code, error.message)


def problem_of_framework(error: HTTPException) -> ProblemDocument:
    """Return the problem document of an error of the framework, such as 405."""
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    answer = problem(error.status_code, code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def internal_error() -> ProblemDocument:
    """Return the problem document of an unforeseen error that is already in the log."""
    return problem(
        500, "internal_error", "An unforeseen error occurred in Groat; it is in Groat's log."
    )


def install_problem_documents(app: FastAPI) -> None:
    """Make ``app`` answer every error of a route with a problem document."""

    @app.exception_handler(GroatError)
    def told(_request: Request, error: GroatError) -> ProblemDocument:
        return problem_of(error)

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> ProblemDocument:
        found = [
            (".".join(str(part) for part in one["loc"][1:]), one["msg"]) for one in error.errors()
        ]
        errors: list[Json] = [{"field": field, "detail": detail} for field, detail in found]
        return problem(
            InvalidRequest.status,
            "invalid_request",
            "Some fields are invalid; `errors` lists each one.",
            {"errors": errors, "param": found[0][0]},
        )

    @app.exception_handler(HTTPException)
    def framework(request: Request, error: HTTPException) -> ProblemDocument:
        answer = problem_of_framework(error)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            answer.headers["allow"] = ", ".join(_allowed(app, request.scope))
        return answer

    @app.exception_handler(psycopg.DataError)
    def unkeepable(_request: Request, _error: psycopg.DataError) -> ProblemDocument:
        detail = "The request contains a text or a number that the database cannot store."
        return problem(InvalidRequest.status, "invalid_value", detail)


def _allowed(app: FastAPI, scope: Scope) -> list[str]:
    """Return all methods of a path. The framework names only those of its first route."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**scope, "method": method})[0] is Match.FULL
            for route in app.router.routes
        )
    ]
