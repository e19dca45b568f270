"""A process that outlives the owner of embedded servers, and ends them when the owner has ended.

It waits for the end of its standard input, a pipe from the owner, which closes however the owner
ends. An owner that ends in order stops its servers itself, and then this process.
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
    """While in the block, have a process end the servers of ``home`` if this one is killed."""
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
            start_new_session=True,  # Ctrl-C reaches the owner alone
        )
    except PermissionError:  # this user may not start our interpreter; the next start clears up
        return None


def main() -> None:
    """Wait until the owner has ended, then end its servers, unless they have a new owner."""
    sys.stdin.buffer.read()
    from groat.platform.embedded import servers as embedded  # noqa: PLC0415 - until now this process waits, and is small

    home, *kind = sys.argv[1:]
    embedded.end_abandoned(Path(home), ephemeral=_EPHEMERAL in kind)


if __name__ == "__main__":
    main()
