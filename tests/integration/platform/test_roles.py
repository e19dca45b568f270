"""The role that the engine acts as: made or found by migrating, of any name, or none."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from groat.kernel.errors import ConfigurationError
from groat.platform.postgres import schema
from groat.platform.postgres.database import Database
from groat.platform.postgres.queries import Query
from tests.support.databases import database_like
from tests.support.processes import groat
from tests.support.servers import Servers

WHO = Query(b"select current_user::text")


@dataclass(frozen=True, slots=True)
class Owned:
    """An empty database whose owner may not make roles."""

    url: str
    owner: str
    admin_url: str

    def administer(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@pytest.fixture
def owned(servers: Servers) -> Iterator[Owned]:
    owner = f"owner_{uuid.uuid4().hex[:8]}"
    with database_like(servers.database_url, "template0") as admin_url:
        url = make_conninfo(admin_url, user=owner, password="secret")
        found = Owned(url, owner, admin_url)
        found.administer("create role {} login nocreaterole password 'secret'", owner)
        found.administer("alter database {} owner to {}", admin_url.rpartition("/")[2], owner)
        yield found
        found.administer("reassign owned by {} to postgres", owner)
        found.administer("drop owned by {}", owner)
        found.administer("drop role {}", owner)


@pytest.fixture
def role(servers: Servers) -> Iterator[str]:
    """A role that an administrator has made."""
    name = f"app_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(name)))
    yield name
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(name)))


async def acting_as(url: str, role: str | None) -> str:
    database = Database(url, max_connections=1, role=role)
    await database.open()
    async with database.transaction() as connection:
        [(found,)] = await connection.fetch(WHO)
    await database.close()
    return str(found)


async def test_a_plain_owner_migrates_with_an_existing_granted_role(
    owned: Owned, role: str
) -> None:
    owned.administer("grant {} to {}", role, owned.owner)
    assert schema.migrate(owned.url, role) == schema.revisions()[-1]
    schema.require_current(owned.url, role)
    assert await acting_as(owned.url, role) == role
    owned.administer("drop owned by {}", role)


def test_a_plain_owner_without_the_grant_gets_one_line_of_advice(owned: Owned, role: str) -> None:
    with pytest.raises(ConfigurationError, match=f"grant {role} to") as refused:
        schema.migrate(owned.url, role)
    assert refused.value.code == "role_missing"
    assert schema.current_revision(owned.url) is None


def test_a_plain_owner_without_the_role_gets_one_line_of_advice(owned: Owned) -> None:
    with pytest.raises(ConfigurationError, match="create role nobody_made nologin"):
        schema.migrate(owned.url, "nobody_made")
    assert schema.current_revision(owned.url) is None


async def test_without_a_role_the_engine_stays_the_owner_and_triggers_still_stand(
    owned: Owned,
) -> None:
    schema.migrate(owned.url, None)
    schema.require_current(owned.url, None)
    assert await acting_as(owned.url, None) == owned.owner
    with (
        psycopg.connect(owned.url) as connection,
        pytest.raises(psycopg.errors.RestrictViolation),
    ):
        connection.execute("delete from audit_record")


def test_a_process_refuses_to_start_on_a_role_without_its_rights(owned: Owned, role: str) -> None:
    owned.administer("grant {} to {}", role, owned.owner)
    schema.migrate(owned.url, None)
    with pytest.raises(ConfigurationError, match="run `groat migrate`"):
        schema.require_current(owned.url, role)


def test_the_command_line_names_the_missing_protection_in_two_lines(
    owned: Owned, tmp_path: Path
) -> None:
    told = {"GROAT_DATABASE_URL": owned.url, "COLUMNS": "400"}
    refused = groat(tmp_path, "migrate", **told, GROAT_DATABASE_ROLE="nobody_made")
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) <= 2, refused.stderr
    verbose = groat(tmp_path, "--verbose", "migrate", **told, GROAT_DATABASE_ROLE="nobody_made")
    assert "Traceback" in verbose.stderr
    done = groat(tmp_path, "migrate", **told, GROAT_DATABASE_ROLE="none")
    assert done.returncode == 0, done.stderr
    assert "Only triggers" in done.stderr
