"""The OpenAPI document is true, and its pages need no network."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import groat
from groat.accounts.domain.commands import Refusal
from groat.app.error_codes import ERROR_CODES, OTHER_CODES
from groat.kernel import errors
from groat.kernel.ids import PREFIXES
from groat.platform.http.problems import PARAMS, RETRYABLE_CODES
from groat.providers.port import Rejection
from tests.support.contract import assert_documented
from tests.support.shared_api import api_document, app_of
from tests.support.world import World

SOURCE = Path(groat.__file__).parent

STATUSES = {
    name: kind.status
    for name, kind in vars(errors).items()
    if isinstance(kind, type)
    and issubclass(kind, errors.GroatError)
    and kind not in {errors.GroatError, errors.ConfigurationError}
}
"""The errors that the API may answer with, by name."""

COMMANDS_ONLY = {
    "audit_key_in_use",
    "audit_log_exists",
    "audit_log_missing",
    "balance_not_told",
    "claim_expired",
    "invalid_credentials",
    "invalid_month",
    "invalid_origin",
    "invalid_resolution",
    "log_damaged",
    "log_is_shorter",
    "movements_not_read",
    "no_settlement_files",
    "not_explained",
    "operation_not_open",
    "payout_not_found",
    "provider_account_exists",
    "unknown_provider",
    "witness_refused",
    "witness_unavailable",
}
"""Codes that only commands raise."""


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in api_document()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def raised() -> dict[str, int]:
    """Return the codes that the source raises by name, with their statuses."""
    found: dict[str, int] = {}
    for path in SOURCE.rglob("*.py"):
        if {"simulator", "conformance"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(code)), *_]):
                    if name in STATUSES:
                        found[code] = STATUSES[name]
                case _:
                    pass
    return found


def test_every_code_that_the_source_raises_is_documented_with_its_status() -> None:
    documented = {one.code: one.status for one in (*ERROR_CODES, *OTHER_CODES)}
    assert len(documented) == len(ERROR_CODES) + len(OTHER_CODES)
    found = raised()
    assert len(found) > 60
    assert found.keys() >= COMMANDS_ONLY
    reachable = {code: status for code, status in found.items() if code not in COMMANDS_ONLY}
    assert {code: documented.get(code) for code in reachable} == reachable
    assert documented.keys() >= {one.value for one in (*Refusal, *Rejection)}
    not_found = {code.removesuffix("_not_found") for code in documented if "_not_found" in code}
    assert not_found - {"movement", "object", "transfer", "routing_decision"} <= PREFIXES.keys()


def test_every_operation_documents_its_errors_and_every_post_its_key() -> None:
    for method, path, operation in operations():
        responses = operation["responses"]
        assert {"400", "401", "403", "422", "500", "503"} <= responses.keys(), path
        assert operation["summary"]
        headers = {
            one["name"]: one for one in operation.get("parameters", []) if one["in"] == "header"
        }
        assert ("Idempotency-Key" in headers) == (method == "post"), (method, path)
        if method == "post":
            [success] = [one for status, one in responses.items() if status < "400"]
            assert "Idempotent-Replayed" in success["headers"]
        if "{" in path:
            assert "404" in responses


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = api_document()
    found = set(re.findall(r"'\$ref': '#/([\w/]+)'", str(document)))
    assert len(found) > 50
    for reference in found:
        place: Any = document
        for name in reference.split("/"):
            place = place[name]


@pytest.mark.parametrize("path", ["/docs", "/docs/errors", "/docs/style.css"])
async def test_the_reference_needs_no_network(shared_world: World, path: str) -> None:
    page = await shared_world.api.get(path)
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.search(r"<script|https?://|@import|url\(", page.text)
    for link in re.findall(r'(?:href|src)="(/[^"#]*)', page.text):
        assert (await shared_world.api.get(link)).status_code == 200, link


async def test_the_reference_shows_every_operation_and_every_code(shared_world: World) -> None:
    reference = (await shared_world.api.get("/docs")).text
    for method, path, _ in operations():
        assert f"{method.upper()} {path}" in reference
    inner = set(re.findall(r'href="#(\w+)"', reference))
    assert inner <= set(re.findall(r'id="(\w+)"', reference))
    page = (await shared_world.api.get("/docs/errors")).text
    for one in (*ERROR_CODES, *OTHER_CODES):
        assert f'id="{one.code}"' in page


async def test_the_type_of_a_problem_leads_to_its_code(shared_world: World) -> None:
    answer = await shared_world.api.get("/v1/payments?limit=0")
    page, _, place = answer.json()["type"].partition("#")
    assert f'id="{place}"' in (await shared_world.api.get(page)).text


async def test_an_undocumented_answer_fails_a_test(shared_world: World) -> None:
    """The client of all tests checks each answer: here is one that it refuses."""
    transport = httpx.ASGITransport(app_of(shared_world.engine))
    async with httpx.AsyncClient(transport=transport, base_url="http://groat.test") as bare:
        answer = await bare.get("/v1/payments")
    await assert_documented(answer)
    answer.status_code = 418
    with pytest.raises(AssertionError):
        await assert_documented(answer)


def schema_of(place: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that ``place`` holds or refers to."""
    while "$ref" in place:
        place = api_document()["components"]["schemas"][place["$ref"].rpartition("/")[2]]
    return place


def test_resources_tell_a_kind_and_lists_share_a_shape() -> None:
    kinds, lists = set(), 0
    for method, path, operation in operations():
        [success] = [one for status, one in operation["responses"].items() if status < "400"]
        if "application/json" not in success["content"]:
            assert path.endswith("/proof"), path
            continue
        found = schema_of(success["content"]["application/json"]["schema"])
        if path.endswith("/routing"):
            continue  # the record of a decision has no schema
        kind = found["properties"]["object"]["const"]
        assert "object" in found["required"], (method, path)
        if kind != "list":
            kinds.add(kind)
            continue
        lists += 1
        assert set(found["required"]) == {"object", "data", "has_more", "next_cursor"}, path
        item = schema_of(found["properties"]["data"]["items"])
        if path not in {"/v1/audit-records", "/v1/payments/{payment_id}/timeline"}:
            kinds.add(item["properties"]["object"]["const"])  # a record is shown as the log has it
    assert lists > 15
    assert kinds >= {"payment", "refund", "dispute", "account", "entry", "hold", "transfer"}


def test_the_codes_with_a_field_and_those_worth_a_repetition_exist() -> None:
    known = {one.code for one in ERROR_CODES}
    assert PARAMS.keys() <= known
    assert known >= RETRYABLE_CODES


@pytest.mark.parametrize("path", ["/v1/payments", "/v1/payments?limit=0"])
async def test_answers_of_the_api_are_not_cached_or_shown_as_pages(
    shared_world: World, path: str
) -> None:
    headers = (await shared_world.api.get(path)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
