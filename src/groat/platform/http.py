"""What every route shares: strict bodies, problem documents, request ids, ids in text, pages."""

import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeAlias, TypeVar
from uuid import UUID

import structlog
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groat.kernel import ids
from groat.kernel.errors import GroatError, InvalidRequest, PayloadTooLarge
from groat.kernel.ids import MerchantId
from groat.platform.strict_json import Json, read_json

MAX_BODY_BYTES = 1024 * 1024
REQUEST_ID_HEADER = b"x-request-id"

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_log = structlog.get_logger(__name__)

Item = TypeVar("Item")


class Body(BaseModel):
    """A request body: unknown fields and loose types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class View(BaseModel):
    """A response body."""

    model_config = ConfigDict(frozen=True)


class Page(View, Generic[Item]):
    """One page of a list; ``next_cursor`` asks for the following one and is null on the last."""

    data: list[Item]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes an API call: a merchant, the key it used, and the request, as records name them."""

    merchant_id: MerchantId
    actor: str
    request_id: str


Authenticate: TypeAlias = Callable[..., Awaitable[Caller]]
"""A dependency that answers who is calling, or raises ``Unauthenticated``."""

Limit = Annotated[int, Query(ge=1, le=100, description="How many to return at the most.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]


@dataclass(frozen=True)
class IdText:
    """Annotates a UUID that is a TypeID outside: ``Annotated[PaymentId, IdText("payment")]``."""

    kind: str

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read a TypeID, or take a UUID as it is; write a TypeID."""
        from_text = core_schema.no_info_after_validator_function(
            lambda text: ids.parse(self.kind, text), core_schema.str_schema(max_length=64)
        )
        return core_schema.union_schema(
            [core_schema.is_instance_schema(UUID), from_text],
            mode="left_to_right",
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: ids.render(self.kind, value)
            ),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe it as the text it is."""
        return {"type": "string", "pattern": f"^{ids.PREFIXES[self.kind]}_[0-9a-z]{{26}}$"}


async def read_body(request: Request) -> bytes:
    """Return the raw body.

    Raises:
        PayloadTooLarge: it is over ``MAX_BODY_BYTES``; the rest is not read.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:12]) > MAX_BODY_BYTES:
        raise _too_large()
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge("body_too_large", f"A body is at most {MAX_BODY_BYTES} bytes.")


class _StrictRequest(Request):
    """A request whose JSON was read by our rules before the framework asks for it."""

    async def load(self) -> None:
        raw = await read_body(Request(self.scope, self.receive))
        self._body = raw
        if raw:
            self._json: Json = read_json(raw)


class StrictRoute(APIRoute):
    """A route whose body is read by ``strict_json``, with the size limit."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the framework's handler."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            checked = _StrictRequest(request.scope, request.receive)
            await checked.load()
            return await handle(checked)

        return strict


@dataclass(frozen=True, slots=True)
class Problem:
    """What a problem document says (RFC 9457), besides ``status`` and ``title``."""

    code: str
    detail: str
    extra: Mapping[str, Json] = field(default_factory=dict)


def problem(status: int, told: Problem) -> JSONResponse:
    """Return a problem document; ``code`` is for programs, ``detail`` for people."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": told.code,
        "detail": told.detail,
        **told.extra,
    }
    headers = {"retry-after": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(
        document, status_code=status, headers=headers, media_type="application/problem+json"
    )


def install_problem_documents(app: FastAPI) -> None:
    """Make every error of ``app`` a problem document."""

    @app.exception_handler(GroatError)
    def told(_request: Request, error: GroatError) -> JSONResponse:
        return problem(error.status, Problem(error.code, error.message, dict(error.details)))

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        errors: list[Json] = [
            {"field": ".".join(str(part) for part in found["loc"][1:]), "detail": found["msg"]}
            for found in error.errors()
        ]
        return problem(
            InvalidRequest.status,
            Problem("invalid_request", "Some fields are not as they must be.", {"errors": errors}),
        )

    @app.exception_handler(HTTPException)
    def framework(_request: Request, error: HTTPException) -> JSONResponse:
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        answer = problem(error.status_code, Problem(code, str(error.detail)))
        answer.headers.update(error.headers or {})  # such as Allow, which goes with a 405
        return answer

    @app.exception_handler(Exception)
    def unforeseen(_request: Request, error: Exception) -> JSONResponse:
        _log.error("request_failed", exc_info=error)
        return problem(500, Problem("internal_error", "Something of ours failed; it is logged."))


class RequestIds:
    """ASGI middleware: gives each request an id, on its log lines and in the answer's header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (REQUEST_ID_HEADER, request_id.encode()),
                ]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send_with_id)


def _request_id(scope: Scope) -> str:
    given = dict(scope["headers"]).get(REQUEST_ID_HEADER, b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else f"req_{ids.uuid7().hex}"
