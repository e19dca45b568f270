"""Checks of the ledger, for ``groat verify``."""

from __future__ import annotations

from groat.accounts.infrastructure import accounts as store
from groat.platform.postgres.checks import Check, checks_from


def checks() -> list[Check]:
    """Return the checks of the ledger."""
    return checks_from(
        store.CHECKS,
        {
            "transactions_sum_to_zero": "ledger transaction",
            "currencies_sum_to_zero": "currency",
            "balances_match_entries": "balance of account",
            "entries_follow_each_other": "entry of account",
            "entries_have_parents": "entry of account",
            "held_matches_holds": "balance of account",
            "transactions_match_record": "ledger batch",
            "accounts_match_record": "account",
            "holds_match_record": "hold",
        },
    )
