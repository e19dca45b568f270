"""Checks of the audit trail that PostgreSQL runs, for ``groat verify``.

``verify_log`` checks the log itself: its tree, its checkpoints and their signatures.
"""

from __future__ import annotations

from groat.audit.infrastructure import records as store
from groat.platform.postgres.checks import Check, checks_from


def checks() -> list[Check]:
    """Return the checks of records, sealed or not."""
    return checks_from(
        store.CHECKS, {"leaf_hashes": "audit record", "records_match_leaves": "audit record"}
    )
