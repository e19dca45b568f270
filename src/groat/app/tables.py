"""Print tables whose words are never cut, on terminals of any width."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_WIDEST = 10_000
"""Characters: more than any table needs."""


def print_whole(console: Console, table: Table) -> None:
    """Print ``table``. Text wraps between words; the table is widened for a word such as an id.

    Columns that are ``no_wrap``, such as those of times, are as wide as their longest cell.
    The terminal breaks lines that are too wide for it, so an id can still be copied.
    """
    options = console.options.update(width=_WIDEST)
    for column in table.columns:
        sizes = [Measurement.get(console, options, cell) for cell in (column.header, *column.cells)]
        column.min_width = max(one.maximum if column.no_wrap else one.minimum for one in sizes)
    least = Measurement.get(console, options, table).minimum
    width = max(console.width, least)
    console.print(table, width=width, crop=False, no_wrap=True, overflow="ignore")


def utc(time: datetime) -> str:
    """Return a time in UTC, to the second; the heading of its column says so."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
