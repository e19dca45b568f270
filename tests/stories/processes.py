"""The command line as people use it: real processes, in a home of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

GROAT = [sys.executable, "-m", "groat.app.cli"]
START_SECONDS = 60
COMMAND_SECONDS = 120
_READY = "Ctrl-C stops everything"


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return our environment with ``home`` and nothing else of Groat's but ``more``."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("GROAT_")}
    return {**rest, "GROAT_HOME": str(home), **more}


def groat(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run ``groat <arguments>`` to its end."""
    return subprocess.run(
        [*GROAT, *arguments],
        env=environment(home, **more),
        cwd=home,
        check=False,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )


def until(condition: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Wait for ``condition``, not longer than a slow machine needs."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, f"waited in vain for {what}"
        time.sleep(0.02)


def processes_of(home: Path) -> list[psutil.Process]:
    """Return what runs for ``home``: commands that were told of it, servers that work in it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            told = process.environ().get("GROAT_HOME", "")
            places = (Path(told or "/"), Path(process.cwd()))
            if any(place.is_relative_to(home) for place in places) and _is_alive(process):
                found.append(process)
    return found


def _is_alive(process: psutil.Process) -> bool:
    return process.status() != psutil.STATUS_ZOMBIE


def commands_of(home: Path, name: str = "") -> list[psutil.Process]:
    """Return the running ``groat`` commands of ``home``, or those called ``name``."""
    found = []
    for process in processes_of(home):
        with suppress(psutil.Error):
            line = process.cmdline()
            if "groat.app.cli" in line and name in {"", line[-1]}:
                found.append(process)
    return found


def end(process: psutil.Process) -> None:
    """End a process as a crash would."""
    process.kill()
    process.wait(10)


@dataclass(frozen=True)
class Up:
    """A running ``groat up``."""

    home: Path
    process: subprocess.Popen[bytes]

    @property
    def output(self) -> str:
        return (self.home / "up.out").read_text(encoding="utf-8")

    @cached_property
    def api(self) -> httpx.Client:
        key = re.search(r"API key +(groat_\S+)", self.output)
        assert key is not None, self.output
        return httpx.Client(
            base_url=self._address("API"),
            headers={"authorization": f"Bearer {key[1]}"},
            timeout=30,
            trust_env=False,
        )

    def simulator(self, provider: str) -> str:
        return self._address(f"{provider} simulator")

    def account(self, provider: str) -> str:
        found = re.search(rf"{provider} simulator .*provider account (pac_\w+)", self.output)
        assert found is not None, self.output
        return found[1]

    def interrupt(self) -> int:
        """Press Ctrl-C; return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(START_SECONDS)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(database_url(self.home)) as connection:
            return connection.execute(query.encode()).fetchall()

    def _address(self, name: str) -> str:
        found = re.search(rf"^{name} +(http://\S+)", self.output, re.MULTILINE)
        assert found is not None, self.output
        return found[1]


@contextmanager
def running_up(home: Path) -> Iterator[Up]:
    """Start ``groat up`` and yield it once it says that it is ready; end whatever is left."""
    with (home / "up.out").open("wb") as output:
        process = subprocess.Popen(
            [*GROAT, "up"],
            env=environment(home),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    up = Up(home, process)
    try:
        until(lambda: _READY in up.output or process.poll() is not None, "groat up")
        assert _READY in up.output, up.output
        yield up
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(START_SECONDS)
        process.kill()
        process.wait()


def database_url(home: Path) -> str:
    """Return the database of the stack that runs under ``home``."""
    url: str = json.loads((home / "running.json").read_text(encoding="utf-8"))["database_url"]
    return url


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the JSON object that is the last line of a command's output."""
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
