"""What a contestant is: an API process that takes events in, and a worker that applies them."""

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


@dataclass(frozen=True, slots=True)
class Contestant:
    """How its processes are started, where events are delivered, and how it is looked into.

    ``share`` is how many of a phase's deliveries it gets, so that its phases take about as long as
    the other's. ``needs_redis`` says that nothing is acknowledged without it. ``holds`` is its own
    oracle.
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
        """Run the API and yield its process id."""
        with self._running("api", self.api) as child:
            child.wait_until(self._answers, _READY_SECONDS)
            yield child.process.pid

    @contextmanager
    def working(self) -> Iterator[int]:
        """Run the worker and yield its process id. It may not be ready yet."""
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
