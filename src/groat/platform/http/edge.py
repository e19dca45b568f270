"""What every route shares: strict requests, the caller, and moments in text."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, TypeAlias

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
)

from groat.kernel.caller import Caller
from groat.kernel.errors import BadRequest
from groat.kernel.moments import read_moment
from groat.platform.http.bodies import read_bytes, read_json_aside
from groat.platform.http.card_numbers import refuse_card_number
from groat.platform.http.strict_json import Json

MAX_JSON_BYTES = 64 * 1024
"""Bytes of an API call's body; a larger one is not looked at, since looking takes its time."""

MAX_BULK_BYTES = 512 * 1024
"""Bytes of the body of a call that takes many things at once."""


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
    """Return the caller that ``groat.merchants.http.Gate`` authenticated."""
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


class _StrictRequest(Request):
    """A request whose JSON was read by our rules before the framework asks for it."""

    async def load(self, most: int) -> None:
        announced = self.headers.get("content-length", "")
        raw = await read_bytes(self.receive, announced, most)
        self._body = raw
        if raw:
            self._json: Json = await read_json_aside(raw)


class StrictRoute(APIRoute):
    """A route that accepts only known parameters, and JSON as ``strict_json`` reads it."""

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
    """Refuse a card number in the path, the query or any header but the API key."""
    refuse_card_number(request.scope["path"])
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
