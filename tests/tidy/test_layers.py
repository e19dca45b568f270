from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.tidy.source import ROOT, imports, modules, tree

STORES = {"psycopg", "psycopg_pool", "redis"}
IO_LIBRARIES = STORES | {
    *("alembic", "asyncio", "bullmq", "fastapi", "http", "httpx", "os", "pathlib", "socket"),
    *("sqlalchemy", "starlette", "stripe", "structlog", "subprocess", "threading", "urllib"),
    *("uvicorn", "typer", "rich", "time"),
}
CLOCK_READERS = {"now", "utcnow", "today"}


def _top(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def _is_pure(name: str) -> bool:
    return "domain" in name.split(".") or name.startswith("groat.kernel")


def _clock_reads(path: Path) -> list[str]:
    return [
        ast.unparse(node)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr in CLOCK_READERS
        and ast.unparse(node.value) in {"datetime", "date", "datetime.datetime", "datetime.date"}
    ]


PURE = {name: path for name, path in modules().items() if _is_pure(name)}


def test_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_bullmq_is_behind_one_file() -> None:
    users = {name for name, path in modules().items() if "bullmq" in _top(imports(path))}
    assert users == {"groat.platform.redis.jobs"}


def test_only_platform_and_infrastructure_talk_to_stores() -> None:
    users = {name for name, path in modules().items() if STORES & _top(imports(path))}
    strangers = {
        name
        for name in users
        if not name.startswith("groat.platform.") and "infrastructure" not in name.split(".")
    }
    assert users
    assert not strangers


def test_no_room_reaches_into_the_infrastructure_of_another() -> None:
    reached = {
        (name, used)
        for name, path in modules().items()
        for used in imports(path)
        if re.fullmatch(r"groat\.\w+\.infrastructure", ".".join(used.split(".")[:3]))
        and used.split(".")[1] != name.split(".")[1]
    }
    assert not reached


def test_rules_do_no_io() -> None:
    used = {name: IO_LIBRARIES & _top(imports(path)) for name, path in PURE.items()}
    assert used
    assert not {name: libraries for name, libraries in used.items() if libraries}


def test_rules_are_given_the_time() -> None:
    reading = {name for name, path in PURE.items() if _clock_reads(path)}
    assert reading == {"groat.kernel.clock"}


def test_the_search_for_clock_reads_finds_the_clock() -> None:
    assert _clock_reads(PURE["groat.kernel.clock"]) == ["datetime.now"]
