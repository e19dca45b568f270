"""One API for the engines of all tests: its routes are made once, which takes a tenth of a second.

Each request is served by the engine whose API it was sent to.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from groat.app.api import create_api, with_door
from groat.app.wiring import Engine

_serving: ContextVar[Engine] = ContextVar("serving")


def app_of(engine: Engine) -> ASGIApp:
    """Return what ``groat.app.api.create_app`` would."""
    door = with_door(_api(), engine)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        token = _serving.set(engine)
        try:
            await door(scope, receive, send)
        finally:
            _serving.reset(token)

    return app


class _AnyEngine:
    """Has the parts of an engine; which engine's, each call says."""

    def __getattr__(self, part: str) -> _Part:
        return _Part(part)


@dataclass(frozen=True, slots=True)
class _Part:
    part: str

    def __getattr__(self, name: str) -> object:
        return getattr(getattr(_serving.get(), self.part), name)


@cache
def _api() -> FastAPI:
    return create_api(cast("Engine", _AnyEngine()))


def api_document() -> dict[str, Any]:
    """Return the OpenAPI document of the API."""
    return _api().openapi()
