"""Exponential backoff with jitter: the delay before the next attempt. Pure.

Jitter spreads out attempts that failed at the same time, so that they do not all retry at the same
time: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

from __future__ import annotations

from random import Random

from groat.kernel.value import Value

_MAX_DOUBLINGS = 64


class Backoff(Value):
    """A delay that doubles from ``base_seconds`` with each attempt, up to ``cap_seconds``.

    The delay is multiplied by a random number from ``low`` to ``high``. From 0 to 1 is full jitter.
    """

    base_seconds: float
    cap_seconds: float
    low: float = 0.0
    high: float = 1.0

    def seconds(self, attempt: int, random: Random) -> float:
        """Return the seconds to wait after failed attempt number ``attempt``, counted from 1."""
        return self.ceiling(attempt) * random.uniform(self.low, self.high)

    def ceiling(self, attempt: int) -> float:
        """Return the seconds to wait after failed attempt number ``attempt`` without jitter."""
        doublings = min(attempt - 1, _MAX_DOUBLINGS)
        return min(self.cap_seconds, self.base_seconds * 2.0**doublings)
