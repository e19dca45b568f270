"""Bulkheads: limit the calls under way to one provider account, so that others keep their places.

A caller that waited for a place would keep its request open for as long as a slow provider takes.
So no caller waits: a full bulkhead refuses the call, and the caller retries later. See Nygard,
"Release It!", chapter 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from groat.kernel.errors import Unavailable


class Bulkhead:
    """Counts this process's calls under way for each name, and allows ``places`` of each."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken: Counter[str] = Counter()

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Yield a turn, which holds no place yet. Give its place back at the end of the block."""
        turn = Turn(self)
        try:
            yield turn
        finally:
            turn.give_back()

    def enter(self, name: str) -> None:
        """Take a place at ``name``.

        Raises:
            Unavailable: ``provider_account_busy``; all places at ``name`` are taken.
        """
        if self._taken[name] >= self._places:
            raise Unavailable(
                "provider_account_busy",
                f"{self._places} calls to this provider account are under way, which is the "
                "maximum. Nothing was written; try again shortly.",
            )
        self._taken[name] += 1

    def leave(self, name: str) -> None:
        """Give a place at ``name`` back."""
        self._taken[name] -= 1
        if not self._taken[name]:
            del self._taken[name]


class Turn:
    """The place of one caller. It holds a place at one name at a time, or none."""

    def __init__(self, bulkhead: Bulkhead) -> None:
        self._bulkhead = bulkhead
        self._name: str | None = None

    def take(self, name: str) -> None:
        """Take a place at ``name``, and give back a place held at another name.

        Raises:
            Unavailable: ``provider_account_busy``; the place held before is kept.
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
