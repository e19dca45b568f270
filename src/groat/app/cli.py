"""The command line: ``groat --help``."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import uvloop
from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn

from groat.app import (
    account_commands,
    audit_commands,
    doctor_command,
    event_commands,
    inbox_commands,
    key_commands,
    merchant_commands,
    payment_commands,
    process_commands,
    provider_account_commands,
    render,
    routing_commands,
    settlement_commands,
    traffic,
)
from groat.app import demo as demonstration
from groat.app.api import serve_api
from groat.app.onboarding import first_wallet
from groat.app.settings import ALL_SETTINGS, read_settings
from groat.app.stack import running_settings, running_stack
from groat.app.supervision import exit_with_parent
from groat.app.verify import all_checks, as_document
from groat.app.verify import verify as run_checks
from groat.app.worker import run_worker
from groat.audit.domain.note import VerifierKey
from groat.audit.service.verification import LogOptions
from groat.kernel import ids
from groat.kernel.errors import ConfigurationError, GroatError
from groat.platform.postgres import schema
from groat.platform.process.settings import (
    PREFIX,
    Settings,
    require,
    unknown_variables,
)
from groat.platform.process.telemetry import configure_command_logging, configure_logging

app = typer.Typer(
    help="Groat, a payment orchestration engine. Start with `groat demo`, then `groat up`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.add_typer(merchant_commands.app, name="merchants")
app.add_typer(provider_account_commands.app, name="provider-accounts")
app.add_typer(key_commands.app, name="keys")
app.add_typer(account_commands.app, name="accounts")
app.add_typer(payment_commands.app, name="payments")
app.add_typer(routing_commands.app, name="routing")
app.add_typer(inbox_commands.app, name="inbox")
app.add_typer(event_commands.app, name="events")
app.add_typer(audit_commands.app, name="audit")
app.add_typer(settlement_commands.app, name="settlement")
app.command("processes")(process_commands.list_processes)
app.command("doctor")(doctor_command.diagnose)

console = Console()
notes = Console(stderr=True)

_VERBOSE = "--verbose"
Yes = Annotated[
    bool, typer.Option("--yes", help="Allow writes into the database in GROAT_DATABASE_URL.")
]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


@app.callback()
def options(
    *,
    verbose: Annotated[
        bool, typer.Option(_VERBOSE, help="Show the traceback of an error.")
    ] = False,
) -> None:
    """Accept the options that precede a command."""


@app.command()
def up(*, yes: Yes = False) -> None:
    """Run everything on this machine until Ctrl-C: servers, API, worker and simulators.

    The command starts PostgreSQL and Valkey, unless GROAT_DATABASE_URL and GROAT_REDIS_URL name
    running servers. Data stays in GROAT_HOME (.groat) for the next run.
    """
    settings = read_settings()
    _confirm_database(settings, yes=yes)
    with running_stack(
        settings, merchant="Demonstration", ephemeral=False, say=notes.print
    ) as stack:
        wallet = asyncio.run(first_wallet(stack.settings, stack.merchant.merchant_id))
        render.welcome(console, stack, wallet)
        _wait_for_interrupt()
        notes.print("Stopping")


@app.command()
def demo(
    payments: Annotated[
        int, typer.Option(min=1, max=100_000, help="Number of payments to take.")
    ] = 200,
    *,
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Take payments through two simulated providers, then check the books.

    The simulators decline some payments. They deliver webhooks several times and out of order. The
    exit code is 0 only if every check holds and Groat's books match the books of the providers.
    The command stops every process that it started.
    """
    started = time.monotonic()
    settings = read_settings()
    _confirm_database(settings, yes=yes)
    settings = settings.model_copy(update={"home": settings.home / "demo"})
    name = f"Demonstration {ids.uuid7()}"
    with _progress() as progress:
        task = progress.add_task("Starting", total=None)

        def say(text: str) -> None:
            progress.update(task, description=text)

        def paid(_: traffic.Taken) -> None:
            progress.update(task, description="Taking payments", total=payments, advance=1)

        with running_stack(settings, merchant=name, ephemeral=True, say=say) as stack:
            tally = demonstration.run(
                stack, payments, paid, lambda: say("Waiting for every webhook to be applied")
            )
            say("Checking the books")
            findings = run_checks(stack.settings, lambda _: None)
            say("Stopping")
    shutil.rmtree(settings.home)
    summary = demonstration.summary(tally, findings, time.monotonic() - started)
    if as_json:
        print(json.dumps(asdict(summary)))
    else:
        render.demonstration(console, summary, findings)
    raise typer.Exit(0 if summary.oracle_ok else 1)


