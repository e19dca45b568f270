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
import re
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

_IMPORTED = ("groat.app.cli", "groat.providers.stripe.adapter", "pytest")
_SIZED_AT_IMPORT = re.compile(r"groat\.app\.(cli|\w+_commands)")
"""Modules that each command imports anew: a console takes its width when it is made."""
_MAX_ORDER_BYTES = 150_000


@dataclass(frozen=True, slots=True)
class _Order:
    module: str
    arguments: list[str]
    environment: dict[str, str]
    directory: str


def run(
    module: str,
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    stdin: str | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Do as ``python -m <module> <arguments>`` does, and return its exit code and output."""
    order = json.dumps(asdict(_Order(module, list(arguments), dict(env), str(cwd)))).encode()
    assert len(order) < _MAX_ORDER_BYTES
    with ExitStack() as stack:
        given, said, complained = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        given.write((stdin or "").encode())
        given.seek(0)
        result, write_end = os.pipe()
        stack.callback(os.close, result)
        try:
            socket.send_fds(
                _zygote(),
                [order],
                [given.fileno(), said.fileno(), complained.fileno(), write_end],
            )
        finally:
            os.close(write_end)
        code = _exit_code(result, time.monotonic() + timeout)
        output, errors = [_text(one.fileno()) for one in (said, complained)]
    return subprocess.CompletedProcess([module, *arguments], code, output, errors)


def _text(file: int) -> str:
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(os.dup(file), encoding="utf-8") as reader:
        return reader.read()


def _exit_code(result: int, deadline: float) -> int:
    """Read a command's process id and then its exit code; kill it at the deadline."""
    told = b""
    while told.count(b"\n") < 2:
        ready, _, _ = select.select([result], [], [], max(0, deadline - time.monotonic()))
        more = os.read(result, 100) if ready else b""
        if not more:
            if told:
                os.kill(int(told.split()[0]), signal.SIGKILL)
            raise TimeoutError("a command did not end in time")
        told += more
    return int(told.split()[1])


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


def main() -> None:
    """Import the engine, then fork a command for each order until there are no more."""
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        order = _awaited(orders)
    if order is not None:
        _become(order)


if __name__ == "__main__":
    main()
