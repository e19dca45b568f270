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
    HTTPStatus.UNAUTHORIZED: {"www-authenticate": "Bearer"},  # RFC 9110, 11.6.1; RFC 6750
}


class ProblemDocument(JSONResponse):
    """A problem document (RFC 9457). It leaves its code in the request's state, for the log."""

    media_type = "application/problem+json"

    def __init__(self, code: str, document: Mapping[str, Json], status: int) -> None:
        super().__init__(document, status_code=status, headers=_HEADERS.get(status))
        self._code = code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the document."""
        scope.setdefault("state", {})["problem_code"] = self._code
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
        errors: list[Json] = [
            {"field": ".".join(str(part) for part in found["loc"][1:]), "detail": found["msg"]}
            for found in error.errors()
        ]
        return problem(
            InvalidRequest.status,
            "invalid_request",
            "Some fields are invalid; `errors` lists each one.",
            {"errors": errors},
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
