"""Commands to the ledger, and their outcomes. Every refusal has a name and figures."""

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
    """Post a transaction if every account that it touches allows it."""

    transaction: Transaction


class PlaceHold(Value):
    """Reserve a part of the account's available balance."""

    hold: Hold


class CaptureHold(Value):
    """Move ``amount`` of a hold to another account; None moves the whole remainder."""

    transaction_id: TransactionId
    request_hash: int
    reference: str
    hold_id: HoldId
    credit_account_id: AccountId
    amount: int | None


class EndHold(Value):
    """Release the remainder of a hold; with ``expire``, only if its expiry time has passed."""

    hold_id: HoldId
    expire: bool = False


Command: TypeAlias = PostTransaction | PlaceHold | CaptureHold | EndHold
Unit: TypeAlias = tuple[Command, ...]
"""Linked commands: all of them are executed, or none. Most units hold one command."""


class Submission(NamedTuple):
    """A unit, with the id of the request that submits it."""

    request_id: str
    unit: Unit


Figure: TypeAlias = UUID | datetime | str | int | None


class Refusal(StrEnum):
    """The reason for refusing a command: the stable code that the caller sees."""

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
    """The command was refused and changed nothing.

    ``figures`` are the ids, amounts and states that the refusal was decided on.
    """

    refusal: Refusal
    figures: Mapping[str, Figure] = field(default_factory=dict)


class Posted(NamedTuple):
    """The transaction is in the ledger; ``replayed`` if it was there before this command."""

    transaction_id: TransactionId
    recorded_at: datetime
    replayed: bool = False


class HoldStands(Value):
    """The hold after the command.

    ``transaction_id`` is the transaction of the capture, if the command was one. ``replayed`` means
    that this command changed nothing, for example because it was executed before.
    """

    hold: Hold
    transaction_id: TransactionId | None = None
    replayed: bool = False


CommandOutcome: TypeAlias = Posted | HoldStands | Refused
UnitOutcomes: TypeAlias = tuple[CommandOutcome, ...]
"""The outcomes of a unit's commands, in their order."""


class Known(NamedTuple):
    """The parts of a posted transaction that are needed to answer a repeated command."""

    request_hash: int
    recorded_at: datetime
