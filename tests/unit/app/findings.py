"""A tally of the demonstration, and findings of the money oracle."""

from __future__ import annotations

from dataclasses import replace

from groat.app.demo import DemoTally
from groat.platform.postgres.checks import Finding

GOOD = DemoTally(
    payments=40,
    succeeded=33,
    declined=7,
    refunds=5,
    webhooks_delivered=90,
    webhooks_applied=66,
    duplicates_ignored=24,
    ledger_imbalance=0,
    provider_charges=33,
    provider_refunds=5,
    books_match_provider=True,
    disputes=2,
    provider_balances_equal=True,
)

HOLDS = Finding("transactions_sum_to_zero", ok=True, examined=33, detail="", seconds=0.01)
FAILS = replace(HOLDS, ok=False, detail="1 wrong, first: ledger transaction txn_1")
