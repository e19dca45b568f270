"""What can be asked of the ledger, and what it answers. Every refusal has a name and figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias
from uuid import UUID

from groat.accounts.domain.ledger import Hold, Transaction
from groat.kernel.ids import AccountId, HoldId, TransactionId
from groat.kernel.value import Value, field


class PostTransaction(NamedTuple):
    """Post a transaction, if every account that it touches lets it."""

    transaction: Transaction


class PlaceHold(Value):
    """Reserve a part of what is available on the account."""

    hold: Hold


class CaptureHold(Value):
    """Move ``amount`` of a hold, or all that remains of it, to another account."""

    transaction_id: TransactionId
    request_hash: int
    reference: str
    hold_id: HoldId
    credit_account_id: AccountId
    amount: int | None


class EndHold(Value):
    """Give back what a hold still reserves; ``expire`` only if its time has come."""

    hold_id: HoldId
    expire: bool = False


Command: TypeAlias = PostTransaction | PlaceHold | CaptureHold | EndHold
Unit: TypeAlias = tuple[Command, ...]
"""Commands that are linked: all of them are done, or none. Most often it is one."""


Figure: TypeAlias = UUID | datetime | str | int | None


class Refusal(StrEnum):
    """Why a command was refused: the stable code that a caller sees."""

    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_FROZEN = "account_frozen"
    ACCOUNT_NOT_FOUND = "account_not_found"
    BALANCE_TOO_LARGE = "balance_too_large"
    CURRENCY_MISMATCH = "currency_mismatch"
    ENGINE_ACCOUNT = "engine_account"
    EXPIRES_IN_PAST = "expires_in_past"
    HOLD_EXCEEDED = "hold_exceeded"
    HOLD_EXPIRED = "hold_expired"
    HOLD_NOT_FOUND = "hold_not_found"
    HOLD_NOT_OPEN = "hold_not_open"
    ENGINE_HOLD = "engine_hold"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LINKED_REFUSED = "linked_refused"
    REFERENCE_REUSED = "reference_reused"
    SAME_ACCOUNT = "same_account"


class Refused(Value):
    """Nothing was done. ``figures`` hold what the refusal was decided on: ids, amounts, states."""

    refusal: Refusal
    figures: Mapping[str, Figure] = field(default_factory=dict)


class Posted(NamedTuple):
    """A transaction stands in the ledger: posted now, or ``replayed`` if it stood there already."""

    transaction_id: TransactionId
    recorded_at: datetime
    replayed: bool = False


class HoldStands(Value):
    """A hold as it stands after the command; ``transaction_id`` is what captured of it."""

    hold: Hold
    transaction_id: TransactionId | None = None
    replayed: bool = False


CommandOutcome: TypeAlias = Posted | HoldStands | Refused


class Known(NamedTuple):
    """A transaction that stands in the ledger, as far as a replay needs it."""

    request_hash: int
    recorded_at: datetime
