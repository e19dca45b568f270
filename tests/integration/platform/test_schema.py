from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

import groat
from groat.kernel.errors import ConfigurationError
from groat.platform.postgres import schema
from groat.platform.postgres.queries import load_queries
from groat.platform.postgres.revisions import alembic_config
from tests.integration.platform.dump_schema import SCHEMA_FILE, dump
from tests.support import processes
from tests.support.databases import database_like
from tests.support.servers import Servers

SOURCE = Path(groat.__file__).parent
QUERIES = {
    f"{file.parent.name}/{file.name}:{name}".replace("infrastructure/", ""): query
    for file in sorted(SOURCE.rglob("*.sql"))
    if file != SCHEMA_FILE and "migrations" not in file.parts
    for name, query in load_queries(str(file), file.name).items()
}


@pytest.fixture
def empty(servers: Servers) -> Iterator[str]:
    with database_like(servers.database_url, "template0") as url:
        yield url


def set_revision(url: str, revision: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("update alembic_version set version_num = %s", [revision])


def test_the_schema_file_equals_the_migrated_schema(empty: str) -> None:
    schema.migrate(empty)
    assert dump(empty) == SCHEMA_FILE.read_text(encoding="utf-8")


def test_the_printed_sql_builds_the_same_schema(empty: str, tmp_path: Path) -> None:
    printed = processes.groat(tmp_path, "migrate", "--sql").stdout
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute(printed.encode())
    assert dump(empty) == SCHEMA_FILE.read_text(encoding="utf-8")
    schema.require_current(empty)


def test_migrating_again_changes_nothing(empty: str) -> None:
    assert schema.migrate(empty) == schema.migrate(empty)
    schema.require_current(empty)


def test_the_project_has_queries_to_prepare() -> None:
    assert len(QUERIES) > 30


@pytest.fixture(scope="module")
def migrated(servers: Servers) -> Iterator[str]:
    with database_like(servers.database_url, "template0") as url:
        schema.migrate(url)
        yield url


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_prepares_and_names_its_columns(name: str, migrated: str) -> None:
    with psycopg.connect(migrated) as connection:
        connection.execute(b"prepare it as " + QUERIES[name].text)
        described = connection.pgconn.describe_prepared(b"it")
        names = [described.fname(column) for column in range(described.nfields)]
    assert b"?column?" not in names, "rows are read by the names of their columns"
    assert len(set(names)) == len(names)


def test_an_empty_database_is_refused(empty: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no schema yet.*Run `groat migrate`\.") as told:
        schema.require_current(empty)
    assert told.value.code == "schema_outdated"


def test_a_newer_database_is_refused_and_left_alone(empty: str) -> None:
    schema.migrate(empty)
    set_revision(empty, "9999")
    for refuse in (schema.require_current, schema.migrate):
        with pytest.raises(ConfigurationError, match=r"revision 9999.*Run a newer Groat\.") as told:
            refuse(empty)
        assert told.value.code == "schema_newer"
    assert schema.current_revision(empty) == "9999"


def test_an_older_database_is_refused(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    schema.migrate(empty)
    monkeypatch.setattr(schema, "revisions", lambda: ["0001", "9999"])
    with pytest.raises(
        ConfigurationError, match=r"at revision \d+; this Groat needs 9999\. Run `groat migrate`\."
    ):
        schema.require_current(empty)


def test_an_unreachable_database_is_reported_in_one_line() -> None:
    with pytest.raises(ConfigurationError, match="cannot be used") as told:
        schema.current_revision("postgresql://postgres@127.0.0.1:1/groat")
    assert told.value.code == "database_unreachable"
    assert "\n" not in told.value.message


def test_the_revisions_are_those_that_alembic_finds() -> None:
    scripts = ScriptDirectory.from_config(alembic_config("", None))
    assert [one.revision for one in scripts.walk_revisions()] == schema.revisions()[::-1]
