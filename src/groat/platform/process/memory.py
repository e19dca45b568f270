"""Python's collector of cycles, set for a server that makes many short-lived objects."""

from __future__ import annotations

import gc

_YOUNG = 50_000
"""A batch makes tens of thousands of tuples, none of which is in a cycle. The default of 700 has
them all looked at again and again."""


def settle_memory() -> None:
    """Call once what a process needs for good is there: no collection need look at that again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
