"""Times that enter: read as RFC 3339, in UTC, within bounds that every part of Groat can read.

PostgreSQL holds the years 4713 BC to 294276, Python 1 to 9999, and each less than that once an
offset is applied. A time outside of what a reader holds makes its row, and every batch with it,
unreadable. So a time from outside is refused unless it is between ``EARLIEST`` and ``LATEST``.
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
    """The text is no time, or one out of bounds. The message says how a time is written."""


def is_storable(moment: datetime) -> bool:
    """Tell whether ``moment`` is within the bounds."""
    return EARLIEST <= moment <= LATEST


def storable(moment: datetime | None) -> datetime | None:
    """Return ``moment``, or None where it is out of bounds: what a fact says is never refused."""
    return moment if moment is not None and is_storable(moment) else None


def from_unix(seconds: int) -> datetime | None:
    """Return the moment so many seconds after 1970, or None where it is out of bounds."""
    within = _FIRST_SECOND <= seconds <= _LAST_SECOND
    return datetime.fromtimestamp(seconds, UTC) if within else None


def read_moment(text: str) -> datetime:
    """Return the moment that ``text`` names, in UTC; digits beyond microseconds are dropped.

    Raises:
        NotAMoment: it is not RFC 3339 with an offset, or out of bounds.
    """
    if not _RFC_3339.fullmatch(text):
        raise _not_a_moment()
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # the 30th of February; the year 0 once in UTC
        raise _not_a_moment() from None
    if not is_storable(moment):
        raise _not_a_moment()
    return moment


def read_date(text: str) -> datetime:
    """Return the beginning, in UTC, of the day that ``text`` names, such as 2026-01-31.

    Raises:
        NotAMoment: it is not a date as RFC 3339 writes it, or out of bounds.
    """
    return read_moment(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else "")


def _not_a_moment() -> NotAMoment:
    return NotAMoment(
        "a time is RFC 3339 with its offset, such as 2026-01-31T12:00:00Z, from "
        f"{EARLIEST.year} to {LATEST.year} (in a query, + is written %2B)"
    )
