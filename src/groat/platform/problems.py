"""Every error as a problem document (RFC 9457), with our stable code in it."""

from collections.abc import Mapping
from http import HTTPStatus

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from groat.kernel.errors import GroatError, InvalidRequest
from groat.platform.strict_json import Json

_log = structlog.get_logger(__name__)


def problem(
    status: int, code: str, detail: str, extra: Mapping[str, Json] | None = None
) -> JSONResponse:
    """Return a problem document (RFC 9457); ``code`` is for programs, ``detail`` for people."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **(extra or {}),
    }
    headers = {"retry-after": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(
        document, status_code=status, headers=headers, media_type="application/problem+json"
    )


def internal_error() -> JSONResponse:
    """Return the problem document of a failure of ours, which is logged."""
    return problem(500, "internal_error", "Something of ours failed; it is logged.")


def install_problem_documents(app: FastAPI) -> None:
    """Make every error of ``app`` a problem document."""

    @app.exception_handler(GroatError)
    def told(_request: Request, error: GroatError) -> JSONResponse:
        return problem(error.status, error.code, error.message)

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        errors: list[Json] = [
            {"field": ".".join(str(part) for part in found["loc"][1:]), "detail": found["msg"]}
            for found in error.errors()
        ]
        return problem(
            InvalidRequest.status,
            "invalid_request",
            "Some fields are not as they must be.",
            {"errors": errors},
        )

    @app.exception_handler(HTTPException)
    def framework(_request: Request, error: HTTPException) -> JSONResponse:
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        answer = problem(error.status_code, code, str(error.detail))
        answer.headers.update(error.headers or {})  # such as Allow, which goes with a 405
        return answer

    @app.exception_handler(psycopg.DataError)
    def unkeepable(_request: Request, _error: psycopg.DataError) -> JSONResponse:
        detail = "The request has a text or a number that the database cannot keep."
        return problem(InvalidRequest.status, "invalid_value", detail)

    @app.exception_handler(Exception)
    def unforeseen(_request: Request, error: Exception) -> JSONResponse:
        _log.error("request_failed", exc_info=error)
        return internal_error()
