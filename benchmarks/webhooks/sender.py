"""Control the client process that delivers the events."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.webhooks.client import Done, Round
from benchmarks.webhooks.events import Payment


class Sender:
    """Deliver rounds through the client process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def deliver(self, asked: Round) -> Done:
        """Deliver a round, and return its result when it is over."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps(asdict(asked)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the client has ended; its output is above")
        return Done(**json.loads(line))


@contextmanager
def running_sender(payments: Sequence[Payment], home: Path) -> Iterator[Sender]:
    """Start a client for these payments, yield it, and end it."""
    known = home / "payments.json"
    known.write_text(json.dumps(payments))
    command = [sys.executable, "-m", "benchmarks.webhooks.client", str(known)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:  # closes its input and waits for it
        yield Sender(process)
