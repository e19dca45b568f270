"""The command line as people use it: real processes, in a home of their own."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from groat.simulator.sites import SIMULATED
from tests.support import measure, zygote
from tests.support.keyed import give_key

GROAT = [sys.executable, "-m", "groat.app.cli"]
START_SECONDS = 120
COMMAND_SECONDS = 240
_READY = "Ctrl-C stops everything"


@contextmanager
def new_home() -> Iterator[Path]:
    """Yield a directory that everybody may enter, so that root's servers too have data in it.

    Whatever still runs for it at the end is killed.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        path = Path(directory).resolve()
        path.chmod(0o755)
        yield path
        left = processes_of(path)
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=10)


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return our environment with ``home`` and no other variable of Groat's but ``more``.

    A process with it is not measured: most of these are killed, and then no measure is left.
    """
    rest = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COVERAGE_", "GROAT_"))
    }
    return {**rest, "GROAT_HOME": str(home), **more}


def groat(
    home: Path, *arguments: str, stdin: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run ``groat <arguments>`` to its end, with ``stdin`` as its standard input if given.

    The process is forked from one that has imported the engine already.
    """
    told = environment(home, **measure.variables(), **more)
    return zygote.run("groat.app.cli", *arguments, cwd=home, env=told, stdin=stdin)


def fresh_groat(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``groat <arguments>`` as a shell does: the process begins with nothing imported."""
    return subprocess.run(
        [*GROAT, *arguments],
        env=environment(home),
        cwd=home,
        check=False,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def running(
    home: Path, name: str, log: Path, descriptors: int | None = None, /, **more: str
) -> Iterator[zygote.Process]:
    """Run ``groat <name>``, forked like ``groat``; kill it at the end. ``log`` has its output."""
    told = environment(home, **more)
    with log.open("wb") as output, Path(os.devnull).open("rb") as nothing:
        process = zygote.start(
            "groat.app.cli",
            name,
            cwd=home,
            env=told,
            streams=(nothing.fileno(), output.fileno(), output.fileno()),
            descriptors=descriptors,
        )
    try:
        yield process
    finally:
        process.kill()


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
    """Tell whether it still runs; a parent may take its time to collect one that does not."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def commands_of(home: Path, name: str = "") -> list[psutil.Process]:
    """Return the running ``groat`` commands of ``home``, or those called ``name``."""
    found = []
    for process in processes_of(home):
        with suppress(psutil.Error):
            line = process.cmdline()
            if "groat.app.cli" in line and name in {"", line[-1]}:
                found.append(process)
    return found


@contextmanager
def another(home: Path, name: str, line: list[str], told: dict[str, str]) -> Iterator[None]:
    """Run a command of ``groat up`` by hand, as ``line`` and ``told``; end it afterwards.

    It has no port for metrics: another ``groat up`` may have taken that of the command it replaces.
    """
    told = {name: value for name, value in told.items() if name != "GROAT_METRICS_PORT"}
    with (home / "logs" / f"{name}.log").open("ab") as log:
        started = subprocess.Popen(
            line, env=told, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=home
        )
    with started:
        try:
            yield
        finally:
            started.terminate()


def end(process: psutil.Process) -> None:
    """End a process as a crash would."""
    process.kill()
    until(lambda: not _is_alive(process), "a process to end")


@dataclass(frozen=True)
class Up:
    """A running ``groat up``."""

    home: Path
    process: subprocess.Popen[bytes]
    api: httpx.Client

    @property
    def output(self) -> str:
        return _output(self.home)

    def simulator(self, provider: str) -> str:
        return address(self.output, f"{provider} simulator")

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


@contextmanager
def running_up(home: Path, **more: str) -> Iterator[Up]:
    """Start ``groat up`` and yield it once it says that it is ready; end whatever is left."""
    with (home / "up.out").open("wb") as output:
        process = subprocess.Popen(
            [*GROAT, "up"],
            env=environment(home, **_free_ports(), **more),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        until(lambda: _READY in _output(home) or process.poll() is not None, "groat up")
        assert _READY in _output(home), _output(home)
        with _client(_output(home)) as api:
            yield Up(home, process, api)
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(START_SECONDS)
        process.kill()
        process.wait()


def _free_ports() -> dict[str, str]:
    """Return settings that name free ports, so that two stacks that start at once do not meet."""
    api, metrics, *simulators = random.sample(range(15000, 32000, 2), 2 + len(SIMULATED))
    ports = {"GROAT_API_PORT": api, "GROAT_METRICS_PORT": metrics}
    for one, port in zip(SIMULATED.values(), simulators, strict=True):
        ports[f"GROAT_{one.port_setting.upper()}"] = port
    return {name: str(port) for name, port in ports.items()}


def _output(home: Path) -> str:
    return (home / "up.out").read_text(encoding="utf-8")


def _client(output: str) -> httpx.Client:
    key = re.search(r"API key +(groat_\S+)", output)
    assert key is not None, output
    return httpx.Client(
        base_url=address(output, "API"),
        headers={"authorization": f"Bearer {key[1]}"},
        timeout=30,
        trust_env=False,
        event_hooks={"request": [give_key]},
    )


def address(output: str, name: str) -> str:
    """Return the address that ``groat up`` printed beside ``name``."""
    found = re.search(rf"^{name} +(http://\S+)", output, re.MULTILINE)
    assert found is not None, output
    return found[1]


def database_url(home: Path) -> str:
    """Return the database of the stack that runs under ``home``."""
    url: str = json.loads((home / "running.json").read_text(encoding="utf-8"))["database_url"]
    return url


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the JSON object that is the last line of a command's output."""
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
