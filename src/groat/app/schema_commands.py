"""``groat migrate`` and ``groat config``: the schema and the settings of an installation."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console

from groat.app import render
from groat.app.settings import ALL_SETTINGS, read_settings
from groat.app.stack import running_settings
from groat.platform.postgres import schema
from groat.platform.process.settings import PREFIX, require

console = Console()
notes = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


def migrate(
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL and change nothing.")] = False,
) -> None:
    """Migrate the database in GROAT_DATABASE_URL to the schema of this version."""
    settings = read_settings()
    if sql:
        schema.print_sql(settings.role)
        return
    settings = running_settings(settings)
    revision = schema.migrate(require(settings.database_url, "DATABASE_URL"), settings.role)
    notes.print(f"The schema is at revision {revision}.")
    if settings.role is None:
        notes.print(
            "The engine has no database role of its own (GROAT_DATABASE_ROLE=none). Only triggers "
            "keep it from changing ledger entries and audit records. With a role, missing grants "
            "would prevent that too."
        )


def config(as_json: Json = False) -> None:
    """Show the settings in force. Secrets are masked.

    A setting is an environment variable, or a line of the file `.env` in this directory.
    """
    settings = read_settings()
    values = {
        f"{PREFIX}{name.upper()}": _shown(value) for name, value in settings if value is not None
    }
    if as_json:
        print(json.dumps(values))
    else:
        render.settings(console, values, ALL_SETTINGS)


def _shown(value: object) -> str:
    return "********" if isinstance(value, SecretStr) else str(value)
