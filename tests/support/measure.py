"""Which tests are measured when coverage is: each once, and those alike in every run.

Python 3.11 traces every line of the process, ours or not, and becomes two to three times as slow.
So a test in a tier that runs the engine's code here is measured. Its further cases are not, except
in ``unit``, whose cases are quick. Nor are examples made by chance: the figure must not depend on
them.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

TIERS = {"integration", "providers", "simulator", "unit"}
"""The other tiers look at processes and at files."""

_measured: set[str] = set()
_paused: list[str] = []


def variables() -> dict[str, str]:
    """Return the variables that let a forked command be measured, if the running test is."""
    if _paused:
        return {}
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


@contextmanager
def during(item: pytest.Item) -> Iterator[None]:
    """Measure while a test runs, if anything is measured and the test is to be."""
    tracer, tracer_of_threads = sys.gettrace(), threading.gettrace()
    if not type(tracer).__module__.startswith("coverage") or _is_measured(item):
        yield
        return
    _paused.append(item.nodeid)
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(tracer_of_threads)
        sys.settrace(tracer)
        _paused.pop()


def _is_measured(item: pytest.Item) -> bool:
    """Tell whether to measure a test; note that it was."""
    tier = item.nodeid.split("/")[1]
    function = item.nodeid.partition("[")[0]
    by_chance = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    if tier not in TIERS or by_chance or (tier != "unit" and function in _measured):
        return False
    _measured.add(function)
    return True
