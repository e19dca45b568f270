"""Groat's side of the ledger benchmark: one posting process for each processor."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

from benchmarks.ledger.ground import GROAT
from benchmarks.ledger.writers import PLAIN, Done, Mix, Round


@dataclass(frozen=True, slots=True)
class Turn:
    """The combined result of all writers in one turn.

    ``tps`` is calls per second, ``cpu_us`` microseconds of processor time per call.
    """

    calls: int
    tps: float
    cpu_us: float
    latencies_ms: list[float]

    @property
    def p50_ms(self) -> float:
        """The median latency of a call."""
        return statistics.median(self.latencies_ms)

    @property
    def p99_ms(self) -> float:
        """The latency that 1 % of the calls exceed."""
        return statistics.quantiles(self.latencies_ms, n=100)[98]


class Writers:
    """The writer processes on one database."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._processes = processes

    def turn(self, *, seconds: float, callers: int, hot: bool, mix: Mix = PLAIN) -> Turn:
        """Let ``callers`` post concurrently for ``seconds``, spread over the processes."""
        used = self._processes[:callers]
        asked = Round(seconds, callers // len(used), hot, mix)
        for process in used:
            assert process.stdin is not None  # noqa: S101 - it is a pipe
            process.stdin.write(json.dumps(asdict(asked)) + "\n")
            process.stdin.flush()
        return _together([_answer(process) for process in used])


@contextmanager
def running_writers(url: str, name: str) -> Iterator[Writers]:
    """Start one writer for each processor, yield them, and end them."""
    with ExitStack() as stack:
        processes = []
        for number in range(os.cpu_count() or 1):
            command = [sys.executable, "-m", "benchmarks.ledger.writers"]
            process = subprocess.Popen(
                [*command, url, str(GROAT), f"{name}{number}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            processes.append(stack.enter_context(process))  # closes its input and waits for it
        yield Writers(processes)


def _answer(process: subprocess.Popen[str]) -> Done:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("a writer has ended; its output is above")
    return Done(**json.loads(line))


def _together(done: list[Done]) -> Turn:
    calls = sum(writer.calls for writer in done)
    return Turn(
        calls,
        calls / max(writer.seconds for writer in done),
        1e6 * sum(writer.cpu_seconds for writer in done) / calls,
        [latency for writer in done for latency in writer.latencies_ms],
    )
