"""Rooms have one shape, and every class has a name of its own: knowing one room is knowing all."""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest

from tests.tidy.source import SOURCE, modules, tree

ROOMS = (
    *("accounts", "audit", "inbox", "merchants", "movements", "notifications", "payments"),
    *("routing", "settlement"),
)
"""The rooms with a service. The other rooms have shapes of their own."""

PLACES = {"http", "service", "queries", "checks", "gauges", "domain", "infrastructure"}
LAYERS = ("http", "service", "domain", "infrastructure")
"""The parts of a room that may be packages."""

IN_EVERY_ROOM = {"action"}
"""Nouns that the shape itself puts into every room: ``domain/actions.py``."""


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
        assert path.stem in {"checks", "gauges"} or path.with_suffix(".py").exists(), path


@pytest.mark.parametrize("layer", LAYERS)
def test_a_noun_names_at_most_one_file_of_a_layer(layer: str) -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for room in ROOMS:
        for path in (SOURCE / "groat" / room / layer).glob("[!_]*.py"):
            found[path.stem.removesuffix("s")].append(f"{room}/{layer}/{path.name}")
    assert found
    twice = {noun: files for noun, files in found.items() if len(files) > 1}
    assert not twice.keys() - IN_EVERY_ROOM


@pytest.mark.parametrize("room", ROOMS)
def test_rows_are_read_by_the_names_of_their_columns(room: str) -> None:
    for path in (SOURCE / "groat" / room / "infrastructure").glob("*.py"):
        by_place = [ast.unparse(node) for node in ast.walk(tree(path)) if _reads_by_place(node)]
        assert not by_place


def _reads_by_place(node: ast.AST) -> bool:
    match node:
        case ast.Subscript(value=ast.Name("row")) | ast.Starred(value=ast.Name("row")):
            return True
        case ast.comprehension(target=ast.Tuple(), iter=ast.Name("rows")):
            return True
        case ast.For(target=ast.Tuple(), iter=ast.Name("rows")):
            return True
        case ast.Assign(targets=[ast.Tuple()], value=ast.Name("row")):
            return True
        case _:
            return False


def test_every_class_has_a_name_of_its_own() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for name, path in modules().items():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(name)
    assert not {name: places for name, places in found.items() if len(places) > 1}
