"""The audit actions of settlement. Pure."""

from __future__ import annotations

from groat.audit.domain.action import Action


class SettlementAction(Action):
    """The changes that an operator makes with the provider's books."""

    FILE_IMPORTED = "settlement_file.imported", "The movements of a settlement file were stored."
