"""The parts that all routes share: strict requests, the caller, and times in text."""

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
"""Maximum bytes of an API call's body. A larger body is refused before it is parsed, because the
checks take time in proportion to its size."""

MAX_BULK_BYTES = 512 * 1024
"""Maximum bytes of the body of a call that creates many objects at once."""


class Body(BaseModel):
    """A request body. Unknown fields and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NoFields(Body):
    """An empty object. The path says which object to act on."""


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
        description="Up to 255 printable ASCII characters. A repeated request with the same key "
        "makes no second object; it returns the first.",
    ),
]

Text = Annotated[str, Field(min_length=1, max_length=255)]


def _moment(value: object) -> datetime:
    return read_moment(value if isinstance(value, str) else "")


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A time in text as in RFC 3339, with any offset from UTC. It is converted to UTC and must be
within the bounds of ``moments``."""


class _StrictRequest(Request):
    """A request whose JSON ``strict_json`` parses before the framework asks for it."""

    async def load(self, most: int) -> None:
        announced = self.headers.get("content-length", "")
        raw = await read_bytes(self.receive, announced, most)
        self._body = raw
        if raw:
            self._json: Json = await read_json_aside(raw)


class StrictRoute(APIRoute):
    """A route that accepts only known parameters, and only JSON that ``strict_json`` accepts."""

    most_bytes: ClassVar[int] = MAX_JSON_BYTES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the framework's handler with the strict checks."""
        handle = super().get_route_handler()
        parameters = get_flat_params(self.dependant)
        known = sorted(
            parameter.alias
            for parameter in parameters
            if isinstance(parameter.field_info, Param)
            and parameter.field_info.in_ is ParamTypes.query
        )

        async def strict(request: Request) -> Response:
            _inspect_address(request)
            _refuse_unknown(request, known)
            checked = _StrictRequest(request.scope, request.receive)
            await checked.load(self.most_bytes)
            return await handle(checked)

        return strict


class BulkRoute(StrictRoute):
    """A route that creates many objects at once, and so accepts a larger body."""

    most_bytes = MAX_BULK_BYTES


def _inspect_address(request: Request) -> None:
    """Refuse a card number in the path, in the query, or in any header except the API key's."""
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
                "unknown_parameter",
                f"{name[:64]!r} is not a parameter of this call. Its parameters are: {names}.",
            )
    if len(given) != len(set(given)):
        raise BadRequest("repeated_parameter", "A parameter is given twice; give each one once.")
