"""``groat verify``: check the database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from groat.app import render
from groat.app.settings import read_settings
from groat.app.stack import running_settings
from groat.app.verify import all_checks, as_document
from groat.app.verify import verify as run_checks
from groat.audit.domain.note import VerifierKey
from groat.audit.service.verification import LogOptions

console = Console()
notes = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


def verify(
    as_json: Json = False,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Verify the whole log of audit records again.")
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="File with a signed checkpoint; the log must extend it.", exists=True),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="Verifier key to trust, instead of those in the database."),
    ] = None,
) -> None:
    """Check the database: sums, balances, payments, effects, references, records, the log.

    The command may run beside a busy engine. It verifies the log of audit records from the last
    verified checkpoint on, or with --full or --checkpoint from its beginning. If a check fails, it
    names the first wrong row and exits with 1.
    """
    settings = running_settings(read_settings())
    kept = None if checkpoint is None else checkpoint.read_text(encoding="utf-8")
    keys = tuple(VerifierKey.parse(one) for one in key or ())
    with render.progress(notes) as progress:
        task = progress.add_task("Checking", total=len(all_checks()) + 1)
        log = progress.add_task("Reading the log", total=None)
        findings = run_checks(
            settings,
            lambda found: progress.update(task, description=found.name, advance=1),
            LogOptions(full, kept, keys),
            lambda leaves, of: progress.update(log, completed=leaves, total=of),
        )
    document = as_document(findings)
    if as_json:
        print(json.dumps(document))
    else:
        render.findings(console, findings)
    raise typer.Exit(0 if document["ok"] else 1)
