"""The figures as a table on the screen."""

from __future__ import annotations

from dataclasses import asdict

from rich.table import Table

from benchmarks.webhooks.figures import Figures


def table(figures: Figures) -> Table:
    """Return the figures for a terminal."""
    shown = Table(title="Webhooks, beside the textbook's pipeline", show_header=False)
    for name, value in asdict(figures).items():
        shown.add_row(name.replace("_", " "), _text(value))
    return shown


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{process} {one:,.0f}" for process, one in value.items())
    return f"{value:,}" if isinstance(value, float) else str(value)
