"""A clock for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass
class ManualClock:
    """A clock that moves when told to."""

    moment: datetime

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self.moment

    def monotonic(self) -> float:
        """Return the seconds of a clock that is never set, which moves as this one does."""
        return self.moment.timestamp()

    def advance(self, by: timedelta) -> None:
        """Move forward, or back with a negative ``by``."""
        self.moment += by


@dataclass
class ShiftedClock:
    """The machine's clock, moved forward when told to."""

    shift: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """Return the machine's time with the shift, in UTC."""
        return datetime.now(UTC) + self.shift
