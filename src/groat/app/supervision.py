"""Start and stop child processes on one machine. A child never outlives its parent.

A child's standard input is a pipe from its parent. When the parent ends, even by SIGKILL, the pipe
closes, and the child stops as it would on SIGTERM.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from groat.kernel.errors import ConfigurationError
from groat.platform.process.settings import SUPERVISED

_STOP_SECONDS = 40.0
"""Seconds that a child may take to stop before it is killed."""

_POLL_SECONDS = 0.05
"""Seconds between checks whether a child is ready."""


@dataclass(frozen=True, slots=True)
class Child:
    """A ``groat`` command that runs as a child process."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, name: str, environment: Mapping[str, str], log: Path) -> Self:
        """Start ``groat <name>``, and append its output to the file ``log``."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "groat.app.cli", name],
                env={**os.environ, **environment, SUPERVISED: "1"},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(name, process, log)

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until ``ready`` returns True, for ``seconds`` at most.

        Raises:
            ConfigurationError: the child ended or was not ready in time. The message contains the
                last line of its output.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise ConfigurationError(
                    "process_failed", f"`groat {self.name}` did not start: {self._last_line()}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop the child with SIGTERM, and kill it if it does not stop in time."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"no output in {self.log}"


@asynccontextmanager
async def exit_with_parent() -> AsyncIterator[None]:
    """While the block runs, send this process SIGTERM when its parent ends.

    A process that no Groat process started has no such parent, and is left alone.
    """
    if SUPERVISED not in os.environ:
        yield
        return
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def watch() -> None:
        await reader.read()
        os.kill(os.getpid(), signal.SIGTERM)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
