"""Checks of events, for ``groat verify``."""

from __future__ import annotations

from groat.notifications.domain.event_types import EVENT_TYPES
from groat.notifications.infrastructure import feed
from groat.platform.postgres.checks import Check, checks_from


def checks() -> list[Check]:
    """Return the checks of events."""
    told = checks_from(
        feed.CHECKS,
        {"events_tell_changes": "change"},
        {"actions": [action.value for action in EVENT_TYPES]},
    )
    return told + checks_from(
        feed.CHECKS,
        {
            "events_are_in_sequence": "object",
            "events_are_within_their_feeds": "event",
            "events_have_deliveries": "event",
            "deliveries_match_events": "event",
            "deliveries_match_attempts": "event",
        },
    )
