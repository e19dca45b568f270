"""Run a real PgBouncer in front of a database, as many deployments do."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict

from groat.platform.embedded.places import (
    HOST,
    free_port,
    make_private_directory,
    run_as,
)

PoolMode: TypeAlias = Literal["session", "transaction", "statement"]

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
"""Path of the program, None if it is not installed."""

_START_SECONDS = 10
"""Maximum seconds for PgBouncer to start."""

_POLL_SECONDS = 0.02
"""Seconds between checks whether PgBouncer has started."""


@contextmanager
def pgbouncer(database_url: str, mode: PoolMode, *, connections: int) -> Iterator[str]:
    """Start a PgBouncer in front of ``database_url``, and yield the address of the database there.

    ``connections`` is the number of server connections that all clients share.

    Raises:
        FileNotFoundError: PgBouncer is not installed.
        RuntimeError: PgBouncer did not start. The message is its log.
    """
    if PROGRAM is None:
        raise FileNotFoundError("pgbouncer is not installed: apt-get install pgbouncer")
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        home.chmod(0o755)
        make_private_directory(home / "run")
        port = free_port()
        file = home / "pgbouncer.ini"
        file.write_text(_configuration(database_url, mode, port, connections), encoding="utf-8")
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [PROGRAM, str(file)], **run_as(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            url = f"postgresql://groat@{HOST}:{port}/{database_url.rpartition('/')[2]}"
            _await_answer(process, url, home / "log")
            yield url
        finally:
            process.terminate()
            process.wait()


def _configuration(database_url: str, mode: PoolMode, port: int, connections: int) -> str:
    server = conninfo_to_dict(database_url)
    target = " ".join(f"{name}={server[name]}" for name in ("host", "port", "user", "password"))
    return f"""
[databases]
* = {target}
[pgbouncer]
listen_addr = {HOST}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
max_client_conn = 200
default_pool_size = {connections}
"""


def _await_answer(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(url, autocommit=True).close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text(encoding="utf-8")) from error
            time.sleep(_POLL_SECONDS)
        else:
            return
