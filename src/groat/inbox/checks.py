"""Checks of the inbox, for ``groat verify``."""

from __future__ import annotations

from groat.inbox.infrastructure import events as store
from groat.platform.postgres.checks import Check, checks_from


def checks() -> list[Check]:
    """Return the checks of the inbox."""
    return checks_from(
        store.QUERIES,
        {
            "events_are_accounted_for": "provider event",
            "events_have_provider_accounts": "provider event",
            "events_match_record": "provider event",
        },
    )
