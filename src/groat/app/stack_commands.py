"""``groat up`` and ``groat demo``: a whole stack on this machine."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import threading
import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from groat.app import demo as demonstration
from groat.app import demo_books, render, traffic
from groat.app.onboarding import first_wallet
from groat.app.settings import read_settings
from groat.app.stack import running_stack
from groat.app.verify import verify
from groat.kernel import ids
from groat.kernel.errors import ConfigurationError
from groat.platform.process.settings import Settings

console = Console()
notes = Console(stderr=True)

Yes = Annotated[
    bool, typer.Option("--yes", help="Allow writes into the database in GROAT_DATABASE_URL.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


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
    changed = {"home": settings.home / "demo", "feed_seconds": demo_books.FEED_SECONDS}
    settings = settings.model_copy(update=changed)
    name = f"Demonstration {ids.uuid7()}"
    with render.progress(notes) as progress:
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
            findings = verify(stack.settings, lambda _: None)
            say("Stopping")
    shutil.rmtree(settings.home)
    summary = demonstration.summary(tally, findings, time.monotonic() - started)
    if as_json:
        print(json.dumps(asdict(summary)))
    else:
        render.demonstration(console, summary, findings)
    raise typer.Exit(0 if summary.oracle_ok else 1)


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


def _wait_for_interrupt() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
