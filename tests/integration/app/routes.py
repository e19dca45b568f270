"""The API's routes as its own description has them, so that a new one cannot be forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.support.shared_api import api_document


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path, with the names that it takes."""

    method: str
    path: str
    query: tuple[str, ...]
    headers: tuple[str, ...]
    parameters: Mapping[str, Any]
    fields: Mapping[str, Any]
    scopes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@cache
def operations() -> tuple[Operation, ...]:
    """Return every operation that the API describes."""
    return tuple(_operations(api_document()))


def id_places(operation: Operation) -> set[str]:
    """Return the names of the parameters and fields of an operation that take an id."""
    return {
        name
        for name, schema in [*operation.parameters.items(), *operation.fields.items()]
        if "[0-9a-z]{26}$" in str(schema)
    }


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            taken = operation.get("parameters", [])
            query, headers = (
                tuple(one["name"] for one in taken if one["in"] == place)
                for place in ("query", "header")
            )
            parameters = {one["name"]: one["schema"] for one in taken}
            fields = dict(_fields(operation.get("requestBody", {}), document))
            scopes = tuple(name for one in operation["security"] for name in one["HTTPBearer"])
            yield Operation(method.upper(), path, query, headers, parameters, fields, scopes)


def _fields(schema: Any, document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a request's body, also those further in, with their schemas."""
    match schema:
        case {"content": {"application/json": {"schema": inner}}}:
            yield from _fields(inner, document)
        case {"$ref": str(reference)}:
            yield from _fields(
                document["components"]["schemas"][reference.split("/")[-1]], document
            )
        case {"anyOf": list(several)}:
            for inner in several:
                yield from _fields(inner, document)
        case {"properties": dict(properties)}:
            for name, inner in properties.items():
                yield name, inner
                yield from _fields(inner, document)
        case {"items": inner}:
            yield from _fields(inner, document)
        case _:
            pass
