"""Gauges of the inbox, for ``/metrics``."""

from __future__ import annotations

from groat.inbox.domain.conclusion import EventStatus
from groat.platform.postgres.columns import Texts
from groat.platform.postgres.gauges import StateGauges
from groat.platform.postgres.queries import load_queries

_QUERIES = load_queries(__file__, "infrastructure/gauges.sql")


def gauges() -> list[StateGauges]:
    """Return the gauges of the inbox."""
    return [
        StateGauges(
            _QUERIES["open_events"],
            {
                "events": (
                    "groat_inbox_open_events",
                    "Provider events that are not settled yet.",
                ),
                "oldest_seconds": (
                    "groat_inbox_oldest_seconds",
                    "Age of the oldest provider event that is not settled yet; 0 without one.",
                ),
            },
            labels=("status",),
            parameters={"statuses": Texts([one for one in EventStatus if one.is_open])},
        ),
        StateGauges(
            _QUERIES["dead_events"],
            {
                "events": (
                    "groat_inbox_dead_events",
                    "Provider events that could not be applied and wait for an operator.",
                )
            },
        ),
    ]
