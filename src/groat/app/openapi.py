"""The OpenAPI document: the framework derives it from the routes, and we add the errors."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from groat.app.error_codes import ERROR_CODES
from groat.platform.http.problems import PARAMS, RETRYABLE_CODES, RETRYABLE_STATUSES

Document: TypeAlias = dict[str, Any]

_DESCRIPTION = """\
Groat drives payments across providers and keeps the books. Amounts are in minor units: 1050 is \
10.50 EUR. Times are in RFC 3339. Every answer has the header `X-Request-Id`.

**Errors** are problem documents (RFC 9457). A program decides by `code`, never by `detail`.

**Repetitions.** Every POST honours the header `Idempotency-Key`: a repeated request gets the \
first answer again, with `Idempotent-Replayed: true`.

**Limits.** The headers `RateLimit-Policy` and `RateLimit` tell how many requests the API key may \
send; above that the answer is 429 `rate_limited`.

**Lists** have pages: `next_cursor` requests the next one.
"""

_ID_PATTERN = "{26}$"
"""End of the pattern of every id."""

_ALWAYS = (400, 401, 403, 408, 413, 422, 429, 500, 503)
"""Statuses of every operation. Each reads a body, if one is sent, before it looks at it."""

_CONFLICTING_READS = ("/v1/events", "/v1/audit-records/{record_id}/proof")
"""Reads that answer 409: of missed events, and of a record that is not sealed yet."""


def describe(api: FastAPI) -> None:
    """Let ``api`` serve the complete document."""

    def document() -> Document:
        if api.openapi_schema is None:
            api.openapi_schema = _document(api)
        return api.openapi_schema

    api.openapi = document  # type: ignore[method-assign]


def _document(api: FastAPI) -> Document:
    made = get_openapi(
        title=api.title,
        version=api.version,
        summary="Payments across providers, on an immutable ledger",
        description=_DESCRIPTION,
        routes=api.routes,
    )
    components = made["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["schemas"] |= _problem_schemas()
    components["responses"] = {_name(status): _response(status) for status in _statuses()}
    components["headers"] = {
        "Replayed": {
            "description": "`true` if this is the stored answer of an earlier request.",
            "schema": {"type": "string", "const": "true"},
        }
    }
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            _complete(path, method, operation)
    return made


def _complete(path: str, method: str, operation: Document) -> None:
    """Add the errors of an operation, and the header of replayed answers."""
    responses: Document = operation["responses"]
    responses.pop("422", None)
    if method == "post":
        for answer in responses.values():
            replayed = {"$ref": "#/components/headers/Replayed"}
            answer["headers"] = {"Idempotent-Replayed": replayed}
    for status in sorted({*_ALWAYS, *_more(path, method, operation)}):
        responses[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}


def _more(path: str, method: str, operation: Document) -> Iterator[int]:
    """Yield the statuses that depend on the operation."""
    parameters = operation.get("parameters", [])
    filters = any(
        _ID_PATTERN in str(one) or one["name"] in {"object", "subject"} for one in parameters
    )
    if filters or "{" in path or "requestBody" in operation:
        yield HTTPStatus.NOT_FOUND
    if method != "get" or path in _CONFLICTING_READS:
        yield HTTPStatus.CONFLICT


def _statuses() -> list[int]:
    return sorted({one.status for one in ERROR_CODES})


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "")


def _response(status: int) -> Document:
    codes = [one for one in ERROR_CODES if one.status == status]
    first = codes[0]
    lines = "\n".join(f"- `{one.code}`: {one.advice}" for one in codes)
    example = {
        "type": f"/docs/errors#{first.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": first.code,
        "detail": first.advice,
        "param": PARAMS.get(first.code),
        "retryable": status in RETRYABLE_STATUSES or first.code in RETRYABLE_CODES,
        "request_id": "req_0197a3b2c4d57e6f8091a2b3c4d5e6f7",
    }
    schema = {"$ref": f"#/components/schemas/{_name(status)}Problem"}
    content = {"application/problem+json": {"schema": schema, "example": example}}
    return {"description": f"{HTTPStatus(status).phrase}\n\n{lines}", "content": content}


def _problem_schemas() -> Document:
    """Return the schema of problem documents for each status."""
    return {f"{_name(status)}Problem": _problem_schema(status) for status in _statuses()}


def _problem_schema(status: int) -> Document:
    codes = [one.code for one in ERROR_CODES if one.status == status]
    properties: Document = {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "The page that explains the code.",
        },
        "title": {"type": "string", "description": "The name of the status."},
        "status": {"type": "integer", "const": status},
        "code": {"type": "string", "enum": codes, "description": "Stable; for programs."},
        "detail": {"type": "string", "description": "What is wrong and what to do; for people."},
        "param": {
            "type": ["string", "null"],
            "description": "The field, parameter or header that is wrong, if it is one.",
        },
        "retryable": {
            "type": "boolean",
            "description": "Whether the same request may succeed later, without a change.",
        },
        "request_id": {"type": "string", "description": "The header `X-Request-Id`."},
    }
    if "invalid_request" in codes:
        item = {
            "type": "object",
            "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            "required": ["field", "detail"],
        }
        properties["errors"] = {
            "type": "array",
            "items": item,
            "description": "Each invalid field, with `invalid_request`.",
        }
    return {
        "type": "object",
        "title": f"Problem with status {status}",
        "properties": properties,
        "required": [name for name in properties if name != "errors"],
    }
