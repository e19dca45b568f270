"""Gauges of the ledger, for ``/metrics``."""

from __future__ import annotations

from groat.platform.postgres.gauges import StateGauges
from groat.platform.postgres.queries import load_queries

_QUERIES = load_queries(__file__, "infrastructure/gauges.sql")


def gauges() -> list[StateGauges]:
    """Return the gauges of the ledger."""
    return [
        StateGauges(
            _QUERIES["ledger_imbalance"],
            {
                "imbalance": (
                    "groat_ledger_imbalance",
                    "Sum of all balances, in minor units. Any value but 0 is an error.",
                )
            },
            labels=("currency",),
        )
    ]
