"""Shared parts of the request handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias, TypeVar

from starlette.requests import Request

from groat.simulator.paypal.errors import not_found
from groat.simulator.wire import Answer

Handler: TypeAlias = Callable[[Request], Awaitable[Answer]]
Table: TypeAlias = list[tuple[str, str, Handler]]
"""The method, path and handler of each route."""

Found = TypeVar("Found")


def find(things: Mapping[str, Found], request: Request) -> Found:
    """Return the object of ``things`` with the id in the path.

    Raises:
        PayPalError: There is no such object.
    """
    found = things.get(request.path_params["id"])
    if found is None:
        raise not_found()
    return found


def host_of(request: Request) -> str:
    """Return the simulator's own address, as the client knows it."""
    return str(request.base_url).rstrip("/")
