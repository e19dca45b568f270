"""Compare payments through PgBouncer in transaction mode with payments on direct connections.

Each side has its own database, two API processes, two worker processes and simulators. Both use one
PostgreSQL server. Rounds alternate between the sides, so both run under the same conditions.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import httpx
import psycopg
import typer
from psycopg import sql
from pydantic import SecretStr
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.pgbouncer import pgbouncer
from groat.app import traffic
from groat.app.settings import ALL_SETTINGS
from groat.app.stack import Stack, environment_of, running_stack
from groat.app.supervision import Child
from groat.app.verify import verify
from groat.app.wiring import open_engine
from groat.platform.embedded.places import free_port
from groat.platform.embedded.servers import EmbeddedServers

WARM_UP = 100
"""Payments of each side before the first measurement."""

_START_SECONDS = 30
"""Maximum seconds for an API process to start."""

SERVER_CONNECTIONS = 10
"""Server connections of the pooler, which 64 client connections share."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the comparison: its stack and the addresses of its API processes."""

    stack: Stack
    apis: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a run: payments per second, as medians of all rounds.

    ``ratio`` is the median of the ratios of the rounds.
    """

    rounds: int
    payments_per_round: int
    direct_per_s: float
    pooled_per_s: float
    ratio: float
    oracle_ok: bool


def main(
    payments: Annotated[int, typer.Option(min=100, help="Number of payments in a round.")] = 1000,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Number of rounds of each side.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure payments through PgBouncer in transaction mode, as a share of direct connections."""
    notes = Console(stderr=True)
    with Progress(console=notes, transient=True) as progress:
        task = progress.add_task("Taking payments", total=2 * rounds * payments)
        with _both_sides() as (direct, pooled):
            figures = _measure(direct, pooled, payments, rounds, lambda: progress.advance(task))
    if as_json:
        print(json.dumps(asdict(figures)))  # noqa: T201 - the command prints its result
    else:
        table = Table(title="Payments through a connection pooler", show_header=False)
        for name, value in asdict(figures).items():
            table.add_row(name.replace("_", " "), str(value))
        Console().print(table)


@contextmanager
def _both_sides() -> Iterator[tuple[Side, Side]]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = stack.enter_context(
            EmbeddedServers(home / "servers", ephemeral=True, valkey=False)
        )
        direct, pooled = [_database(servers.database_url, name) for name in ("direct", "pooled")]
        pooled = stack.enter_context(
            pgbouncer(pooled, "transaction", connections=SERVER_CONNECTIONS)
        )
        yield (
            stack.enter_context(_side(home / "direct", direct)),
            stack.enter_context(_side(home / "pooled", pooled)),
        )


def _database(server_url: str, name: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return f"{server_url.rpartition('/')[0]}/{name}"


@contextmanager
def _side(home: Path, database_url: str) -> Iterator[Side]:
    settings = ALL_SETTINGS(home=home, database_url=SecretStr(database_url))
    with (
        running_stack(settings, merchant="Benchmark", ephemeral=True, say=lambda _: None) as stack,
        ExitStack() as more,
    ):
        second = stack.settings.model_copy(update={"api_port": free_port()})
        url = f"http://127.0.0.1:{second.api_port}"
        api, worker = [
            Child.start(name, environment_of(second), home / "logs" / f"{name}-2.log")
            for name in ("api", "worker")
        ]
        more.callback(api.stop)
        more.callback(worker.stop)
        api.wait_until(lambda: _is_up(url), _START_SECONDS)
        yield Side(stack, (stack.api, url))


def _is_up(api: str) -> bool:
    try:
        return httpx.get(f"{api}/healthz", timeout=1.0).is_success
    except httpx.HTTPError:
        return False


def _measure(
    direct: Side, pooled: Side, payments: int, rounds: int, paid: Callable[[], None]
) -> Figures:
    for side in (direct, pooled):
        asyncio.run(_round(side, "warm-up", WARM_UP, lambda: None))
    rates: list[tuple[float, float]] = []
    for number in range(rounds):
        sides = (direct, pooled) if number % 2 == 0 else (pooled, direct)
        found = {
            side.stack.api: asyncio.run(_round(side, f"round-{number}", payments, paid))
            for side in sides
        }
        rates.append((found[direct.stack.api], found[pooled.stack.api]))
    findings = [
        finding
        for side in (direct, pooled)
        for finding in verify(side.stack.settings, lambda _: None)
    ]
    return Figures(
        rounds,
        payments,
        direct_per_s=round(statistics.median(direct for direct, _ in rates), 1),
        pooled_per_s=round(statistics.median(pooled for _, pooled in rates), 1),
        ratio=round(statistics.median(pooled / direct for direct, pooled in rates), 3),
        oracle_ok=all(finding.ok for finding in findings),
    )


async def _round(side: Side, label: str, payments: int, paid: Callable[[], None]) -> float:
    """Return the payments per second from the first call until the last webhook is applied."""
    stack, each = side.stack, payments // len(side.apis)
    async with httpx.AsyncClient(timeout=60) as http, open_engine(stack.settings) as engine:
        started = time.perf_counter()
        await asyncio.gather(
            *(
                traffic.take_payments(
                    api, stack.merchant, f"{label}-{number}", each, lambda _: paid(), at_once=8
                )
                for number, api in enumerate(side.apis)
            )
        )
        await traffic.until_settled(http, engine, stack.merchant)
        return payments / (time.perf_counter() - started)
