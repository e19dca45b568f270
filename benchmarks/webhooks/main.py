"""One interleaved run: Groat and the textbook, in turns on the same two servers."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.webhooks import groat, ground, report
from benchmarks.webhooks.contest import RATE, Contest
from benchmarks.webhooks.figures import Samples, summarised
from benchmarks.webhooks.plan import PHASES, Orders, payments, planned, shared
from benchmarks.webhooks.sender import running_sender
from benchmarks.webhooks.textbook import contestant as textbook

WARM_UP = 500
Say = Callable[[str], None]


def main(
    deliveries: Annotated[
        int, typer.Option("--events", min=500, help="How many deliveries to Groat in a phase.")
    ] = 10_000,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="How many rounds of turns.")] = 4,
    seconds: Annotated[float, typer.Option(min=1, help="How long 200 come a second.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure webhooks: acknowledged and applied in a second, and how long each takes."""
    by_the_clock = round(seconds * RATE)
    sizes = dict(zip(PHASES, (deliveries, deliveries, by_the_clock, by_the_clock), strict=True))
    plan = planned([dict.fromkeys(PHASES[:3], WARM_UP), *[sizes] * rounds])
    samples: Samples = defaultdict(list)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
        task = progress.add_task("Starting PostgreSQL and Valkey", total=None)

        def say(text: str) -> None:
            progress.update(task, description=text)

        contests = _contests(stack, home, plan, samples, say)
        progress.update(task, total=len(plan) * len(contests))
        for number, orders in enumerate(plan):
            for contest in contests if number % 2 else contests[::-1]:
                say(f"{contest.contestant.name}, {f'round {number}' if number else 'warming up'}")
                contest.turn(shared(orders, contest.contestant, is_last=number == rounds))
                progress.advance(task)
            if not number:
                samples.clear()
        say("Checking the books")
        oracle_ok = all(contest.holds(payments(plan)) for contest in contests)
    figures = summarised(
        samples, oracle_ok=oracle_ok, rounds=rounds, deliveries=deliveries, seconds=seconds
    )
    if as_json:
        print(json.dumps(asdict(figures)))  # noqa: T201 - it is the command's answer
    else:
        Console().print(report.table(figures))


def _contests(
    stack: ExitStack, home: Path, plan: Sequence[Orders], samples: Samples, say: Say
) -> list[Contest]:
    """Start the servers, the client and both APIs, and write the payments that all is about."""
    postgres = stack.enter_context(ground.running_postgres(home / "postgres"))
    valkeys = [stack.enter_context(ground.running_valkey(home / name)) for name in ("v1", "v2")]
    say(f"Making {payments(plan):,} payments, twice")
    ours, made = groat.prepare(postgres, valkeys[0], payments(plan), home)
    theirs = textbook.prepare(postgres, valkeys[1], made, home)
    say("Starting the client and the APIs")
    sender = stack.enter_context(running_sender(made, home))
    contests = []
    for contestant in (ours, theirs):
        note = partial(_note, samples, contestant.name)
        api = stack.enter_context(contestant.serving())
        contests.append(Contest(contestant, sender, postgres, api, note))
    return contests


def _note(samples: Samples, contestant: str, name: str, value: float) -> None:
    samples[f"{contestant}_{name}"].append(value)
