"""Rooms have one shape, and every class has a name of its own: knowing one room is knowing all."""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest

from tests.tidy.source import SOURCE, modules, tree

ROOMS = (
    *("accounts", "audit", "inbox", "merchants", "movements", "payments", "routing"),
    "settlement",
)
"""The rooms with a service. The other rooms have shapes of their own."""

PLACES = {"http", "service", "queries", "checks", "domain", "infrastructure"}


@pytest.mark.parametrize("room", ROOMS)
def test_room_has_the_one_shape(room: str) -> None:
    places = {
        path.stem
        for path in (SOURCE / "groat" / room).iterdir()
        if path.name not in {"__init__.py", "__pycache__"}
    }
    assert places <= PLACES
    assert {"service", "domain", "infrastructure"} <= places


@pytest.mark.parametrize("room", ROOMS)
def test_sql_stands_beside_its_store(room: str) -> None:
    for path in (SOURCE / "groat" / room).rglob("*.sql"):
        assert path.parent.name == "infrastructure", path
        assert path.stem == "checks" or path.with_suffix(".py").exists(), path


def test_every_class_has_a_name_of_its_own() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for name, path in modules().items():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(name)
    assert not {name: places for name, places in found.items() if len(places) > 1}
