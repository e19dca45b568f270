"""``groat settlement``: import the settlement files of providers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from groat.app import render
from groat.app.engine_commands import with_engine
from groat.app.operators import operator
from groat.app.wiring import Engine
from groat.kernel import ids
from groat.kernel.ids import ProviderAccountId
from groat.settlement.domain.summary import ImportOutcome
from groat.settlement.service.files import SettlementReport
from groat.settlement.service.opening import Opening

app = typer.Typer(
    help="Read the provider's books: import its settlement files.", no_args_is_help=True
)
console = Console()
notes = Console(stderr=True)

_MOST_SHOWN = 20
"""Maximum differences that a table shows. JSON has all of them."""


@app.command("import")
def import_file(
    account: Annotated[str, typer.Argument(help="The provider account's id, as `pac_...`.")],
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True,
            dir_okay=False,
            readable=True,
            help="The file, or the parts of one report in their order.",
        ),
    ],
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Compare the file with our movements; store nothing."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Store the movements of a settlement file that Groat lacks, and post them.

    Stripe: the itemized reports, as CSV. PayPal: the settlement report (STL). A file whose own
    totals do not agree is refused as a whole. Importing a file again changes nothing.
    """
    account_id = ProviderAccountId(ids.parse("provider_account", account))
    with _progress() as progress:
        steps = {
            "check": progress.add_task("Checking the file", total=None),
            "match": progress.add_task("Matching with ours", total=None),
        }

        async def run(engine: Engine) -> ImportOutcome:
            caller = operator().acting_for(await engine.merchants.owner(account_id))
            with ExitStack() as stack:
                parts = tuple(stack.enter_context(path.open("rb")) for path in files)
                report = SettlementReport(caller, account_id, _name(files), parts)
                act = engine.settlement_files.compare
                if not dry_run:
                    act = engine.settlement_files.import_report
                return await act(report, lambda step, count: progress.advance(steps[step], count))

        outcome = with_engine(run)
    if as_json:
        print(json.dumps(_document(outcome)))
    else:
        render.settlement_import(console, outcome, _MOST_SHOWN)


@app.command("open")
def open_account(
    account: Annotated[str, typer.Argument(help="The provider account's id, as `pac_...`.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Post the balance that an account had before Groat began to read its movements.

    An account with a history needs it once, so that our account equals the provider's balance. The
    provider tells the balance. Repeating the command changes nothing.
    """
    account_id = ProviderAccountId(ids.parse("provider_account", account))

    async def run(engine: Engine) -> Opening:
        caller = operator().acting_for(await engine.merchants.owner(account_id))
        return await engine.openings.open(caller, account_id)

    opening = with_engine(run)
    if as_json:
        print(json.dumps(msgspec.to_builtins(opening)))
    else:
        render.opening(console, opening)


def _name(files: Sequence[Path]) -> str:
    first, *others = files
    return f"{first.name} and {len(others)} more" if others else first.name


def _document(outcome: ImportOutcome) -> object:
    document = msgspec.to_builtins(outcome)
    for difference, shown in zip(outcome.differences, document["differences"], strict=True):
        shown["key"] = difference.key
    return document


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,} movements"),
        TimeElapsedColumn(),
        console=notes,
        transient=True,
    )
