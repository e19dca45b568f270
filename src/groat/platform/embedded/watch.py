"""The guard of embedded servers: it stops them if their owner is killed.

The guard waits for the end of its standard input, a pipe from the owner. The kernel closes the pipe
however the owner ends.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Wait until the owner has ended, then stop its servers, unless they have a new owner."""
    sys.stdin.buffer.read()
    # Imported only now: until then the guard waits, and needs little memory.
    from groat.platform.embedded.servers import end_abandoned  # noqa: PLC0415

    home, *kind = sys.argv[1:]
    end_abandoned(Path(home), ephemeral="ephemeral" in kind)


if __name__ == "__main__":
    main()
