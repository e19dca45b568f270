"""Read the times in the options of commands."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import typer

from groat.kernel.moments import NotAMoment, read_date, read_moment

_AGO = re.compile(r"(?P<count>[0-9]{1,4})(?P<unit>[mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def moment(text: str) -> datetime:
    """Parse a time: a duration before now (``2h``), a date, or a time with its offset."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return datetime.now(UTC) - int(ago["count"]) * _UNITS[ago["unit"]]
    try:
        return read_moment(text) if "T" in text.upper() else read_date(text)
    except NotAMoment:
        raise typer.BadParameter(
            "Give a time before now (30m, 2h, 7d), a date such as 2026-01-31, or a time such as "
            "2026-01-31T12:00:00Z."
        ) from None
