"""The pages of the API's reference. The server renders them, so they need no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

from fastapi import FastAPI
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from groat.app.error_codes import ERROR_CODES, OTHER_CODES

Document: TypeAlias = Mapping[str, Any]

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = (_TEMPLATES / "style.css").read_bytes()
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def add_reference(api: FastAPI) -> None:
    """Add ``/docs`` and ``/docs/errors`` to ``api``."""

    @api.get("/docs", include_in_schema=False)
    def reference() -> Response:
        return _page("reference.html", **_contents(api.openapi()))

    @api.get("/docs/errors", include_in_schema=False)
    def errors() -> Response:
        by_status = groupby(ERROR_CODES, key=lambda one: one.status)
        statuses = {status: list(codes) for status, codes in by_status}
        return _page("errors.html", statuses=statuses, others=OTHER_CODES)

    @api.get("/docs/style.css", include_in_schema=False)
    def style() -> Response:
        return Response(_STYLE, media_type="text/css", headers=_HEADERS)


def _page(template: str, **values: object) -> Response:
    text = _ENVIRONMENT.get_template(template).render(values)
    return HTMLResponse(text, headers=_HEADERS)


def _contents(document: Document) -> dict[str, object]:
    """Return the values of the template: the operations and the objects of ``document``."""
    tags: dict[str, list[dict[str, object]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            shown = _operation(path, method, operation)
            tags.setdefault(operation["tags"][0], []).append(shown)
    schemas = {
        name: {"description": schema.get("description", ""), "fields": list(_fields(schema))}
        for name, schema in document["components"]["schemas"].items()
        if not name.endswith("Problem")
    }
    return {"info": document["info"], "tags": tags, "schemas": schemas}


def _operation(path: str, method: str, operation: Document) -> dict[str, object]:
    responses = operation["responses"].items()
    [security] = operation["security"]
    [[scope]] = security.values()
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "scope": scope,
        "parameters": [
            {
                "name": one["name"],
                "place": one["in"],
                "required": one["required"],
                "form": _form(one["schema"]),
                "description": one.get("description", ""),
            }
            for one in operation.get("parameters", [])
        ],
        "body": _named(operation.get("requestBody", {})),
        "answers": {status: _named(one) for status, one in responses if status < "400"},
        "errors": [status for status, _ in responses if status >= "400"],
    }


def _named(holder: Document) -> str:
    """Return the name of the schema of a body or a response; empty if it has none."""
    schema = holder.get("content", {}).get("application/json", {}).get("schema", {})
    references = [schema, *schema.get("anyOf", [])]
    names = [one["$ref"].rpartition("/")[2] for one in references if "$ref" in one]
    return names[0] if names else ""


def _fields(schema: Document) -> Iterator[dict[str, object]]:
    required = schema.get("required", [])
    for name, one in schema.get("properties", {}).items():
        yield {
            "name": name,
            "required": name in required,
            "form": _form(one),
            "description": one.get("description", ""),
        }


def _form(schema: Document) -> str:
    """Return the form of a value in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_form(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " | ".join(map(str, schema.get("enum", [schema.get("const")])))
    if schema.get("type") == "array":
        return f"list of {_form(schema.get('items', {}))}"
    limits = [str(schema[key]) for key in ("format", "pattern") if key in schema]
    return " ".join([str(schema.get("type", "any JSON")), *limits])
