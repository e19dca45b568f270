"""The checks of movements that ``groat verify`` runs."""

from __future__ import annotations

from groat.movements.infrastructure import movements as store
from groat.platform.postgres.checks import Check, checks_from


def checks() -> list[Check]:
    """Return the checks of movements, their places and open items."""
    return checks_from(
        store.CHECKS,
        {
            "movements_have_accounts": "movement",
            "movements_are_posted_once": "movement",
            "movement_postings_have_movements": "ledger transaction",
            "moved_movements_are_posted": "movement",
            "provider_balances_match_movements": "account",
            "places_match_movements": "account",
            "clearing_matches_open_items": "account",
        },
    )
