"""The API's routes as its own description has them, so that a new one cannot be forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from groat.app.api import create_api
from tests.integration.world import World


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path, with the names that it takes."""

    method: str
    path: str
    query: tuple[str, ...]
    fields: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations(world: World) -> list[Operation]:
    """Return every operation that the API describes."""
    return list(_operations(create_api(world.engine).openapi()))


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            query = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
            fields = dict(_fields(operation.get("requestBody", {}), document))
            yield Operation(method.upper(), path, tuple(query), fields)


def _fields(schema: Any, document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields, with their schemas, of a request's body."""
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
            yield from properties.items()
        case _:
            pass
