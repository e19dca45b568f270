"""Days in a time zone. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from groat.kernel.errors import InvalidRequest


def day_span(day: str | None, zone: str, now: datetime) -> tuple[datetime, datetime]:
    """Return the start of a day in a time zone, and that of the next day; without a day: today.

    Raises:
        InvalidRequest: ``invalid_day``; there is no such day or no such zone.
    """
    try:
        place = ZoneInfo(zone)
        chosen = now.astimezone(place).date() if day is None else date.fromisoformat(day)
        first, second = (
            datetime.combine(one, time(), place) for one in (chosen, chosen + timedelta(days=1))
        )
        return first.astimezone(UTC), second.astimezone(UTC)
    except (ValueError, OverflowError, LookupError, OSError):
        raise InvalidRequest(
            "invalid_day", "Give a day as 2026-01-31, and a time zone as Europe/Berlin."
        ) from None
