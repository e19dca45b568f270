"""Tests share helpers by `tests/support` alone, and each tier is what its name says."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.tidy.source import ROOT, imports, tree

TESTS = ROOT / "tests"
SUPPORT = "tests.support"
TIERS = {"faults", "integration", "providers", "simulator", "stories", "support", "tidy", "unit"}
HEADLESS = {"what", "who", "whoever", "whatever", "nobody", "somebody", "told", "tells", "ours"}
"""Words in whose place the name of a test has a subject, or one of the field's verbs."""

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


def test_no_file_imports_from_a_test_or_a_conftest() -> None:
    assert not {
        (name, module)
        for name, path in FILES.items()
        for module in _modules(path)
        if module.rpartition(".")[2].startswith(("conftest", "test_"))
    }


def test_helpers_come_from_support_or_the_own_folder() -> None:
    assert not {
        (name, module)
        for name, path in FILES.items()
        for module in _modules(path)
        if not module.startswith(f"{SUPPORT}.")
        and not _is_near(_package(path), module.rpartition(".")[0])
    }


def test_every_folder_is_a_tier_or_support() -> None:
    found = {path.parent.name for path in TESTS.glob("*/__init__.py")}
    assert found == TIERS
    assert {path.name for path in TESTS.glob("*.py")} == {"__init__.py", "conftest.py"}


def test_every_helper_in_support_is_used() -> None:
    used = {module for path in FILES.values() for module in _modules(path)}
    held = {f"{SUPPORT}.{path.stem}" for path in (TESTS / "support").glob("[!_]*.py")}
    assert held
    assert not held - used


def test_unit_tests_start_no_server_and_no_process() -> None:
    """A guard in `tests/unit/conftest.py` holds the same of indirect imports."""
    assert not {
        (name, used)
        for name, path in FILES.items()
        if name.startswith("unit/")
        for used in imports(path)
        if any(f"{used}.".startswith(f"{one}.") for one in WHERE_SERVERS_AND_PROCESSES_COME_FROM)
    }


def _tests(path: Path) -> list[str]:
    """Return the names of the test functions and test classes of a file."""
    return [
        node.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name.lower().startswith("test")
    ]


def test_a_test_file_holds_tests() -> None:
    assert not [
        name
        for name, path in FILES.items()
        if "/test_" in name and not _tests(path) and "TestCase" not in path.read_text()
    ]


def test_names_of_tests_have_a_subject() -> None:
    """``test_due_events_are_claimed``, not ``test_what_is_due_is_claimed``."""
    assert not {
        (name, test)
        for name, path in FILES.items()
        for test in _tests(path)
        if HEADLESS & set(test.split("_"))
    }
