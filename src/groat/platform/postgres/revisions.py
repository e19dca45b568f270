"""Runs the schema's revisions with Alembic, or prints them."""

from __future__ import annotations

import sys

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError

from groat.kernel.errors import ConfigurationError
from groat.platform.postgres.roles import role_missing


def upgrade(url: str, role: str | None) -> None:
    """Run the revisions that the database at ``url`` lacks, and grant ``role`` its privileges.

    Raises:
        ConfigurationError: ``role_missing`` or ``migration_failed``; the database is unchanged.
    """
    try:
        command.upgrade(alembic_config(url, role), "head")
    except CommandError as error:
        raise ConfigurationError("migration_failed", str(error)) from error
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.InsufficientPrivilege) and role is not None:
            raise role_missing(role) from error
        reason = str(error.orig).strip().splitlines()[0]
        raise ConfigurationError(
            "migration_failed", f"PostgreSQL refused the migration: {reason}"
        ) from error


def print_sql(role: str | None) -> None:
    """Print the SQL of all revisions and of the privileges of ``role``."""
    config = alembic_config("", role)
    config.output_buffer = sys.stdout
    command.upgrade(config, "head", sql=True)


def alembic_config(url: str, role: str | None) -> Config:
    """Return Alembic's configuration for the database at ``url`` and the application's role."""
    config = Config()
    config.set_main_option("script_location", "groat.platform.postgres:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    config.attributes["role"] = role
    return config
