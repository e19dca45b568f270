"""What processes have used of the processors."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import psutil

Usage = Mapping[str, float]
"""Processor seconds by process."""


def used(pids: Mapping[str, int]) -> Usage:
    """Return what each process has used so far, its children and those that have ended included."""
    return {name: _seconds(pid) for name, pid in pids.items()}


def since(before: Usage, now: Usage) -> Usage:
    """Return what was used between two readings."""
    return {name: seconds - before[name] for name, seconds in now.items() if name in before}


def _seconds(pid: int) -> float:
    process = psutil.Process(pid)
    total = 0.0
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # then its time is among its parent's, read below
            times = child.cpu_times()
            total += times.user + times.system
    own = process.cpu_times()
    return float(total + own.user + own.system + own.children_user + own.children_system)
