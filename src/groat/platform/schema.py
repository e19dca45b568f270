"""The schema's revisions: bring a database up to date, or refuse to run on another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from groat.kernel.errors import ConfigurationError


def migrate(url: str) -> str:
    """Bring the database at ``url`` to this version's schema; return the revision.

    Raises:
        ConfigurationError: the database cannot be reached, or is of a newer Groat.
    """
    current = current_revision(url)
    if current is not None and current not in _known_revisions():
        raise _newer(current)
    with _alembic(url) as config:
        command.upgrade(config, "head")
    return _head()


def print_sql() -> None:
    """Print the SQL that takes an empty database to this version's schema."""
    config = _config("")
    config.output_buffer = sys.stdout
    command.upgrade(config, "head", sql=True)


def require_current(url: str) -> None:
    """Return if the database has this version's schema.

    Raises:
        ConfigurationError: it is empty, older or newer; the message says what to run.
    """
    current, head = current_revision(url), _head()
    if current == head:
        return
    if current is not None and current not in _known_revisions():
        raise _newer(current)
    state = "has no schema yet" if current is None else f"is at revision {current}"
    raise ConfigurationError(
        "schema_outdated",
        f"The database {state}; this Groat needs {head}. Run `groat migrate`.",
    )


def current_revision(url: str) -> str | None:
    """Return the revision of the database at ``url``, or None where there is no schema.

    Raises:
        ConfigurationError: the database cannot be reached.
    """
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
                return None
            row = connection.execute("select version_num from alembic_version").fetchone()
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ConfigurationError(
            "database_unreachable", f"The database in GROAT_DATABASE_URL cannot be used: {reason}"
        ) from None
    return None if row is None else str(row[0])


@contextmanager
def _alembic(url: str) -> Iterator[Config]:
    config = _config(url)
    try:
        yield config
    except CommandError as error:
        raise ConfigurationError("migration_failed", str(error)) from error


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", "groat.platform:migrations")
    config.set_main_option("path_separator", "os")
    _, separator, rest = url.partition("://")
    config.attributes["url"] = f"postgresql+psycopg{separator}{rest}"
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(""))


def _head() -> str:
    head = _scripts().get_current_head()
    assert head is not None, "the package ships its migrations"  # noqa: S101
    return head


def _known_revisions() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _newer(revision: str) -> ConfigurationError:
    return ConfigurationError(
        "schema_newer",
        f"The database is at revision {revision}, which this Groat does not know (it knows up to "
        f"{_head()}). Run a newer Groat.",
    )
