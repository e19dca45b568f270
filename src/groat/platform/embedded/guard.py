"""The guard: a process that stops embedded servers if their owner is killed.

The guard waits for the end of its standard input, a pipe from the owner. The kernel closes the pipe
however the owner ends. An owner that ends normally stops its servers itself, and then the guard.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_EPHEMERAL = "ephemeral"


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
    kind = [_EPHEMERAL] if ephemeral else []
    try:
        return subprocess.Popen(
            [sys.executable, "-m", __name__, str(home), *kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the owner only
        )
    except PermissionError:  # this user may not run our Python; the next start cleans up instead
        return None


def main() -> None:
    """Wait until the owner has ended, then stop its servers, unless they have a new owner."""
    sys.stdin.buffer.read()
    from groat.platform.embedded import servers as embedded  # noqa: PLC0415 - saves memory while the guard waits

    home, *kind = sys.argv[1:]
    embedded.end_abandoned(Path(home), ephemeral=_EPHEMERAL in kind)


if __name__ == "__main__":
    main()
