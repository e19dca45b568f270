"""What stands beside an answer: what is allowed, how to authenticate, and what is no parameter."""

from __future__ import annotations

import re

import pytest

from tests.integration.app.routes import operations
from tests.support.world import World

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


async def test_a_wrong_method_is_answered_with_all_allowed_methods(world: World) -> None:
    allowed: dict[str, set[str]] = {"/healthz": {"GET"}}
    for one in operations():
        allowed.setdefault(re.sub(r"{\w+}", "x", one.path), set()).add(one.method)
    assert {"GET", "POST"} in allowed.values()
    for path, methods in allowed.items():
        for method in {*METHODS, "BREW"} - methods:
            answer = await world.api.request(method, path)
            if answer.status_code == 405:  # another path may be meant: /replay beside /{event_id}
                named = set(answer.headers["allow"].split(", "))
                assert methods <= named, (method, path, named)
                assert method not in named
            else:
                assert answer.status_code in {404, 422}, (method, path)


async def test_an_unauthenticated_caller_gets_the_authentication_scheme(world: World) -> None:
    for headers in ({"authorization": ""}, {"authorization": "Bearer groat_x"}):
        answer = await world.api.get("/v1/payments", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("name", ["customer", "amount", "benefiziary", "Limit", "cursor[]", ""])
async def test_an_unknown_parameter_is_refused_on_every_route(world: World, name: str) -> None:
    before = await world.counts()
    for one in operations():
        if name in one.query:
            continue
        path = re.sub(r"{\w+}", "x", one.path)
        answer = await world.api.request(one.method, path, params={name: "x"})
        document = answer.json()
        assert (answer.status_code, document["code"]) == (400, "unknown_parameter"), (one, document)
        assert repr(name) in document["detail"]
        for known in one.query:
            assert known in document["detail"]
    assert await world.counts() == before


async def test_a_repeated_parameter_is_refused(world: World) -> None:
    answer = await world.api.get("/v1/payments?status=failed&status=succeeded")
    assert (answer.status_code, answer.json()["code"]) == (400, "repeated_parameter")
