"""How long the disk takes to keep what is written, beside what waits for nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

_PAGE = bytes(8192)
_EVERY_SECONDS = 0.05
"""So seldom that it delays next to nobody; a delay of 50 ms or longer is met all the same."""


@contextmanager
def synced(directory: Path) -> Iterator[list[float]]:
    """Yield what is filled, while in the block, with how many ms each sync of one page took.

    The file is on the disk of ``directory`` and keeps its length, so that nothing but the page has
    to be written: what PostgreSQL waits for at each commit.
    """
    took_ms: list[float] = []
    stop = Event()
    with (directory / "synced").open("wb", buffering=0) as file:

        def sync() -> float:
            began = time.perf_counter()
            os.pwrite(file.fileno(), _PAGE, 0)
            os.fdatasync(file.fileno())
            return 1000 * (time.perf_counter() - began)

        def keep_syncing() -> None:
            while not stop.wait(_EVERY_SECONDS):
                took_ms.append(sync())

        sync()  # the file has its length from now on
        thread = Thread(target=keep_syncing)
        thread.start()
        try:
            yield took_ms
        finally:
            stop.set()
            thread.join()
