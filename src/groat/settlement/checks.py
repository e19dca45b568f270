"""The checks of settlement that ``groat verify`` runs."""

from __future__ import annotations

from groat.platform.postgres.checks import Check, checks_from
from groat.settlement.infrastructure import files as store


def checks() -> list[Check]:
    """Return the checks of settlement files."""
    return checks_from(store.CHECKS, {"settlement_files_match_record": "settlement file"})
