"""The source of the present time. Rules never read a clock; they take ``now`` as an argument."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the present time, in UTC."""

    def now(self) -> datetime:
        """Return the present time with ``tzinfo`` UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time, in UTC."""
        return datetime.now(UTC)
