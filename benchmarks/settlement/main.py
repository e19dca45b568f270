"""Measure the import of a settlement file, its repetition, and its matching with our movements.

An import reads the file, checks it whole and stores each movement. Nothing is posted. The matching
compares every movement of the file with ours. ``peak_mb`` is the most memory that the process has
used; PostgreSQL is another process.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from benchmarks.settlement.files import write
from groat.app.wiring import Engine, open_engine
from groat.kernel.caller import Caller, Operator
from groat.kernel.ids import ProviderAccountId
from groat.platform.embedded.servers import EmbeddedServers
from groat.platform.postgres import schema
from groat.platform.process.settings import Settings
from groat.settlement.domain.summary import ImportOutcome
from groat.settlement.service.files import Progress, SettlementReport

_MASTER_KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
_CREDENTIALS: dict[str, dict[str, str | None]] = {
    "stripe": {"api_key": "sk_test_1"},
    "paypal": {"client_id": "a", "client_secret": "b"},
}


@dataclass(frozen=True, slots=True)
class SettlementFigures:
    """The figures of a run. Rates are rows of the file by seconds of the whole verb."""

    provider: str
    rows: int
    import_rows_per_s: float
    again_rows_per_s: float
    match_rows_per_s: float
    added: int
    added_again: int
    differences: int
    peak_mb: float
    machine: str


def main(
    rows: Annotated[int, typer.Option(min=1, help="Number of rows in the file.")] = 1_000_000,
    provider: Annotated[str, typer.Option(help="`stripe` or `paypal`.")] = "stripe",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure the import of a settlement file, and its matching with our movements."""
    notes = Console(stderr=True)
    with tempfile.TemporaryDirectory() as home, Bar(console=notes, transient=True) as bar:
        task = bar.add_task("Writing the file", total=None)
        path = Path(home) / "report.csv"
        write(path, provider, rows)
        with EmbeddedServers(
            Path(home) / "data", ephemeral=True, postgres=True, valkey=False
        ) as servers:
            url = servers.postgres.url
            schema.migrate(url)
            bar.update(task, description="Importing and matching", total=6 * rows)
            figures = asyncio.run(
                _measure(url, path, provider, rows, lambda _, count: bar.advance(task, count))
            )
    if as_json:
        print(json.dumps(asdict(figures)))  # noqa: T201 - the command prints its result
    else:
        Console().print(_table(figures))


async def _measure(
    url: str, path: Path, provider: str, rows: int, progress: Progress
) -> SettlementFigures:
    settings = Settings(
        _env_file=None, database_url=SecretStr(url), master_key=SecretStr(_MASTER_KEY)
    )
    async with open_engine(settings) as engine:
        caller, account_id = await _account(engine, provider)
        files = engine.settlement_files

        async def timed(act: _Act) -> tuple[float, ImportOutcome]:
            with path.open("rb") as file:
                report = SettlementReport(caller, account_id, path.name, (file,))
                started = time.perf_counter()
                outcome = await act(report, progress)
                return round(rows / (time.perf_counter() - started)), outcome

        first, imported = await timed(files.import_report)
        again, repeated = await timed(files.import_report)
        matched, compared = await timed(files.compare)
    return SettlementFigures(
        provider,
        rows,
        import_rows_per_s=first,
        again_rows_per_s=again,
        match_rows_per_s=matched,
        added=imported.added,
        added_again=repeated.added,
        differences=len(compared.differences),
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        machine=f"{os.cpu_count()} x {platform.machine()}, Python {platform.python_version()}",
    )


_Act = Callable[[SettlementReport, Progress], Coroutine[Any, Any, ImportOutcome]]


async def _account(engine: Engine, provider: str) -> tuple[Caller, ProviderAccountId]:
    operator = Operator("benchmark")
    caller = operator.acting_for(await engine.merchants.create(operator, "Benchmark"))
    account_id = await engine.merchants.put_provider_account(
        caller, provider, "Main", _CREDENTIALS[provider]
    )
    return caller, account_id


def _table(figures: SettlementFigures) -> Table:
    table = Table(title="Settlement files", show_header=False)
    for name, value in asdict(figures).items():
        table.add_row(name.replace("_", " "), str(value))
    return table
