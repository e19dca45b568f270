"""Settings of Python's garbage collector for a server that makes many short-lived objects."""

from __future__ import annotations

import gc

_YOUNG = 50_000
"""Allocations before the youngest generation is collected. A batch makes tens of thousands of
tuples, none of them in a cycle. With Python's default of 700, the collector scans them often and
in vain."""


def settle_memory() -> None:
    """Exclude all present objects from future collections, and collect less often.

    Call it once, after the process has created its permanent objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
