"""Run the ledger benchmark: Groat, the usual function and TPC-B take turns on one server."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.progress import Progress

from benchmarks.ledger import ground, report
from benchmarks.ledger.figures import summarised
from benchmarks.ledger.groat import Writers, running_writers
from benchmarks.ledger.usual import Usual
from benchmarks.ledger.writers import Mix
from groat.app.verify import verify
from groat.platform.process.settings import Settings

ACCOUNTS = 200_000
"""Number of accounts in each database."""

CALLERS = 1_000
"""Number of concurrent callers of Groat."""

Samples = dict[str, list[float]]
"""The values that each round measured, by the name of the figure."""

MIXES = {
    "refused_2": Mix(refused=0.02),
    "refused_30": Mix(refused=0.3),
    "repeated_10": Mix(repeated=0.1),
}
"""The mixes of calls that are compared with plain transfers."""

Turns = list[tuple[str, Callable[[], float]]]
"""The turns of a round: the name of a figure and the function that measures it."""


class Rig(NamedTuple):
    """The contestants: Groat's writers on a ``small`` and on a large ledger, and the usual ways.

    ``clients`` is the number of pgbench's clients at which the usual function is fastest.
    """

    small: str
    writers: Writers
    veterans: Writers
    usual: Usual
    clients: Mapping[str, int]


def main(
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of each turn.")] = 4,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Number of rounds of turns.")] = 5,
    entries: Annotated[
        int, typer.Option(min=0, help="Number of past entries in the large ledger.")
    ] = 5_000_000,
    output: Annotated[
        Path | None, typer.Option(help="Directory to write ledger.md and ledger.svg to.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure transfers per second of Groat, of the usual function, and of pgbench's own script."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        task = progress.add_task("Starting PostgreSQL", total=None)

        def say(text: str) -> None:
            progress.update(task, description=text)

        server = stack.enter_context(ground.running_server(home / "server"))
        say(f"Opening {3 * ACCOUNTS:,} accounts")
        small, large, other = [
            ground.new_database(server, name, ACCOUNTS) for name in ("small", "large", "usual")
        ]
        say(f"Writing a past of {entries:,} entries")
        ground.fill(large, ACCOUNTS, entries)
        writers = stack.enter_context(running_writers(small, "s"))
        veterans = stack.enter_context(running_writers(large, "l"))
        usual = Usual(other, home, ACCOUNTS)
        usual.prepare_tpcb()
        samples: Samples = defaultdict(list)
        say("Finding the best number of pgbench's clients")
        clients = {kind: usual.best_clients(kind, seconds / 4) for kind in ("cold", "hot")}
        rig = Rig(small, writers, veterans, usual, clients)
        for name, turn in _turns(rig, seconds / 4, samples):
            say(f"Warming up: {name}")  # unmeasured: fills plans and caches, opens connections
            turn()
        samples.clear()
        turns = _turns(rig, seconds, samples)
        for url in (small, large, other):
            ground.tidy(url)
        progress.update(task, total=rounds * len(turns))
        for name, turn in _interleaved(turns, rounds):
            say(name)
            samples[name].append(turn())
            progress.advance(task)
        say("Checking the books")
        oracle_ok = _oracle(small)
    figures = summarised(samples, clients, oracle_ok=oracle_ok, rounds=rounds, seconds=seconds)
    if output is not None:
        report.write(figures, output)
    if as_json:
        print(json.dumps(asdict(figures)))  # noqa: T201 - the command prints its result
    else:
        Console().print(report.table(figures))


def _turns(rig: Rig, seconds: float, samples: Samples) -> Turns:
    """Return the turns of a round, in order. A Groat turn adds further samples by itself."""
    small, writers, veterans, usual, clients = rig

    def groat(*, hot: bool) -> float:
        before = ground.size(small)
        turn = writers.turn(seconds=seconds, callers=CALLERS, hot=hot)
        samples["bytes_per_transfer"].append((ground.size(small) - before) / turn.calls)
        if not hot:
            samples["p50_ms"].append(turn.p50_ms)
            samples["p99_ms"].append(turn.p99_ms)
        return turn.tps

    def mixed(mix: Mix, *, hot: bool) -> Callable[[], float]:
        return lambda: writers.turn(seconds=seconds / 2, callers=CALLERS, hot=hot, mix=mix).tps

    mixes = [
        (f"{name}_{kind}_tps", mixed(mix, hot=kind == "hot"))
        for name, mix in MIXES.items()
        for kind in ("cold", "hot")
    ]
    return [
        ("groat_cold_tps", lambda: groat(hot=False)),
        ("for_update_cold_tps", lambda: usual.transfers("cold", clients["cold"], seconds)),
        ("groat_hot_tps", lambda: groat(hot=True)),
        ("for_update_hot_tps", lambda: usual.transfers("hot", clients["hot"], seconds)),
        (
            "groat_large_tps",
            lambda: veterans.turn(seconds=seconds, callers=CALLERS, hot=False).tps,
        ),
        ("tpcb_tps", lambda: usual.tpcb(seconds)),
        (
            "single_p50_ms",
            lambda: writers.turn(seconds=seconds / 2, callers=1, hot=False).p50_ms,
        ),
        ("for_update_single_p50_ms", lambda: usual.single_p50_ms(seconds / 2)),
        *mixes,
    ]


def _interleaved(turns: Turns, rounds: int) -> Iterator[tuple[str, Callable[[], float]]]:
    """Yield the turns of each round in alternating order, so that none has an advantage."""
    for number in range(rounds):
        yield from turns if number % 2 == 0 else turns[::-1]


def _oracle(url: str) -> bool:
    settings = Settings(_env_file=None, database_url=SecretStr(url))
    return all(finding.ok for finding in verify(settings, lambda _: None))
