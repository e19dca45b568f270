"""A contestant: an API process that acknowledges events, and a worker that applies them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.webhooks.ground import Books
from groat.app.supervision import Child
from groat.platform.embedded.servers import ValkeyServer
from groat.platform.process.settings import SUPERVISED

_READY_SECONDS = 30.0
"""Maximum seconds for an API process to start."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """The commands of a contestant's processes, its webhook address and its database.

    ``share`` is the fraction of a phase's deliveries that it gets, from 0 to 1. A slower contestant
    gets fewer, so that its phases take about as long. ``needs_redis`` means that it acknowledges
    nothing without Redis. ``holds`` is its own check of its books.
    """

    name: str
    books: Books
    valkey: ValkeyServer
    port: int
    path: str
    api: tuple[str, ...]
    worker: tuple[str, ...]
    environment: Mapping[str, str]
    logs: Path
    share: float
    needs_redis: bool
    holds: Callable[[], bool]

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Start the API, wait until it accepts connections, and yield its process id."""
        with self._running("api", self.api) as child:
            child.wait_until(self._answers, _READY_SECONDS)
            yield child.process.pid

    @contextmanager
    def working(self) -> Iterator[int]:
        """Start the worker and yield its process id. The worker may not be ready yet."""
        with self._running("worker", self.worker) as child:
            yield child.process.pid

    @contextmanager
    def _running(self, name: str, arguments: tuple[str, ...]) -> Iterator[Child]:
        with (self.logs / f"{self.name}-{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env={**os.environ, **self.environment, SUPERVISED: "1"},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        child = Child(f"{self.name} {name}", process, Path(log.name))
        try:
            yield child
        finally:
            child.stop()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
