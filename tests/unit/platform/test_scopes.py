from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import httpx
import pytest
from fastapi import FastAPI
from starlette import types

from groat.kernel.caller import Caller
from groat.kernel.ids import MerchantId
from groat.kernel.scopes import ALL_SCOPES, Access, Room, Scope, scope
from groat.platform.http.edge import CallerOf, RouteTable
from groat.platform.http.keyed import KeyedOf
from groat.platform.http.problems import install_problem_documents

METHODS = {
    "GET": Access.READ,
    "POST": Access.WRITE,
    "PATCH": Access.WRITE,
    "PUT": Access.ADMIN,
}


async def handler(caller: CallerOf) -> dict[str, str]:
    """Answer with the actor."""
    return {"actor": caller.actor}


async def changing_handler(caller: CallerOf) -> dict[str, str]:
    """Answer with the actor."""
    return {"actor": caller.actor}


async def replacing_handler(caller: CallerOf) -> dict[str, str]:
    """Answer with the actor."""
    return {"actor": caller.actor}


async def keyed_handler(caller: CallerOf, _: KeyedOf) -> dict[str, str]:
    """Answer with the actor."""
    return {"actor": caller.actor}


class Known:
    """Stands where the gate stands: every request has this caller."""

    def __init__(self, app: types.ASGIApp, caller: Caller) -> None:
        self._app = app
        self._caller = caller

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        scope.setdefault("state", {})["caller"] = self._caller
        await self._app(scope, receive, send)


def app_for(scopes: Iterable[Scope]) -> FastAPI:
    routes = RouteTable(Room.PAYMENTS, "/things", "things")
    routes.get("", handler)
    routes.post("", keyed_handler)
    routes.patch("", changing_handler)
    routes.put("", replacing_handler, Access.ADMIN)
    app = FastAPI()
    app.include_router(routes.router)
    install_problem_documents(app)
    app.add_middleware(Known, Caller(MerchantId(1), "key_1", "req_1", frozenset(scopes)))
    return app


async def answers(scopes: Iterable[Scope]) -> AsyncIterator[tuple[str, httpx.Response]]:
    transport = httpx.ASGITransport(app_for(scopes))
    async with httpx.AsyncClient(transport=transport, base_url="http://groat.test") as http:
        for method in METHODS:
            yield method, await http.request(method, "/things")


@pytest.mark.parametrize("access", Access)
async def test_a_scope_opens_the_routes_that_need_it_and_no_others(access: Access) -> None:
    async for method, answer in answers([scope(Room.PAYMENTS, access)]):
        assert answer.status_code == (200 if METHODS[method] is access else 403), method


@pytest.mark.parametrize("access", Access)
async def test_all_other_scopes_do_not_open_a_route(access: Access) -> None:
    needed = scope(Room.PAYMENTS, access)
    async for method, answer in answers(ALL_SCOPES - {needed}):
        if METHODS[method] is access:
            assert answer.status_code == 403
            assert answer.json()["code"] == "missing_scope"
            assert needed in answer.json()["detail"]
        else:
            assert answer.status_code == 200


async def test_a_missing_scope_shows_before_the_body_is_read() -> None:
    transport = httpx.ASGITransport(app_for([]))
    async with httpx.AsyncClient(transport=transport, base_url="http://groat.test") as http:
        answer = await http.post("/things?unknown=1", content=b"{")
    assert answer.json()["code"] == "missing_scope"


def test_openapi_shows_the_scope_of_each_operation() -> None:
    shown = app_for([]).openapi()["paths"]["/things"]
    assert {method.upper(): one["security"] for method, one in shown.items()} == {
        method: [{"HTTPBearer": [scope(Room.PAYMENTS, access)]}]
        for method, access in METHODS.items()
    }
