"""Measure the processor time of processes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import psutil

Usage = Mapping[str, float]
"""Seconds of processor time by the name of the process."""


def used(pids: Mapping[str, int]) -> Usage:
    """Return the processor time of each process so far, with its children, ended ones included."""
    return {name: _seconds(pid) for name, pid in pids.items()}


def since(before: Usage, now: Usage) -> Usage:
    """Return the processor time between two readings."""
    return {name: seconds - before[name] for name, seconds in now.items() if name in before}


def _seconds(pid: int) -> float:
    process = psutil.Process(pid)
    total = 0.0
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # its time then counts for its parent, read below
            times = child.cpu_times()
            total += times.user + times.system
    own = process.cpu_times()
    return float(total + own.user + own.system + own.children_user + own.children_system)
