"""Checks of the audit trail, for ``groat verify``."""

from __future__ import annotations

from groat.audit.infrastructure import records as store
from groat.platform.postgres.checks import Check, checks_from


def checks() -> list[Check]:
    """Return the checks of the audit trail."""
    return checks_from(store.QUERIES, {"leaf_hashes": "audit record"})
