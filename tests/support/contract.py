"""Holds every answer of the API to its OpenAPI document: no other status, no other code."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx

from tests.support.shared_api import api_document

PROBLEM = "application/problem+json"


@cache
def _operations() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    return [
        (method.upper(), re.compile(re.sub(r"{\w+}", "[^/]+", path)), operation)
        for path, methods in api_document()["paths"].items()
        for method, operation in methods.items()
    ]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """Return the operation that answers a request; a path without parameters comes first."""
    found = [one for name, form, one in _operations() if name == method and form.fullmatch(path)]
    return min(found, key=lambda one: len(one.get("parameters", [])), default=None)


def codes_of(response: dict[str, Any]) -> list[str]:
    """Return the codes that a documented error may have."""
    components = api_document()["components"]
    named = components["responses"][response["$ref"].rpartition("/")[2]]
    schema = named["content"][PROBLEM]["schema"]["$ref"].rpartition("/")[2]
    codes: list[str] = components["schemas"][schema]["properties"]["code"]["enum"]
    return codes


async def assert_documented(answer: httpx.Response) -> None:
    """Fail if the operation does not document the answer's status, its code or its body."""
    operation = operation_of(answer.request.method, answer.request.url.path)
    if operation is None:
        return
    await answer.aread()
    place = (answer.request.method, answer.request.url.path, answer.status_code, answer.text[:300])
    assert str(answer.status_code) in operation["responses"], place
    if answer.is_error:
        assert answer.headers["content-type"] == PROBLEM, place
        response = operation["responses"][str(answer.status_code)]
        assert answer.json()["code"] in codes_of(response), place
