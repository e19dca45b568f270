"""Where the time comes from. Rules never ask the clock; they are given ``now``."""

from __future__ import annotations

from datetime import UTC, datetime
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
