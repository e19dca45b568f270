"""The schema's revisions run by Alembic, or printed."""

from __future__ import annotations

import sys

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from groat.kernel.errors import ConfigurationError


def upgrade(url: str) -> None:
    """Run the revisions that the database at ``url`` does not have yet.

    Raises:
        ConfigurationError: ``migration_failed``.
    """
    try:
        command.upgrade(alembic_config(url), "head")
    except CommandError as error:
        raise ConfigurationError("migration_failed", str(error)) from error


def print_sql() -> None:
    """Print the SQL of all revisions."""
    config = alembic_config("")
    config.output_buffer = sys.stdout
    command.upgrade(config, "head", sql=True)


def alembic_config(url: str) -> Config:
    """Return what Alembic has to know."""
    config = Config()
    config.set_main_option("script_location", "groat.platform:migrations")
    config.set_main_option("path_separator", "os")
    _, separator, rest = url.partition("://")
    config.attributes["url"] = f"postgresql+psycopg{separator}{rest}"
    return config
