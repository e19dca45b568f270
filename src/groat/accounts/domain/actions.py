"""The audit actions of accounts. Pure."""

from __future__ import annotations

from groat.audit.domain.action import Action


class AccountAction(Action):
    """The changes of accounts, of the ledger and of holds."""

    ACCOUNT_CREATED = "account.created", "An account was opened."
    ACCOUNT_UPDATED = "account.updated", "The status or the metadata of an account changed."
    BALANCE_CHANGED = "account.balance_changed", "The balance of a watched account changed."
    LEDGER_POSTED = "ledger.posted", "A batch of ledger transactions was posted."
    HOLD_PLACED = "hold.placed", "A hold reserved an amount on an account."
    HOLD_CAPTURED = "hold.captured", "A hold, or a part of it, moved to another account."
    HOLD_RELEASED = "hold.released", "A hold was released; nothing of it stays reserved."
    HOLD_EXPIRED = "hold.expired", "A hold reached its expiry time and was released."
