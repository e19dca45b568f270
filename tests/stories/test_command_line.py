"""As an operator I am told in one line what is wrong and what to do about it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.databases import database_like
from tests.support.processes import environment, groat
from tests.support.servers import Servers


@pytest.fixture
def empty_database(servers: Servers) -> Iterator[str]:
    with database_like(servers.database_url, "template0") as url:
        yield url


def test_settings_are_shown_and_secrets_masked(home: Path) -> None:
    url = "postgresql://groat:hunter2@db.example/groat"
    done = groat(home, "config", "--json", GROAT_DATABASE_URL=url, GROAT_API_PORT="9000")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["GROAT_DATABASE_URL"] == "********"
    assert shown["GROAT_API_PORT"] == "9000"
    assert shown["GROAT_HOME"] == str(home)
    assert "hunter2" not in done.stdout + done.stderr


def test_a_wrong_setting_is_reported_in_one_line(home: Path) -> None:
    done = groat(home, "config", GROAT_API_PORT="70000")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("Error (invalid_setting): GROAT_API_PORT is wrong: ")
    assert done.stdout == ""


def test_help_names_the_commands(home: Path) -> None:
    script = Path(sys.executable).with_name("groat")
    done = subprocess.run(
        [script, "--help"], env=environment(home), check=False, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("up", "demo", "verify", "migrate", "config"))


def test_the_api_refuses_a_database_without_the_schema(home: Path, empty_database: str) -> None:
    done = groat(home, "api", GROAT_DATABASE_URL=empty_database)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("Error (schema_outdated): The database has no schema yet")
    assert "`groat migrate`" in line


@pytest.mark.parametrize("command", ["demo", "up"])
def test_demo_and_up_refuse_a_configured_database_without_yes(
    home: Path, empty_database: str, command: str
) -> None:
    done = groat(home, command, GROAT_DATABASE_URL=empty_database)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("Error (database_not_confirmed)")
    assert "--yes" in line
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("select to_regclass('merchant')").fetchone() == (None,)


def test_an_unknown_variable_is_reported(home: Path) -> None:
    (home / ".env").write_text("GROAT_REDIS_ULR=redis://x\n")
    done = groat(home, "config", "--json", GROAT_DATABSE_URL="x", GROAT_XYZZY="1")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "Warning GROAT_DATABSE_URL is not a setting. Did you mean GROAT_DATABASE_URL?",
        "Warning GROAT_REDIS_ULR is not a setting. Did you mean GROAT_REDIS_URL?",
        "Warning GROAT_XYZZY is not a setting. `groat config` lists them.",
    ]
