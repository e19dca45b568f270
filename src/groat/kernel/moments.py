"""Times in requests and events: read as RFC 3339, in UTC, within bounds that every reader supports.

PostgreSQL supports the years 4713 BC to 294276 and Python the years 1 to 9999. An offset narrows
both ranges. If a row holds a time that its reader does not support, the row is unreadable, and so
is every batch that contains it. So a time from outside must be between ``EARLIEST`` and ``LATEST``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(3000, 1, 1, tzinfo=UTC) - timedelta(microseconds=1)

_FIRST_SECOND, _LAST_SECOND = int(EARLIEST.timestamp()), int(LATEST.timestamp())

_RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class NotAMoment(ValueError):
    """The text is not a time, or the time is out of bounds. The message shows the format."""


def is_storable(moment: datetime) -> bool:
    """Tell whether ``moment`` is between ``EARLIEST`` and ``LATEST``."""
    return EARLIEST <= moment <= LATEST


def storable(moment: datetime | None) -> datetime | None:
    """Return ``moment``, or None if it is out of bounds.

    For the facts in a provider's event: a strange time is dropped, and the event is still accepted.
    """
    return moment if moment is not None and is_storable(moment) else None


def from_unix(seconds: int) -> datetime | None:
    """Return the time of a Unix timestamp, or None if it is out of bounds."""
    within = _FIRST_SECOND <= seconds <= _LAST_SECOND
    return datetime.fromtimestamp(seconds, UTC) if within else None


def read_moment(text: str) -> datetime:
    """Return the time in ``text``, in UTC. Digits beyond microseconds are dropped.

    Raises:
        NotAMoment: ``text`` is not RFC 3339 with an offset, or the time is out of bounds.
    """
    if not _RFC_3339.fullmatch(text):
        raise _not_a_moment()
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # 30 February; a time before the year 1 in UTC
        raise _not_a_moment() from None
    if not is_storable(moment):
        raise _not_a_moment()
    return moment


def read_date(text: str) -> datetime:
    """Return the start, in UTC, of the day in ``text``, such as 2026-01-31.

    Raises:
        NotAMoment: ``text`` is not a full-date of RFC 3339, or the date is out of bounds.
    """
    return read_moment(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else "")


def _not_a_moment() -> NotAMoment:
    return NotAMoment(
        "a time is RFC 3339 with its offset, such as 2026-01-31T12:00:00Z, from "
        f"{EARLIEST.year} to {LATEST.year} (in a query, + is written %2B)"
    )
