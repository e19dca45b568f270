"""Gauges of the provider's books, for ``/metrics``."""

from __future__ import annotations

from groat.platform.postgres.gauges import StateGauges
from groat.platform.postgres.queries import load_queries

_QUERIES = load_queries(__file__, "infrastructure/gauges.sql")


def gauges() -> list[StateGauges]:
    """Return the gauges of the provider's books."""
    return [
        StateGauges(
            _QUERIES["open_items"],
            {
                "items": (
                    "groat_clearing_open_items",
                    "Objects whose facts and movements do not cancel in clearing.",
                ),
                "oldest_seconds": (
                    "groat_clearing_oldest_seconds",
                    "Age of the oldest open item of clearing; 0 without one.",
                ),
            },
        )
    ]
