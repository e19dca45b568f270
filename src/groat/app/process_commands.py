"""``groat processes``: the processes of the engine that are alive."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from groat.app.settings import read_settings
from groat.app.stack import running_settings
from groat.platform.postgres.database import Database
from groat.platform.postgres.heartbeat import Process, processes
from groat.platform.process.settings import require

console = Console()


def list_processes(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show the API and worker processes of the last day, and which of them are alive."""
    found = asyncio.run(_read())
    if as_json:
        print(json.dumps([_document(one) for one in found]))
        return
    table = Table(title="Processes")
    for heading in ("kind", "state", "host", "version", "started", "last seen"):
        table.add_column(heading, overflow="fold")
    for one in found:
        state = "[green]alive[/]" if one.is_alive else "silent"
        started, seen = (f"{at:%Y-%m-%d %H:%M:%S} UTC" for at in (one.started_at, one.seen_at))
        table.add_row(one.kind, state, one.host, one.version, started, seen)
    console.print(table)


async def _read() -> list[Process]:
    settings = running_settings(read_settings())
    url = require(settings.database_url, "DATABASE_URL")
    database = Database(url, max_connections=2, role=settings.role)
    await database.open()
    try:
        return await processes(database)
    finally:
        await database.close()


def _document(one: Process) -> dict[str, object]:
    return {
        "id": str(one.id),
        "kind": one.kind,
        "host": one.host,
        "version": one.version,
        "started_at": one.started_at.isoformat(),
        "seen_at": one.seen_at.isoformat(),
        "alive": one.is_alive,
    }
