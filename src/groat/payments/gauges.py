"""Gauges of payments, for ``/metrics``."""

from __future__ import annotations

from groat.platform.postgres.gauges import StateGauges
from groat.platform.postgres.queries import load_queries

_QUERIES = load_queries(__file__, "infrastructure/gauges.sql")


def gauges() -> list[StateGauges]:
    """Return the gauges of payments."""
    return [
        StateGauges(
            _QUERIES["open_operations"],
            {
                "operations": (
                    "groat_operations_open",
                    (
                        "Operations without an outcome: `pending` during the call to the provider, "
                        "`unknown` after a lost answer."
                    ),
                ),
                "oldest_seconds": (
                    "groat_operations_oldest_seconds",
                    "Age of the oldest operation with this outcome; 0 without one.",
                ),
            },
            labels=("outcome",),
        )
    ]
