"""Where the time comes from. Rules never ask the clock; they are given ``now``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the present moment, in UTC."""

    def now(self) -> datetime:
        """Return the present moment with ``tzinfo`` UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return what the machine says."""
        return datetime.now(UTC)


@dataclass
class ManualClock:
    """A clock that moves when told to."""

    moment: datetime

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self.moment

    def advance(self, by: timedelta) -> None:
        """Move forward, or back with a negative ``by``."""
        self.moment += by
