"""The parts that all routes share: strict requests, the caller, and times in text."""

import inspect
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Self, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Param, ParamTypes
from fastapi.params import Security as SecurityRequirement
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.errors import BadRequest, Forbidden
from groat.kernel.ids import (
    AccountId,
    DisputeId,
    EndpointId,
    EventId,
    HoldId,
    OperationId,
    PaymentId,
    ProviderAccountId,
    ProviderEventId,
    RefundId,
    TransactionId,
)
from groat.kernel.moments import read_moment
from groat.kernel.scopes import Access, Room, scope
from groat.platform.http.bodies import read_bytes, read_json_aside
from groat.platform.http.card_numbers import refuse_card_number
from groat.platform.http.keyed import KEY_HEADER, answered_once, given_key, keyed_request
from groat.platform.http.middleware import TRACE_FORM, TRACE_HEADER
from groat.platform.http.strict_json import Json

MAX_JSON_BYTES = 64 * 1024
"""Maximum bytes of an API call's body. A larger body is refused before it is parsed, because the
checks take time in proportion to its size."""

MAX_BULK_BYTES = 512 * 1024
"""Maximum bytes of the body of a call that creates many objects at once."""


_MANY = "[]"
"""The end of the name of a parameter that may be given several times, as in ``expand[]``."""

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

Handler: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]
"""Parses a request, calls one verb of a service, and renders its answer."""


class Body(BaseModel):
    """A request body. Unknown fields and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NoFields(Body):
    """An empty object. The path says which object to act on."""


class View(BaseModel):
    """A response body. A resource and a list tell their kind in ``object``."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


_bearer = HTTPBearer(
    auto_error=False,
    description="An API key, as `groat_...`. Each operation names the scope that the key needs.",
)


async def _caller(request: Request) -> Caller:
    """Return the caller that ``groat.merchants.http.Gate`` authenticated."""
    caller: Caller = request.state.caller
    return caller


CallerOf: TypeAlias = Annotated[Caller, Depends(_caller)]
"""The caller of a route below ``/v1/``, authenticated before its request is read."""


Text = Annotated[str, Field(min_length=1, max_length=255)]


def _moment(value: object) -> datetime:
    return read_moment(value if isinstance(value, str) else "")


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A time in text as in RFC 3339, with any offset from UTC. It is converted to UTC and must be
within the bounds of ``moments``."""


class _StrictRequest(Request):
    """A request whose body ``strict_json`` parses before the framework asks for it."""

    _raw: bytes
    _value: Json = None

    @classmethod
    async def read(cls, request: Request, most: int) -> Self:
        """Return ``request`` with its body read and, if there is one, its JSON.

        Raises:
            PayloadTooLarge: the body has more than ``most`` bytes.
            BadRequest, InvalidRequest: the body is not JSON as ``strict_json`` reads it.
        """
        strict = cls(request.scope, request.receive)
        announced = request.headers.get("content-length", "")
        strict._raw = await read_bytes(request.receive, announced, most)
        if strict._raw:
            strict._value = await read_json_aside(strict._raw)
        return strict

    async def body(self) -> bytes:
        """Return the bytes that were read."""
        return self._raw

    async def json(self) -> Json:
        """Return the JSON value that was read."""
        return self._value


class StrictRoute(APIRoute):
    """A route that accepts only known parameters, and only JSON that ``strict_json`` accepts.

    It honours an ``Idempotency-Key`` or refuses it: it ignores none.
    """

    most_bytes: ClassVar[int] = MAX_JSON_BYTES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the framework's handler with the strict checks."""
        handle = super().get_route_handler()
        scopes = self.scopes
        known = sorted(self._names(ParamTypes.query))
        route, status = (
            f"{min(self.methods or ())} {self.path_format}",
            self.status_code or HTTPStatus.OK,
        )
        honours_keys, requires_key = self.honours_keys, self.requires_key

        async def strict(request: Request) -> Response:
            if scopes:
                _require(request.state.caller, scopes)
            _inspect_address(request)
            _refuse_unknown(request, known)
            if not honours_keys:
                _refuse_key(request)
                return await handle(await _StrictRequest.read(request, self.most_bytes))
            key = given_key(request, required=requires_key)
            read = await _StrictRequest.read(request, self.most_bytes)
            keyed = await keyed_request(request, key, route, status, await read.json())
            request.state.keyed = keyed
            return await answered_once(request, keyed, lambda: handle(read))

        return strict

    @property
    def honours_keys(self) -> bool:
        """Whether the route accepts an ``Idempotency-Key``."""
        return KEY_HEADER in self._names(ParamTypes.header)

    @property
    def requires_key(self) -> bool:
        """Whether the route requires an ``Idempotency-Key``."""
        return any(
            one.alias.lower() == KEY_HEADER and one.field_info.is_required()
            for one in get_flat_params(self.dependant)
        )

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that a caller of this route must have."""
        required = (one for one in self.dependencies if isinstance(one, SecurityRequirement))
        return frozenset(name for one in required for name in one.scopes or ())

    def _names(self, where: ParamTypes) -> list[str]:
        """Return the names of the route's parameters in the query or in the headers."""
        return [
            one.alias.lower() if where is ParamTypes.header else one.alias
            for one in get_flat_params(self.dependant)
            if isinstance(one.field_info, Param) and one.field_info.in_ is where
        ]


class BulkRoute(StrictRoute):
    """A route that creates many objects at once, and so accepts a larger body."""

    most_bytes = MAX_BULK_BYTES


