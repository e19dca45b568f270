"""The checks of payments that ``groat verify`` runs."""

from __future__ import annotations

import json

from groat.payments.domain.recipes import KINDS
from groat.payments.infrastructure import payments as store
from groat.platform.postgres.checks import Check, checks_from


def checks() -> list[Check]:
    """Return the checks of payments, refunds, disputes, operations and effects."""
    return checks_from(
        store.CHECKS,
        {
            "payments_match_effects": "payment",
            "payments_match_operations": "payment",
            "payments_match_refunds": "payment",
            "refunds_match_operations": "refund",
            "payments_match_disputes": "payment",
            "debts_match_postings": "payment",
            "receivables_match_debts": "account",
            "payments_match_record": "payment",
            "personal_data_matches_record": "payment",
            "effects_match_record": "effect",
            "operations_match_record": "operation",
            "refunds_match_record": "refund",
            "disputes_match_record": "dispute",
            "open_items_match_reports": "object",
            "routing_rules_match_record": "version",
            "effects_are_posted_once": "effect",
            "postings_have_effects": "ledger transaction",
            "idempotency_keys_match_record": "idempotency key",
        },
        {"kinds": json.dumps({effect.value: kind.number for effect, kind in KINDS.items()})},
    )
