"""What every route shares: strict requests, the caller, ids and moments in text."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, TypeAlias
from uuid import UUID

from fastapi import Depends, Header, Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Param, ParamTypes
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.errors import BadRequest, PayloadTooLarge, RequestTimeout
from groat.kernel.moments import read_moment
from groat.platform.batching import overloaded
from groat.platform.card_numbers import refuse_card_number
from groat.platform.strict_json import Json, read_json
from groat.platform.time_limit import within

MAX_BODY_BYTES = 1024 * 1024
MAX_JSON_BYTES = 64 * 1024
"""An API call is small; what is larger is not looked at, since looking takes its time."""

MAX_BULK_BYTES = 512 * 1024
"""But for those that take many things at once."""

MAX_BYTES_IN_HAND = 64 * 1024 * 1024
"""Of all bodies together. One may have a megabyte, so that counting requests is not enough."""

_SMALL_DIGITS = 4
"""Digits of the length of a small body: less than 10,000 bytes."""

_READ_SECONDS = 10.0

_INLINE_BYTES = 16 * 1024
"""Bodies up to this size are read on the event loop: in less time than a thread takes to start."""


class Body(BaseModel):
    """A request body: unknown fields and loose types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NoFields(Body):
    """Nothing: what is asked for is in the path."""


class View(BaseModel):
    """A response body."""

    model_config = ConfigDict(frozen=True)


_bearer = HTTPBearer(auto_error=False, description="An API key, as `groat_...`.")


async def _caller(
    request: Request, _token: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """Return the caller that the gate let in: see ``groat.merchants.http``."""
    caller: Caller = request.state.caller
    return caller


CallerOf: TypeAlias = Annotated[Caller, Depends(_caller)]
"""The caller of a route below ``/v1/``, authenticated before its request is read."""


def _without_card_number(text: str | None) -> str | None:
    if text is not None:
        refuse_card_number(text)
    return text


IdempotencyKey: TypeAlias = Annotated[
    str | None,
    AfterValidator(_without_card_number),
    Header(
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="Up to 255 printable ASCII characters. One key makes one object.",
    ),
]

Text = Annotated[str, Field(min_length=1, max_length=255)]


def _moment(value: object) -> datetime:
    return read_moment(value if isinstance(value, str) else "")


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A moment: text as RFC 3339 has it, with any offset from UTC; read in UTC, within bounds."""


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


class BodyBudget:
    """ASGI middleware: bounds the bytes of all bodies that are in hand, counted as they come.

    A body is in hand until its request is answered. One address may have half of the budget, so
    that uploads which never end cannot keep everybody else's deliveries out. A body that is
    announced as small is not counted: the number of connections bounds those.
    """

    def __init__(self, app: ASGIApp, most_bytes: int = MAX_BYTES_IN_HAND) -> None:
        self._app = app
        self._left = most_bytes
        self._share = most_bytes // 2
        self._by_address: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection. Most bodies are small, and cost nothing to count."""
        if scope["type"] != "http" or _is_small(scope):
            await self._app(scope, receive, send)
        else:
            await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        address: str = scope["client"][0] if scope["client"] else ""
        held = 0

        async def counted() -> Message:
            nonlocal held
            message = await receive()
            size = len(message.get("body", b""))
            if size > self._left or self._by_address[address] + size > self._share:
                raise overloaded()
            held += size
            self._left -= size
            self._by_address[address] += size
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._left += held
            self._by_address[address] -= held
            if not self._by_address[address]:
                del self._by_address[address]


def _is_small(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return len(value) <= _SMALL_DIGITS
    return False


async def read_bytes(receive: Receive, announced: str, most: int = MAX_BODY_BYTES) -> bytes:
    """Return a request's raw body, of up to ``most`` bytes; ``announced`` is its content-length.

    Raises:
        PayloadTooLarge: it is larger; the rest is not read.
        RequestTimeout: it did not arrive in time.
        ClientDisconnect: nobody is there any more.
    """
    if announced.isdecimal() and int(announced[:12]) > most:
        raise _too_large(most)
    try:
        return await within(_READ_SECONDS, _read_bytes(receive, most))
    except TimeoutError:
        raise RequestTimeout(
            "body_too_slow", f"A body arrives within {_READ_SECONDS:.0f} seconds."
        ) from None


async def _read_bytes(receive: Receive, most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return bytes(body)


async def read_json_aside(raw: bytes) -> Json:
    """Return the JSON value in ``raw`` as ``read_json`` does, without holding up other requests.

    Raises:
        BadRequest, InvalidRequest: as ``read_json``.
    """
    return await asyncio.to_thread(read_json, raw) if len(raw) > _INLINE_BYTES else read_json(raw)


def _too_large(most: int) -> PayloadTooLarge:
    return PayloadTooLarge("body_too_large", f"A body here is at most {most} bytes.")


class _StrictRequest(Request):
    """A request whose JSON was read by our rules before the framework asks for it."""

    async def load(self, most: int) -> None:
        announced = self.headers.get("content-length", "")
        raw = await read_bytes(self.receive, announced, most)
        self._body = raw
        if raw:
            self._json: Json = await read_json_aside(raw)


class StrictRoute(APIRoute):
    """A route that takes the parameters it knows and JSON by ``strict_json``, and nothing else."""

    most_bytes: ClassVar[int] = MAX_JSON_BYTES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the framework's handler."""
        handle = super().get_route_handler()
        parameters = get_flat_params(self.dependant)
        known = sorted(
            one.alias
            for one in parameters
            if isinstance(one.field_info, Param) and one.field_info.in_ is ParamTypes.query
        )

        async def strict(request: Request) -> Response:
            _inspect_address(request)
            _refuse_unknown(request, known)
            checked = _StrictRequest(request.scope, request.receive)
            await checked.load(self.most_bytes)
            return await handle(checked)

        return strict


class BulkRoute(StrictRoute):
    """A route that takes many things at once."""

    most_bytes = MAX_BULK_BYTES


def _inspect_address(request: Request) -> None:
    """Refuse a card number in the path, the query or a header, also one that nothing reads.

    The key is none of ours to inspect: nobody could send another.
    """
    refuse_card_number(request.url.path)
    for name, value in request.query_params.multi_items():
        refuse_card_number(name)
        refuse_card_number(value)
    for header, content in request.headers.raw:
        if header != b"authorization":
            refuse_card_number(content.decode(errors="replace"))


def _refuse_unknown(request: Request, known: Sequence[str]) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known:
            names = ", ".join(known) or "none"
            raise BadRequest(
                "unknown_parameter", f"{name[:64]!r} is no parameter here. These are: {names}."
            )
    if len(given) != len(set(given)):
        raise BadRequest("repeated_parameter", "Give each parameter once.")
