"""Audit records of ledger batches and of holds. Pure."""

from __future__ import annotations

from collections.abc import Collection

from groat.accounts.domain.actions import AccountAction
from groat.accounts.domain.commands import CommandOutcome, HoldStands
from groat.accounts.domain.ledger import Hold, LedgerBatch, batch_digest
from groat.audit.domain.record import Cause, Change
from groat.kernel import ids
from groat.kernel.ids import LedgerBatchId

DIGEST = "digest"
"""Name of the batch's digest in the data of its audit record."""

_ENDED = {
    "captured": AccountAction.HOLD_CAPTURED,
    "released": AccountAction.HOLD_RELEASED,
    "expired": AccountAction.HOLD_EXPIRED,
}
"""Audit actions of holds that have ended, by their state."""


def of_batch(batch: LedgerBatch) -> Change:
    """Return the audit record of a batch."""
    return batch_change(
        batch.id,
        batch.actor,
        batch.cause,
        len(batch.transactions),
        batch_digest(batch.transactions),
    )


def batch_change(
    batch_id: LedgerBatchId, actor: str, cause: str, transactions: int, digest: str
) -> Change:
    """Return the audit record of a batch with this number of transactions and this digest."""
    return Change(
        AccountAction.LEDGER_POSTED,
        "ledger_batch",
        ids.widened(batch_id),
        actor,
        Cause(cause),
        {"transactions": transactions, DIGEST: digest},
    )


def of_hold(outcome: CommandOutcome, actor: str, cause: str) -> Change | None:
    """Return the audit record of a command's outcome, or None if it changed no hold."""
    if not isinstance(outcome, HoldStands) or outcome.replayed:
        return None
    is_new = outcome.hold.remaining == outcome.hold.amount
    if outcome.transaction_id is not None:
        action = AccountAction.HOLD_CAPTURED
    else:
        action = AccountAction.HOLD_PLACED if is_new else _ENDED[outcome.hold.state]
    return _hold_change(outcome.hold, action, actor, cause)


def of_ended_hold(hold: Hold, actor: str, cause: str) -> Change:
    """Return the audit record of a hold that a fact has ended."""
    return _hold_change(hold, _ENDED[hold.state], actor, cause)


def cause_of(request_ids: Collection[str]) -> str:
    """Return the cause of a batch: the id of its only request, or the number of its requests."""
    distinct = {*request_ids}
    return next(iter(distinct)) if len(distinct) == 1 else f"{len(distinct)} requests"


def _hold_change(hold: Hold, action: AccountAction, actor: str, cause: str) -> Change:
    return Change(
        action,
        "hold",
        hold.id,
        actor,
        Cause(cause),
        {
            "account": ids.render("account", hold.account_id),
            "reference": hold.reference,
            "expires_at": None if hold.expires_at is None else hold.expires_at.isoformat(),
            "amount": hold.amount,
            "captured": hold.captured,
            "remaining": hold.remaining,
            "state": hold.state,
        },
    )
