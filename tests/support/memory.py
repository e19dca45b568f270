"""A directory in memory for the servers of the tests, where there is enough of it.

Each database of a test is 300 files, which a disk takes up to a quarter of a second to make and
delete. What tests kill is processes: nothing here has to outlive the machine.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_MEMORY = Path("/dev/shm")  # noqa: S108 - each process makes a directory of its own in it
_PREFIX = "groat-tests-"
_ENOUGH_BYTES = 6 * 1024**3
"""For a gigabyte of PostgreSQL's log and a few databases, three times over."""


@contextmanager
def directory_in_memory() -> Iterator[Path | None]:
    """Yield a directory in memory, which is deleted afterwards; None if there is little memory."""
    if not _MEMORY.is_dir() or _free_bytes() < _ENOUGH_BYTES:
        yield None
        return
    for left_over in _MEMORY.glob(f"{_PREFIX}*"):
        _remove_if_abandoned(left_over)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_MEMORY))
    directory.chmod(0o711)  # the servers of root are another user's
    with (directory / "owner").open("w") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        try:
            yield directory
        finally:
            shutil.rmtree(directory)


def _free_bytes() -> int:
    return min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available)


def _remove_if_abandoned(directory: Path) -> None:
    """Delete what a process has left that was killed: its lock went with it."""
    with suppress(OSError), (directory / "owner").open() as owner:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory)
