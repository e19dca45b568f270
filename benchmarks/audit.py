"""Measure the audit trail under the ledger benchmark: delay and cost of sealing, and verify.

Turns with and without a worker alternate. The worker seals; nothing else is due. So the ratio of
their rates is the cost of sealing.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.ledger import ground
from benchmarks.ledger.groat import Writers, running_writers
from benchmarks.machine import described
from groat.app.verify import verify
from groat.app.wiring import open_engine
from groat.audit.service.verification import LogOptions
from groat.kernel.caller import Operator

ACCOUNTS = 200_000
"""Number of accounts."""

CALLERS = 1_000
"""Number of concurrent callers of the ledger."""

_STARTED = "worker_started"
_READY_SECONDS = 60

_DELAYS = """
    select extract(epoch from c.created_at - r.recorded_at) * 1000
    from audit_record r
    join audit_leaf l on l.record_id = r.id
    join lateral (
        select created_at from audit_checkpoint where size > l.place order by size limit 1
    ) as c on true
    where r.recorded_at between %s and %s
"""
_UNSEALED = """
    select count(*) from audit_record r
    where not exists (select from audit_leaf l where l.record_id = r.id)
"""
_ROWS = """
    select (select count(*) from ledger_entry) + (select count(*) from ledger_transaction)
        + (select count(*) from audit_record)
"""


@dataclass(frozen=True, slots=True)
class AuditFigures:
    """The figures of a run. Delays are from the time of a record to the time of its checkpoint.

    ``throughput_ratio`` is the median of the pairs of turns with and without sealing.
    ``verify_rows_per_s`` counts entries, transactions and records in a full run.
    """

    rounds: int
    transfers: int
    records: int
    seal_delay_p50_ms: float
    seal_delay_p99_ms: float
    throughput_ratio: float
    throughput_ratios: list[float]
    sealing_tps: float
    verify_rows: int
    verify_seconds: float
    verify_rows_per_s: float
    oracle_ok: bool
    machine: str


def main(
    seconds: Annotated[float, typer.Option(min=2, help="Seconds of each turn.")] = 8,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Number of pairs of turns.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure the delay and the cost of sealing audit records, and the speed of `groat verify`."""
    notes = Console(stderr=True)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        progress = stack.enter_context(Progress(console=notes, transient=True))
        task = progress.add_task("Starting PostgreSQL", total=2 * rounds + 3)

        def say(text: str) -> None:
            progress.update(task, description=text, advance=1)

        server = stack.enter_context(ground.running_server(home / "server"))
        say(f"Opening {ACCOUNTS:,} accounts")
        url = ground.new_database(server, "audit", ACCOUNTS)
        asyncio.run(_name_log(url))
        writers = stack.enter_context(running_writers(url, "a"))
        say("Warming up")
        writers.turn(seconds=seconds / 2, callers=CALLERS, hot=False)
        ground.tidy(url)
        trial = _Trial(url, home, writers, seconds)
        trial.run(rounds, say)
        say("Verifying")
        figures = trial.figures(rounds)
    if as_json:
        print(json.dumps(asdict(figures)))  # noqa: T201 - the command prints its result
    else:
        Console().print(_table(figures))


async def _name_log(url: str) -> None:
    async with open_engine(ground.settings(url)) as engine:
        await engine.audit_keys.init(Operator("benchmark"), "groat.example/benchmark")


class _Trial:
    """Pairs of turns, with and without a worker that seals."""

    def __init__(self, url: str, home: Path, writers: Writers, seconds: float) -> None:
        self._url = url
        self._home = home
        self._writers = writers
        self._seconds = seconds
        self._ratios: list[float] = []
        self._rates: list[float] = []
        self._delays: list[float] = []
        self._transfers = 0

    def run(self, rounds: int, say: Callable[[str], None]) -> None:
        """Run the pairs, each in the other order than the one before."""
        for number in range(rounds):
            rates = {}
            for sealing in (True, False) if number % 2 else (False, True):
                say(f"{'With' if sealing else 'Without'} sealing")
                rates[sealing] = self._sealing() if sealing else self._turn()
            self._ratios.append(rates[True] / rates[False])
            self._rates.append(rates[True])

    def _turn(self) -> float:
        turn = self._writers.turn(seconds=self._seconds, callers=CALLERS, hot=False)
        self._transfers += turn.calls
        return turn.tps

    def _sealing(self) -> float:
        """Run a turn beside a worker that has sealed everything before."""
        with _worker(self._url, self._home), psycopg.connect(self._url, autocommit=True) as reader:
            _await_sealed(reader)
            started = reader.execute("select clock_timestamp()").fetchone()
            rate = self._turn()
            ended = reader.execute("select clock_timestamp()").fetchone()
            assert started is not None  # noqa: S101 - the clock has a time
            assert ended is not None  # noqa: S101
            _await_sealed(reader)
            rows = reader.execute(_DELAYS, [started[0], ended[0]]).fetchall()
        self._delays += [float(delay) for (delay,) in rows]
        return rate

    def figures(self, rounds: int) -> AuditFigures:
        """Verify everything, and return the figures."""
        ground.tidy(self._url)
        with psycopg.connect(self._url) as reader:
            row = reader.execute(_ROWS).fetchone()
        assert row is not None  # noqa: S101 - a count has one row
        started = time.perf_counter()
        findings = verify(ground.settings(self._url), lambda _: None, LogOptions(full=True))
        seconds = time.perf_counter() - started
        hundredths = statistics.quantiles(self._delays, n=100)
        return AuditFigures(
            rounds,
            self._transfers,
            len(self._delays),
            seal_delay_p50_ms=round(hundredths[49], 1),
            seal_delay_p99_ms=round(hundredths[98], 1),
            throughput_ratio=round(statistics.median(self._ratios), 3),
            throughput_ratios=[round(ratio, 3) for ratio in self._ratios],
            sealing_tps=round(statistics.median(self._rates)),
            verify_rows=row[0],
            verify_seconds=round(seconds, 2),
            verify_rows_per_s=round(row[0] / seconds),
            oracle_ok=all(finding.ok for finding in findings),
            machine=described(),
        )


@contextmanager
def _worker(url: str, home: Path) -> Iterator[None]:
    """Run ``groat worker`` on the database, from the moment that it is at work."""
    told = {"GROAT_DATABASE_URL": url, "GROAT_MASTER_KEY": ground.MASTER_KEY}
    log = home / "worker.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "groat.app.cli", "worker"],
            env={**os.environ, **told},
            cwd=home,
            stderr=output,
        )
        try:
            limit = time.monotonic() + _READY_SECONDS
            while _STARTED not in log.read_text():
                if process.poll() is not None or time.monotonic() > limit:
                    raise RuntimeError(f"the worker did not start: {log.read_text()}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()


def _await_sealed(reader: psycopg.Connection) -> None:
    limit = time.monotonic() + _READY_SECONDS
    while reader.execute(_UNSEALED).fetchone() != (0,):
        if time.monotonic() > limit:
            raise RuntimeError("records stay unsealed")
        time.sleep(0.1)


def _table(figures: AuditFigures) -> Table:
    table = Table(title="Audit trail", show_header=False)
    for name, value in asdict(figures).items():
        table.add_row(name.replace("_", " "), str(value))
    return table
