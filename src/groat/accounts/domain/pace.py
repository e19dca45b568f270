"""The pace at which a caller's batches are posted by claims, learned from earlier batches. Pure.

A try whose claims fail costs an exchange and brings nothing. A repeated reference fails the whole
batch. Callers differ, but a caller's next batch is mostly like its last one. So each caller has a
pace of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

_MAX_GAP = 128
"""Maximum batches from one try to the next."""

_LOOK_UPS = 256
"""Number of batches whose references are looked up after a repeated reference was found."""


@dataclass(slots=True)
class Pace:
    """The pace of one caller: each ``gap``-th batch is tried; with the gap 0, none ever is.

    A miss doubles the gap. A hit halves it, down to ``least_gap``.
    """

    least_gap: int
    gap: int
    _batches: int = 0
    _look_ups: int = 0

    @classmethod
    def starting(cls, least_gap: int) -> Pace:
        """Return the pace of a caller of whom nothing is known."""
        return cls(least_gap, least_gap)

    def tries_next(self) -> bool:
        """Count a batch, and return whether it is to be tried."""
        self._batches += 1
        if not self.gap or self._batches < self.gap:
            return False
        self._batches = 0
        return True

    def looks_up_next(self) -> bool:
        """Count a batch that is tried, and return whether its references are looked up first."""
        if not self._look_ups:
            return False
        self._look_ups -= 1
        return True

    def hit(self) -> None:
        """Note that a batch was posted by claims."""
        self.gap = max(self.gap // 2, self.least_gap)

    def missed(self) -> None:
        """Note that the claims of a batch failed."""
        self.gap = min(2 * self.gap, _MAX_GAP)

    def repeated(self) -> None:
        """Note that a reference was repeated: more repetitions are likely to follow."""
        self._look_ups = _LOOK_UPS
