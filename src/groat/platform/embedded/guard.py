"""Starts the guard: a process that stops embedded servers if their owner is killed.

An owner that ends normally stops its servers itself, and then the guard. ``watch`` is the guard.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_GUARD = "groat.platform.embedded.watch"
"""Module that the guard runs."""


@contextmanager
def guarded(home: Path, *, ephemeral: bool) -> Iterator[None]:
    """Run a guard during the block. It stops the servers of ``home`` if this process is killed."""
    guard = _start(home, ephemeral=ephemeral)
    try:
        yield
    finally:
        if guard is not None:
            guard.kill()
            guard.communicate()


def _start(home: Path, *, ephemeral: bool) -> subprocess.Popen[bytes] | None:
    kind = ["ephemeral"] if ephemeral else []
    try:
        return subprocess.Popen(
            [sys.executable, "-m", _GUARD, str(home), *kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the owner only
        )
    except PermissionError:  # this user may not run our Python; the next start cleans up instead
        return None
