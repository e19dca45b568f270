"""What every route shares: strict bodies, the caller, ids in text, pages."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Self, TypeAlias, TypeVar
from uuid import UUID

from fastapi import Header, Query, Request, Response
from fastapi.routing import APIRoute
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
from starlette.types import Receive

from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.errors import PayloadTooLarge, RequestTimeout
from groat.kernel.moments import read_moment
from groat.platform.strict_json import Json, read_json, refuse_card_number
from groat.platform.time_limit import within

MAX_BODY_BYTES = 1024 * 1024
MAX_JSON_BYTES = 64 * 1024
"""An API call is small; what is larger is not looked at, since looking takes its time."""

MAX_BULK_BYTES = 512 * 1024
"""But for those that take many things at once."""

_READ_SECONDS = 10.0

Item = TypeVar("Item")
Row = TypeVar("Row")


class Body(BaseModel):
    """A request body: unknown fields and loose types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NoFields(Body):
    """Nothing: what is asked for is in the path."""


class View(BaseModel):
    """A response body."""

    model_config = ConfigDict(frozen=True)


class Page(View, Generic[Item]):
    """One page of a list; ``next_cursor`` asks for the following one and is null on the last."""

    data: list[Item]
    next_cursor: str | None

    @classmethod
    def of(
        cls,
        rows: Sequence[Row],
        limit: int,
        view: Callable[[Row], Item],
        cursor: Callable[[Row], str],
    ) -> Self:
        """Return the page of ``rows``, of which there is one more than ``limit`` if more follow."""
        shown = rows[:limit]
        more = len(rows) > limit
        return cls(
            data=[view(row) for row in shown], next_cursor=cursor(shown[-1]) if more else None
        )


Authenticate: TypeAlias = Callable[..., Awaitable[Caller]]
"""A dependency that answers who is calling, or raises ``Unauthenticated``."""


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

Limit = Annotated[int, Query(ge=1, le=100, description="How many to return at the most.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]


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


def _too_large(most: int) -> PayloadTooLarge:
    return PayloadTooLarge("body_too_large", f"A body here is at most {most} bytes.")


class _StrictRequest(Request):
    """A request whose JSON was read by our rules before the framework asks for it."""

    async def load(self, most: int) -> None:
        announced = self.headers.get("content-length", "")
        raw = await read_bytes(self.receive, announced, most)
        self._body = raw
        if raw:
            self._json: Json = read_json(raw)


class StrictRoute(APIRoute):
    """A route whose body is read by ``strict_json``, with a limit to its size."""

    most_bytes: ClassVar[int] = MAX_JSON_BYTES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the framework's handler."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            checked = _StrictRequest(request.scope, request.receive)
            await checked.load(self.most_bytes)
            return await handle(checked)

        return strict


class BulkRoute(StrictRoute):
    """A route that takes many things at once."""

    most_bytes = MAX_BULK_BYTES
