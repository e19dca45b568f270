"""Run the webhook benchmark: Groat and the textbook's pipeline take turns on one machine."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.webhooks import groat, ground, report
from benchmarks.webhooks.contest import RATE, Contest
from benchmarks.webhooks.figures import document, summarised
from benchmarks.webhooks.plan import PACED, SATURATED, Orders, payments, planned, shared
from benchmarks.webhooks.sender import running_sender
from benchmarks.webhooks.textbook import contestant as textbook

WARM_UP = 500
"""Deliveries of each phase in the unmeasured first round."""

Say = Callable[..., None]
"""Callback that shows the current step, and advances the progress bar by a number of steps."""


def main(
    deliveries: Annotated[
        int, typer.Option("--events", min=500, help="Number of deliveries to Groat in a phase.")
    ] = 10_000,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Number of rounds of turns.")] = 6,
    seconds: Annotated[
        float, typer.Option(min=1, help="Seconds of the phases with 200 deliveries per second.")
    ] = 5,
    output: Annotated[Path | None, typer.Option(help="Directory to write webhooks.md to.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure webhooks: rates and latencies of acknowledging and of applying them."""
    plan = _plan(deliveries, rounds, round(seconds * RATE))
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        task = progress.add_task("Starting PostgreSQL and Valkey", total=None)

        def say(text: str, advance: int = 0) -> None:
            progress.update(task, description=text, advance=advance)

        contests = _contests(stack, home, plan, say)
        turns = list(_turns(plan, contests))
        progress.update(task, total=sum(len(orders) for _, orders in turns))
        for number, (contest, orders) in enumerate(turns):
            contest.turn(orders)
            if number < len(contests):  # unmeasured: fills plans and caches, opens connections
                contest.samples.clear()
        say("Checking the books")
        oracle_ok = all([contest.holds(payments(plan)) for contest in contests])  # noqa: C419 - check each contestant
    asked = f"--events {deliveries} --rounds {rounds} --seconds {seconds:g}"
    figures = summarised(
        *[contest.samples for contest in contests],
        oracle_ok=oracle_ok,
        command=f"python -m benchmarks webhooks {asked}",
    )
    if output is not None:
        report.write(figures, output)
    if as_json:
        print(json.dumps(document(figures)))  # noqa: T201 - the command prints its result
    else:
        Console().print(report.table(figures))


def _plan(deliveries: int, rounds: int, by_the_clock: int) -> list[Orders]:
    """Return the orders of all rounds. The first round is a warm-up."""
    warm_up = dict.fromkeys((*SATURATED, "by_the_clock"), WARM_UP)
    sizes = dict.fromkeys(SATURATED, deliveries) | dict.fromkeys(PACED, by_the_clock)
    return planned([warm_up, *[sizes] * rounds])


def _contests(stack: ExitStack, home: Path, plan: Sequence[Orders], say: Say) -> list[Contest]:
    """Start the servers, write the payments, and start the client and both APIs."""
    postgres = stack.enter_context(ground.running_postgres(home / "postgres"))
    valkeys = [stack.enter_context(ground.running_valkey(home / name)) for name in ("v1", "v2")]
    say(f"Making {payments(plan):,} payments, twice")
    groat_side, made = groat.prepare(postgres, valkeys[0], payments(plan), home)
    textbook_side = textbook.prepare(postgres, valkeys[1], made, home)
    say("Starting the client and the APIs")
    sender = stack.enter_context(running_sender(made, home))
    contests = []
    for contestant in (groat_side, textbook_side):
        stack.callback(contestant.books.connection.close)
        api = stack.enter_context(contestant.serving())
        begin = partial(_begin, say, contestant.name)
        contests.append(Contest(contestant, sender, postgres, api, home, begin))
    return contests


def _turns(plan: Sequence[Orders], contests: Sequence[Contest]) -> Iterator[tuple[Contest, Orders]]:
    """Yield the turns of each round in alternating order, so that neither has an advantage."""
    for number, orders in enumerate(plan):
        for contest in contests[:: -1 if number % 2 else 1]:
            is_last = orders is plan[-1]
            yield contest, shared(orders, contest.contestant, is_last=is_last)


def _begin(say: Say, contestant: str, phase: str) -> None:
    say(f"{contestant}: {phase.replace('_', ' ')}", 1)
