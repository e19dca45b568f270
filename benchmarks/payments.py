"""Measure complete payments: created over HTTP, charged, reported by webhook, posted and checked.

Client, simulators, API, worker, PostgreSQL and Valkey share this machine. So the figures measure
the whole machine, and the engine alone would be faster. The simulators decline 15 of 100 payments
and deliver each webhook once.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import httpx
import typer
from pydantic import SecretStr
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.exchanges import counted
from groat.app import traffic
from groat.app.settings import ALL_SETTINGS
from groat.app.stack import Stack, running_stack
from groat.app.traffic import Taken
from groat.app.verify import verify
from groat.app.wiring import open_engine
from groat.platform.embedded.servers import EmbeddedServers

WARM_UP = 50
"""Payments before the first measurement."""

ALONE = 100
"""Payments taken one at a time, to measure the engine's own share of a call."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a run. The rate is the median of all rounds; latencies cover all calls.

    ``overhead_p50_ms`` is the median time of a call without the provider's share, when calls are
    made one at a time. ``exchanges_per_lifecycle`` is the number of exchanges of all processes with
    PostgreSQL for a payment, when payments are taken one at a time.
    """

    rounds: int
    payments_per_round: int
    lifecycles_per_s: float
    exchanges_per_lifecycle: float
    create_p50_ms: float
    create_p99_ms: float
    overhead_p50_ms: float
    oracle_ok: bool
    machine: str


def main(
    payments: Annotated[int, typer.Option(min=100, help="Number of payments in a round.")] = 1000,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Number of rounds.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure complete payments per second, and the latency of the call that creates one."""
    notes = Console(stderr=True)
    with tempfile.TemporaryDirectory() as home, Progress(console=notes, transient=True) as progress:
        task = progress.add_task("Starting", total=None)
        settings = ALL_SETTINGS(home=Path(home) / "home")
        with running_stack(
            settings,
            merchant="Benchmark",
            ephemeral=True,
            say=lambda text: progress.update(task, description=text),
        ) as stack:
            progress.update(task, description="Taking payments", total=rounds * payments)
            measured = _measure(stack, payments, rounds, lambda: progress.advance(task))
        progress.update(task, description="Counting exchanges", total=None)
        figures = replace(measured, exchanges_per_lifecycle=_exchanges(Path(home) / "counted"))
    if as_json:
        print(json.dumps(asdict(figures)))  # noqa: T201 - the command prints its result
    else:
        Console().print(_table(figures))


def _exchanges(home: Path) -> float:
    """Return the exchanges for a payment, counted by a proxy in front of another stack's server."""
    with (
        EmbeddedServers(home / "server", ephemeral=True, postgres=True, valkey=False) as servers,
        counted(servers.database_url) as (counter, url),
        running_stack(
            ALL_SETTINGS(home=home / "stack", database_url=SecretStr(url)),
            merchant="Benchmark",
            ephemeral=True,
            say=lambda _: None,
        ) as stack,
    ):
        asyncio.run(measured_round(stack, "warm-up", WARM_UP, lambda _: None))
        before = counter.exchanges
        asyncio.run(measured_round(stack, "alone", ALONE, lambda _: None, at_once=1))
        return round((counter.exchanges - before) / ALONE, 1)


def _measure(stack: Stack, payments: int, rounds: int, paid: Callable[[], None]) -> Figures:
    asyncio.run(measured_round(stack, "warm-up", WARM_UP, lambda _: None))
    alone: list[Taken] = []
    asyncio.run(measured_round(stack, "alone", ALONE, alone.append, at_once=1))
    taken: list[Taken] = []

    def note(payment: Taken) -> None:
        taken.append(payment)
        paid()

    rates = [
        asyncio.run(measured_round(stack, f"round-{number}", payments, note))
        for number in range(rounds)
    ]
    hundredths = statistics.quantiles([payment.seconds for payment in taken], n=100)
    overhead = statistics.median(payment.seconds - payment.provider_seconds for payment in alone)
    return Figures(
        rounds,
        payments,
        lifecycles_per_s=round(statistics.median(rates), 1),
        exchanges_per_lifecycle=0,
        create_p50_ms=round(hundredths[49] * 1000, 1),
        create_p99_ms=round(hundredths[98] * 1000, 1),
        overhead_p50_ms=round(overhead * 1000, 1),
        oracle_ok=all(finding.ok for finding in verify(stack.settings, lambda _: None)),
        machine=f"{os.cpu_count()} x {platform.machine()}, Python {platform.python_version()}",
    )


async def measured_round(
    stack: Stack,
    label: str,
    payments: int,
    paid: Callable[[Taken], None],
    at_once: int = traffic.AT_ONCE,
) -> float:
    """Return the payments per second from the first call until the last webhook is applied."""
    async with httpx.AsyncClient(timeout=60) as http, open_engine(stack.settings) as engine:
        started = time.perf_counter()
        await traffic.take_payments(
            stack.api, stack.merchant, label, payments, paid, at_once=at_once
        )
        await traffic.until_settled(http, engine, stack.merchant)
        return payments / (time.perf_counter() - started)


def _table(figures: Figures) -> Table:
    table = Table(title="Complete payments", show_header=False)
    for name, value in asdict(figures).items():
        table.add_row(name.replace("_", " "), str(value))
    return table
