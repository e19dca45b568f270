"""A process that has imported the engine, and forks commands: each starts in a moment.

A command is a real process, with its own directory, environment, streams and exit code. It begins
after the imports, which take seconds of processor time.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import re
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import groat.app

_IMPORTED = ("groat.providers.stripe.adapter", "groat.simulator.serve", "pytest")
"""Further modules, beside all of the application, which loads each of its parts on demand."""
_SIZED_AT_IMPORT = re.compile(r"groat\.app\.(cli|\w+_commands?)")
"""Modules that each command imports anew: a console takes its width when it is made."""
_MAX_ORDER_BYTES = 150_000
_PATIENCE_SECONDS = 120
"""Seconds to wait for what takes a moment on a machine that is not busy."""


@dataclass(frozen=True, slots=True)
class _Order:
    module: str
    arguments: list[str]
    environment: dict[str, str]
    directory: str
    descriptors: int | None


class Process:
    """A command that runs, or has ended. Its ``returncode`` is None while it runs."""

    def __init__(self, result: int) -> None:
        self._result = result
        self._told = b""
        self.returncode: int | None = None
        self.pid = int(self._line(_PATIENCE_SECONDS))

    def poll(self) -> int | None:
        """Return the exit code, or None if the command still runs."""
        with suppress(TimeoutError):
            self.wait(0)
        return self.returncode

    def wait(self, seconds: float) -> int:
        """Return the exit code once the command has ended. It is negative after a signal.

        Raises:
            TimeoutError: the command still runs after ``seconds``.
        """
        if self.returncode is None:
            self.returncode = int(self._line(seconds))
            os.close(self._result)
        return self.returncode

    def kill(self) -> int:
        """Kill the command, and return its exit code."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        return self.wait(_PATIENCE_SECONDS)

    def _line(self, seconds: float) -> bytes:
        """Return the next line of its watcher: the process id, then the exit code."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._told:
            ready, _, _ = select.select([self._result], [], [], max(0, deadline - time.monotonic()))
            more = os.read(self._result, 100) if ready else b""
            if not more:
                raise TimeoutError("a command did not end in time")
            self._told += more
        line, _, self._told = self._told.partition(b"\n")
        return line


def start(
    module: str,
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    streams: tuple[int, int, int],
    descriptors: int | None = None,
) -> Process:
    """Start ``python -m <module> <arguments>`` with its standard streams.

    It may open ``descriptors`` files, or as many as its parent.
    """
    order = _Order(module, list(arguments), dict(env), str(cwd), descriptors)
    message = json.dumps(asdict(order)).encode()
    assert len(message) < _MAX_ORDER_BYTES
    result, write_end = os.pipe()
    try:
        socket.send_fds(_zygote(), [message], [*streams, write_end])
    finally:
        os.close(write_end)
    return Process(result)


def run(
    module: str,
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    stdin: str | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Do as ``python -m <module> <arguments>`` does, and return its exit code and output."""
    with ExitStack() as stack:
        given, said, complained = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        given.write((stdin or "").encode())
        given.seek(0)
        streams = (given.fileno(), said.fileno(), complained.fileno())
        process = start(module, *arguments, cwd=cwd, env=env, streams=streams)
        stack.callback(process.kill)
        code = process.wait(timeout)
        output, errors = [_text(one.fileno()) for one in (said, complained)]
    return subprocess.CompletedProcess([module, *arguments], code, output, errors)


def _text(file: int) -> str:
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(os.dup(file), encoding="utf-8") as reader:
        return reader.read()


@cache
def _zygote() -> socket.socket:
    """Return the end of a socket at whose other end this process's zygote takes orders."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    rest = {name: value for name, value in os.environ.items() if not name.startswith("GROAT_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.zygote", str(theirs.fileno())],
        cwd=Path(__file__).parents[2],
        env=rest,
        stdin=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        start_new_session=True,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _awaited(orders: socket.socket) -> _Order | None:
    """Return each order in a new process of its own; in the zygote, None once there are no more."""
    while True:
        message, files, _, _ = socket.recv_fds(orders, _MAX_ORDER_BYTES, 4)
        if not message:
            return None
        if os.fork() == 0:
            orders.close()
            _watch_over_command(files)
            return _Order(**json.loads(message))
        for file in files:
            os.close(file)
        while os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            os.wait()


def _watch_over_command(files: list[int]) -> None:
    """Fork the command and return in it. Its parent tells its process id and exit code."""
    *streams, result = files
    pid = os.fork()
    if pid == 0:
        os.close(result)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return
    os.write(result, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(result, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(order: _Order) -> None:
    """Run a module as ``python -m`` does, in this process."""
    os.chdir(order.directory)
    if order.descriptors is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (order.descriptors, order.descriptors))
    _measure_if_told(order.environment)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    more = order.environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [order.directory, *filter(None, more)]
    sys.argv[1:] = order.arguments
    for name in filter(_SIZED_AT_IMPORT.fullmatch, tuple(sys.modules)):
        package, _, module = name.rpartition(".")
        del sys.modules[name]
        delattr(sys.modules[package], module)
    runpy.run_module(order.module, run_name="__main__", alter_sys=True)


def _measure_if_told(environment: Mapping[str, str]) -> None:
    """Stop to measure coverage in a command whose environment does not ask for it."""
    if "coverage" in sys.modules and not any(name.startswith("COVERAGE_") for name in environment):
        measuring = importlib.import_module("coverage").Coverage.current()
        if measuring is not None:
            measuring.stop()


def main() -> None:
    """Import the engine, then fork a command for each order until there are no more."""
    application = pkgutil.iter_modules(groat.app.__path__, "groat.app.")
    for name in (*_IMPORTED, *(module.name for module in application)):
        importlib.import_module(name)
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        order = _awaited(orders)
    if order is not None:
        _become(order)


if __name__ == "__main__":
    main()
