"""A process that has read everything, and forks workers and APIs: each starts in a moment.

Killing one every 300 ms is nothing, reading the engine as often would be. It takes one order a
line on standard input and answers each with one number. It runs no loop, opens no connection and
makes no id itself, so that its children have nothing in common; and none of them outlives it.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import uvloop

from groat.app.api import serve_api
from groat.app.worker import run_worker
from groat.platform.process.settings import (
    SUPERVISED,
    Settings,
    read_settings,
)
from groat.platform.process.telemetry import configure_logging
from groat.providers.port import Answered, NotOurs, Unreadable
from groat.providers.stripe.webhooks import StripeWebhooks

RUN: Mapping[str, Callable[[Settings], Coroutine[None, None, None]]] = {
    "api": serve_api,
    "worker": run_worker,
}

FATE = "GROAT_TEST_FATE"
"""The name of a signal and ids of events: what happens to who reads one of them."""


@dataclass(slots=True)
class Zygote:
    """``lifeline`` tells a child of our end, as the engine's own parent would: by closing."""

    lifeline: tuple[int, int] = field(default_factory=os.pipe)
    children: set[int] = field(default_factory=set)

    def start(self, name: str, told: Mapping[str, str], log: str) -> int:
        """Return the id of a new process that does as ``groat <name>`` does."""
        pid = os.fork()
        if pid == 0:
            self._become(name, told, log)
        self.children.add(pid)
        return pid

    def kill(self, pid: int) -> int:
        """Kill a child; return the signal that ended it, or 0 if it had ended by itself.

        Until it is waited for, nobody else gets its id.
        """
        self.children.remove(pid)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0

    def kill_all(self) -> None:
        for pid in tuple(self.children):
            self.kill(pid)

    def _become(self, name: str, told: Mapping[str, str], log: str) -> NoReturn:
        read_end, write_end = self.lifeline
        os.close(write_end)
        os.dup2(read_end, 0)
        output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for stream in (1, 2):
            os.dup2(output, stream)
        os.environ.update({**told, SUPERVISED: "1"})
        try:
            settings = read_settings()
            configure_logging(settings, name)
            _meet_fate()
            uvloop.run(RUN[name](settings))
        except BaseException:  # noqa: BLE001 - nothing of the parent's is to be run on the way out
            traceback.print_exc()
            os._exit(1)
        os._exit(0)


def _meet_fate() -> None:
    """If told so, have an event do something to the process that reads it, the first time.

    Not each time: who is stopped for longer than answers are waited for has to read it again.
    """
    if FATE not in os.environ:
        return
    name, *event_ids = os.environ[FATE].split()
    awaiting = [signal.Signals[name]]
    read = StripeWebhooks.read

    def meet_fate(
        webhooks: StripeWebhooks, event_type: str, body: bytes
    ) -> Answered | Unreadable | NotOurs | None:
        if awaiting and any(f'"{event_id}"'.encode() in body for event_id in event_ids):
            os.kill(os.getpid(), awaiting.pop())
        return read(webhooks, event_type, body)

    setattr(StripeWebhooks, "read", meet_fate)  # noqa: B010 - a method is not replaced


def main() -> None:
    """Do as told until standard input ends; then end every child."""
    zygote = Zygote()
    gc.freeze()
    try:
        for line in sys.stdin:
            order = json.loads(line)
            if "kill" in order:
                answer = zygote.kill(order["kill"])
            else:
                answer = zygote.start(order["start"], order["told"], order["log"])
            sys.stdout.write(f"{answer}\n")
            sys.stdout.flush()
    finally:
        zygote.kill_all()


if __name__ == "__main__":
    main()
