"""Shared parts of the routes: read a request, and answer with an object or a list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import reduce
from typing import TypeAlias, TypeVar

from starlette.requests import Request

from groat.simulator.stripe import objects
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.errors import invalid_request, no_such
from groat.simulator.stripe.model import EventCause
from groat.simulator.stripe.queries import Identified, expanded, one_page
from groat.simulator.stripe.requests import Expanding, ListPage
from groat.simulator.wire import Answer, Json, JsonObject, answer

Handler: TypeAlias = Callable[[Request], Awaitable[Answer]]
Row: TypeAlias = tuple[str, str, Handler]
"""The method, path and handler of a route."""

KEY_LENGTH_MAX = 255
"""Maximum characters of an idempotency key."""

Thing = TypeVar("Thing", bound=Identified)


async def text(request: Request) -> str:
    """Return the form in a request's body, still encoded."""
    return (await request.body()).decode(errors="replace")


def idempotency_key(request: Request) -> str | None:
    """Return the idempotency key of a request, or None.

    Raises:
        StripeError: The key is empty or too long.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= KEY_LENGTH_MAX:
        raise invalid_request(f"An idempotency key has 1 to {KEY_LENGTH_MAX} characters.")
    return key


def cause(request: Request) -> EventCause:
    """Return the cause that the events of a request name."""
    host = str(request.base_url).rstrip("/")
    return EventCause(request.state.id, idempotency_key(request), host)


def found(things: Mapping[str, Thing], request: Request, kind: str, param: str = "id") -> Thing:
    """Return the object of ``things`` with the id in the path of a request.

    Raises:
        StripeError: There is no such object.
    """
    thing = things.get(request.path_params["id"])
    if thing is None:
        raise no_such(kind, request.path_params["id"], param=param)
    return thing


def shown(account: StripeAccount, wanted: Expanding, value: Json) -> Answer:
    """Answer with ``value``, with the ids expanded that the request names."""

    def step(partly_expanded: Json, path: str) -> Json:
        return expanded(partly_expanded, path.split("."), account.find)

    return answer(200, reduce(step, wanted.expand, value))


def listed(
    account: StripeAccount,
    request: Request,
    page: ListPage,
    things: Mapping[str, Thing],
    wanted: Callable[[Thing], bool],
    render: Callable[[Thing], JsonObject],
) -> Answer:
    """Answer with a page of the objects that ``wanted`` accepts."""
    on_page, more = one_page(things, page, wanted)
    data = list(map(render, on_page))
    return shown(account, page, objects.list_object(request.url.path, data, has_more=more))
