"""Workers and APIs as a test has them: real processes, started and killed by their ids."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.faults.stripe_events import Event
from tests.faults.zygote import FATE

_PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Started:
    """What a process was started as: ``groat <name>``, with these variables."""

    name: str
    told: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Processes that a zygote forks. ``logs`` is the directory of what they say."""

    zygote: Process
    logs: Path
    running: dict[int, Started] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def called(self, name: str) -> list[int]:
        """Return the ids of the processes that run ``groat <name>``."""
        return [pid for pid, started in self.running.items() if started.name == name]

    async def start(self, name: str, told: Mapping[str, str]) -> int:
        """Start ``groat <name>``; return its id."""
        log = str(self.logs / f"{name}.log")
        pid = await self._order({"start": name, "told": dict(told), "log": log})
        self.running[pid] = Started(name, told)
        return pid

    async def replace(self, pid: int) -> int:
        """Kill a process and start one like it; return the new one's id."""
        started = self.running[pid]
        await self.kill(pid)
        return await self.start(started.name, started.told)

    async def kill(self, pid: int) -> None:
        """End a process as a crash does; see that it had not ended by itself."""
        started = self.running.pop(pid)
        ended_by = await self._order({"kill": pid})
        assert ended_by == signal.SIGKILL, self.last_words(started.name)

    async def kill_all(self) -> None:
        for pid in tuple(self.running):
            await self.kill(pid)

    def last_words(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")[-2000:]

    async def until(self, pid: int, status: str) -> None:
        """Return once a process is ``status``, as psutil calls it; a dead one is a zombie."""
        process, deadline = psutil.Process(pid), time.monotonic() + _PATIENCE_SECONDS
        while process.status() != status:
            assert time.monotonic() < deadline, self.last_words(self.running[pid].name)
            await asyncio.sleep(0.02)

    async def _order(self, order: Mapping[str, object]) -> int:
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        async with self._turn:
            self.zygote.stdin.write(json.dumps(order).encode() + b"\n")
            return int(await self.zygote.stdout.readline())


def fate(what: signal.Signals, events: Iterable[Event]) -> dict[str, str]:
    """Return what a process is told so that ``what`` happens to it once it reads one of them."""
    return {FATE: " ".join([what.name, *(event.id for event in events)])}


@asynccontextmanager
async def running_fleet(logs: Path) -> AsyncIterator[Fleet]:
    """Yield a fleet with no process yet; none is left at the end.

    Who is killed tells nothing of what it ran, so that none of them is measured.
    """
    unmeasured = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COVERAGE_", "GROAT_"))
    }
    zygote = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.zygote"),
        stdin=PIPE,
        stdout=PIPE,
        env=unmeasured,
        start_new_session=True,
    )
    assert zygote.stdin is not None
    try:
        yield Fleet(zygote, logs)
    finally:
        zygote.stdin.close()
        await asyncio.wait_for(zygote.wait(), _PATIENCE_SECONDS)
