"""Checks of merchants, their keys and their provider accounts, for ``groat verify``."""

from __future__ import annotations

from groat.merchants.infrastructure import merchants as store
from groat.platform.postgres.checks import Check, checks_from


def checks() -> list[Check]:
    """Return the checks of merchants, their keys and their provider accounts."""
    return checks_from(
        store.CHECKS,
        {
            "merchants_match_record": "merchant",
            "api_keys_match_record": "API key",
            "provider_accounts_match_record": "provider account",
        },
    )
