"""``groat doctor``: examine the installation, and name a cure for each fault."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from groat.app.doctor import State, Symptom, examine
from groat.app.settings import read_settings
from groat.app.stack import running_settings
from groat.kernel import ids

console = Console()

_MARKS = {
    State.OK: "[green]ok[/]     ",
    State.WARNING: "[yellow]warning[/]",
    State.FAILURE: "[bold red]failure[/]",
}


def diagnose(
    merchant: Annotated[
        list[str] | None,
        typer.Argument(help="Merchants (`mer_...`) whose provider accounts are asked too."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Examine settings, PostgreSQL, Redis, clocks, keys, workers and provider accounts.

    The command changes nothing. Each line that is not ok names a cure. The exit code is 1 if there
    is a failure.
    """
    found = asyncio.run(_examined(merchant or [], show=not as_json))
    if as_json:
        print(json.dumps([asdict(one) for one in found]))
    raise typer.Exit(1 if any(one.state is State.FAILURE for one in found) else 0)


async def _examined(merchants: list[str], *, show: bool) -> list[Symptom]:
    settings = running_settings(read_settings())
    found = []
    async for symptom in examine(settings, [ids.parse_merchant(one) for one in merchants]):
        found.append(symptom)
        if show:
            _print(symptom)
    return found


def _print(symptom: Symptom) -> None:
    line = f"{_MARKS[symptom.state]}  {escape(symptom.name)}: {escape(symptom.detail)}"
    console.print(line, soft_wrap=True, highlight=False)
    if symptom.cure:
        console.print(f"         {symptom.cure}", soft_wrap=True, highlight=False, markup=False)