class RouteTable:
    """The routes of a room below one address.

    Each is a strict route, whose caller is authenticated and has the scope for the access that the
    route declares.
    """

    def __init__(self, room: Room, prefix: str, tag: str) -> None:
        self.router = APIRouter(prefix=prefix, tags=[tag], route_class=StrictRoute)
        self._room, self._tag = room, tag.lower().replace(" ", "_")

    def get(self, path: str, handler: Handler) -> None:
        """Add a route that reads."""
        self._add("GET", path, handler, Access.READ)

    def get_text(self, path: str, handler: Handler) -> None:
        """Add a route that returns a plain text."""
        self._add("GET", path, handler, Access.READ, response_class=PlainTextResponse)

    def post(
        self,
        path: str,
        handler: Handler,
        access: Access = Access.WRITE,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        route_class: type[StrictRoute] = StrictRoute,
    ) -> None:
        """Add a route that makes or changes something; ``status`` is that of its answer.

        Raises:
            TypeError: the handler takes no ``KeyedOf`` and no ``RequiredKeyOf``. Every such route
                honours an ``Idempotency-Key``.
        """
        added = self._add("POST", path, handler, access, status, route_class)
        if not added.honours_keys:
            raise TypeError(f"{handler.__qualname__} takes no Idempotency-Key; use KeyedOf")

    def put(self, path: str, handler: Handler, access: Access = Access.WRITE) -> None:
        """Add a route that replaces something."""
        self._add("PUT", path, handler, access)

    def patch(self, path: str, handler: Handler, access: Access = Access.WRITE) -> None:
        """Add a route that changes some fields."""
        self._add("PATCH", path, handler, access)

    def _add(
        self,
        method: str,
        path: str,
        handler: Handler,
        access: Access,
        status: HTTPStatus = HTTPStatus.OK,
        route_class: type[StrictRoute] = StrictRoute,
        response_class: type[Response] = JSONResponse,
    ) -> StrictRoute:
        """Add a route. The handler's docstring is its summary and description in OpenAPI."""
        summary, _, description = inspect.cleandoc(handler.__doc__ or "").partition("\n")
        self.router.add_api_route(
            path,
            handler,
            methods=[method],
            operation_id=f"{self._tag}_{handler.__name__}",
            summary=summary.rstrip("."),
            description=description.strip(),
            status_code=status,
            response_class=response_class,
            dependencies=[Security(_bearer, scopes=[scope(self._room, access)])],
            route_class_override=route_class,
        )
        added = self.router.routes[-1]
        assert isinstance(added, StrictRoute)  # noqa: S101 - the class given above
        return added


def _require(caller: Caller, scopes: frozenset[str]) -> None:
    missing = sorted(scopes - caller.scopes)
    if missing:
        raise Forbidden(
            "missing_scope",
            f"The API key lacks {', '.join(missing)}; use a key that has this scope.",
        )


def _inspect_address(request: Request) -> None:
    """Refuse a card number in the path, in the query, or in any header except the API key's."""
    refuse_card_number(request.scope["path"])
    for name, value in request.query_params.multi_items():
        refuse_card_number(name)
        refuse_card_number(value)
    for header, content in request.headers.raw:
        if header != b"authorization" and not _is_trace(header, content):
            refuse_card_number(content.decode(errors="replace"))


def _is_trace(header: bytes, content: bytes) -> bool:
    """Return whether this is the id of a trace, which may look like a card number by chance."""
    return header == TRACE_HEADER and TRACE_FORM.fullmatch(content) is not None


def _refuse_unknown(request: Request, known: Sequence[str]) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known:
            names = ", ".join(known) or "none"
            raise BadRequest(
                "unknown_parameter",
                f"{name[:64]!r} is not a parameter of this call. Its parameters are: {names}.",
            )
    single = [name for name in given if not name.endswith(_MANY)]
    if len(single) != len(set(single)):
        raise BadRequest("repeated_parameter", "A parameter is given twice; give each one once.")


def _refuse_key(request: Request) -> None:
    if request.method not in _SAFE_METHODS and KEY_HEADER in request.headers:
        raise BadRequest(
            "idempotency_key_not_supported",
            "This call does not support Idempotency-Key and would ignore it. Leave the header out.",
        )


@dataclass(frozen=True)
class IdText:
    """Annotates a UUID that JSON shows as a TypeID: ``Annotated[PaymentId, IdText("payment")]``."""

    kind: str

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the schema that reads a TypeID or a UUID and writes a TypeID."""
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
        """Return the JSON schema of the TypeID."""
        return {"type": "string", "pattern": f"^{ids.PREFIXES[self.kind]}_[0-9a-z]{{26}}$"}


AccountIdText = Annotated[AccountId, IdText("account")]
DisputeIdText = Annotated[DisputeId, IdText("dispute")]
EndpointIdText = Annotated[EndpointId, IdText("webhook_endpoint")]
EventIdText = Annotated[EventId, IdText("event")]
HoldIdText = Annotated[HoldId, IdText("hold")]
OperationIdText = Annotated[OperationId, IdText("operation")]
PaymentIdText = Annotated[PaymentId, IdText("payment")]
ProviderAccountIdText = Annotated[ProviderAccountId, IdText("provider_account")]
ProviderEventIdText = Annotated[ProviderEventId, IdText("provider_event")]
RefundIdText = Annotated[RefundId, IdText("refund")]
TransactionIdText = Annotated[TransactionId, IdText("ledger_transaction")]
