"""Bulkheads: one name's calls may be many, and take no other's places.

Whoever waits for a place would hold a request open for as long as a slow provider takes, so nobody
waits: a full bulkhead is our overload, and the caller comes again. See Nygard, "Release It!",
chapter 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from groat.kernel.errors import Unavailable


class Bulkhead:
    """Counts the calls under way for each name in this process; ``places`` is the most of each."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken: Counter[str] = Counter()

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Yield a turn, which holds no place yet; give its place back at the end."""
        turn = Turn(self)
        try:
            yield turn
        finally:
            turn.give_back()

    def enter(self, name: str) -> None:
        """Take a place.

        Raises:
            Unavailable: ``provider_account_busy``, all places are taken.
        """
        if self._taken[name] >= self._places:
            raise Unavailable(
                "provider_account_busy",
                f"{self._places} calls to this provider account are under way, which is the most. "
                "Nothing was written; try again shortly.",
            )
        self._taken[name] += 1

    def leave(self, name: str) -> None:
        """Give a place back."""
        self._taken[name] -= 1
        if not self._taken[name]:
            del self._taken[name]


class Turn:
    """One caller's place, at one name at a time."""

    def __init__(self, bulkhead: Bulkhead) -> None:
        self._bulkhead = bulkhead
        self._name: str | None = None

    def take(self, name: str) -> None:
        """Take a place at ``name``, and give back the one held elsewhere.

        Raises:
            Unavailable: ``provider_account_busy``.
        """
        if name == self._name:
            return
        self._bulkhead.enter(name)
        self.give_back()
        self._name = name

    def give_back(self) -> None:
        """Give the place back, if there is one."""
        if self._name is not None:
            self._bulkhead.leave(self._name)
        self._name = None
