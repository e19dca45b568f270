"""Tests share helpers by `tests/support` alone, and each tier is what its name says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.tidy.source import ROOT, imports, tree

TESTS = ROOT / "tests"
SUPPORT = "tests.support"
TIERS = {"faults", "integration", "providers", "simulator", "stories", "support", "tidy", "unit"}
FILES = {path.relative_to(TESTS).as_posix(): path for path in sorted(TESTS.rglob("*.py"))}

WHERE_SERVERS_AND_PROCESSES_COME_FROM = {
    *("multiprocessing", "psycopg_pool", "redis", "socket", "subprocess", "uvicorn"),
    *("groat.platform.embedded", "groat.simulator.serve"),
    *(f"{SUPPORT}.{name}" for name in ("databases", "http_servers", "processes", "world")),
}


def _modules(path: Path) -> set[str]:
    """Return the modules of the tests that a file imports."""
    return {
        name
        for name in imports(path)
        if name.startswith("tests.")
        and (ROOT / name.replace(".", "/")).with_suffix(".py").is_file()
    }


def _is_near(folder: str, other: str) -> bool:
    """Tell whether one of two packages is the other, or holds it."""
    return f"{folder}.".startswith(f"{other}.") or f"{other}.".startswith(f"{folder}.")


def _package(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).parent.parts)


@pytest.mark.parametrize("name", FILES)
def test_no_file_imports_from_a_test_or_a_conftest(name: str) -> None:
    used = {module.rpartition(".")[2] for module in _modules(FILES[name])}
    assert not {one for one in used if one == "conftest" or one.startswith("test_")}


@pytest.mark.parametrize("name", FILES)
def test_helpers_come_from_support_or_the_own_folder(name: str) -> None:
    home = _package(FILES[name])
    strange = {
        module
        for module in _modules(FILES[name])
        if not module.startswith(f"{SUPPORT}.") and not _is_near(home, module.rpartition(".")[0])
    }
    assert not strange


def test_every_folder_is_a_tier_or_support() -> None:
    found = {path.parent.name for path in TESTS.glob("*/__init__.py")}
    assert found == TIERS
    assert {path.name for path in TESTS.glob("*.py")} == {"__init__.py", "conftest.py"}


def test_every_helper_in_support_is_used() -> None:
    used = {module for path in FILES.values() for module in _modules(path)}
    held = {f"{SUPPORT}.{path.stem}" for path in (TESTS / "support").glob("[!_]*.py")}
    assert held
    assert not held - used


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("unit/")])
def test_unit_tests_start_no_server_and_no_process(name: str) -> None:
    """A guard in `tests/unit/conftest.py` holds the same of what is imported indirectly."""
    used = imports(FILES[name])
    found = {
        one
        for one in WHERE_SERVERS_AND_PROCESSES_COME_FROM
        if any(f"{name}.".startswith(f"{one}.") for name in used)
    }
    assert not found


@pytest.mark.parametrize("name", [name for name in FILES if "/test_" in name])
def test_a_test_file_holds_tests(name: str) -> None:
    found = [
        node.name
        for node in ast.walk(tree(FILES[name]))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name.lower().startswith("test")
    ]
    assert found or "TestCase" in FILES[name].read_text()
