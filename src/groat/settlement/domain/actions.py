"""The audit actions of settlement. Pure."""

from __future__ import annotations

from groat.audit.domain.action import Action


class SettlementAction(Action):
    """The changes that an operator makes with the provider's books."""

    FILE_IMPORTED = (
        "settlement_file.imported",
        "The movements of a settlement file were stored, and those that no report brought posted.",
    )
    MOVEMENT_ATTRIBUTED = (
        "movement.attributed",
        "A movement in suspense was attributed to an object of the provider.",
    )
    MOVEMENT_DISMISSED = "movement.dismissed", "A movement in suspense was moved to an account."
    MOVEMENT_RESTORED = "movement.restored", "A movement was moved back to suspense."
    ACCOUNT_OPENED = (
        "provider_account.opened",
        "The balance that an account had before its feed was posted.",
    )