@app.command()
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
    """Check the database: sums, balances, payments, effects, references, audit records, the log.

    The command may run beside a busy engine. It verifies the log of audit records from the last
    verified checkpoint on, or with --full or --checkpoint from its beginning. If a check fails, it
    names the first wrong row and exits with 1.
    """
    settings = running_settings(read_settings())
    kept = None if checkpoint is None else checkpoint.read_text(encoding="utf-8")
    keys = tuple(VerifierKey.parse(one) for one in key or ())
    with _progress() as progress:
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


@app.command()
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


@app.command()
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


@app.command()
def api() -> None:
    """Serve the HTTP API and receive the providers' webhooks.

    Any number of these processes may run side by side.
    """
    settings = _process_settings("api")
    uvloop.run(serve_api(settings))


@app.command()
def worker() -> None:
    """Apply webhooks, expire holds, look up unknown outcomes, and seal audit records.

    Any number of these processes may run side by side.
    """
    settings = _process_settings("worker")
    uvloop.run(run_worker(settings))


@app.command()
def simulator() -> None:
    """Serve the providers' simulators for development. Their data is lost when they stop."""
    settings = read_settings()
    configure_logging(settings, "simulator")
    uvloop.run(_serve_simulators(settings))


async def _serve_simulators(settings: Settings) -> None:
    from groat.simulator.serve import serve  # noqa: PLC0415 - no other command needs it
    from groat.simulator.sites import SIMULATED  # noqa: PLC0415

    ports = {name: getattr(settings, one.port_setting) for name, one in SIMULATED.items()}
    async with exit_with_parent():
        await serve("127.0.0.1", ports)


def _confirm_database(settings: Settings, *, yes: bool) -> None:
    """Refuse to write demonstration data into a configured database without ``--yes``.

    The operator may have set GROAT_DATABASE_URL for another purpose.
    """
    if settings.database_url is not None and not yes:
        raise ConfigurationError(
            "database_not_confirmed",
            "GROAT_DATABASE_URL is set, and this command writes a demonstration merchant and its "
            "payments. Unset it to let the command start its own database, or add --yes.",
        )


def _process_settings(name: str) -> Settings:
    settings = running_settings(read_settings())
    configure_logging(settings, name)
    schema.require_current(require(settings.database_url, "DATABASE_URL"), settings.role)
    return settings


def _shown(value: object) -> str:
    return "********" if isinstance(value, SecretStr) else str(value)


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        *Progress.get_default_columns(),
        TimeElapsedColumn(),
        console=notes,
        transient=True,
    )


def _wait_for_interrupt() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


def main() -> NoReturn:
    """Run the command line. It reports an error in a line or two; ``--verbose`` adds the traceback.

    Exit with 2 after an error that Groat defines, and with 1 after any other.
    """
    verbose = _VERBOSE in sys.argv
    configure_command_logging()
    for line in unknown_variables(os.environ, ALL_SETTINGS):
        notes.print(f"[yellow]Warning[/] {escape(line)}", highlight=False, soft_wrap=True)
    try:
        app()
    except GroatError as error:
        _report(f"({error.code}): {error.message}", verbose=verbose)
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - no caller is left to handle it
        reason = str(error).strip().partition("\n")[0]
        _report(f"({type(error).__name__}): {reason}", verbose=verbose)
        if not verbose:
            notes.print(f"Run `groat {_VERBOSE} ...` to see the traceback.")
        sys.exit(1)
    sys.exit(0)


def _report(text: str, *, verbose: bool) -> None:
    if verbose:
        notes.print(traceback.format_exc(), markup=False, highlight=False, soft_wrap=True)
    notes.print(f"[bold red]Error[/] {escape(text)}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
