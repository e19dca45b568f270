"""Measure the latency of disk syncs during a benchmark.

Every commit waits for a sync, so slow syncs explain slow commits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

_PAGE = bytes(8192)
"""One page of PostgreSQL."""

_EVERY_SECONDS = 0.05
"""Seconds between syncs: rare enough to delay few commits, and sure to meet a stall of 50 ms."""


@contextmanager
def synced(directory: Path) -> Iterator[list[float]]:
    """Sync one page again and again while the block runs; yield the list of durations in ms.

    The file is on the disk of ``directory`` and keeps its length. So each sync writes only the
    page. Every commit of PostgreSQL waits for such a sync.
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

        sync()  # sets the length of the file
        thread = Thread(target=keep_syncing)
        thread.start()
        try:
            yield took_ms
        finally:
            stop.set()
            thread.join()
