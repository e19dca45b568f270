"""Orders of callers, transfers and holds, with the checks that need no balance."""

from __future__ import annotations

import re
from datetime import datetime

from groat.accounts.domain.commands import CaptureHold, PlaceHold, PostTransaction
from groat.accounts.domain.kinds import HOLD_CAPTURED, REVERSAL, TRANSFER
from groat.accounts.domain.ledger import (
    ENGINE_NAMESPACE,
    Entry,
    Hold,
    RecordedTransaction,
    Transaction,
    hold_id,
    request_hash,
    transaction_id,
)
from groat.kernel import ids
from groat.kernel.errors import Conflict, InvalidRequest
from groat.kernel.ids import AccountId, HoldId, MerchantId
from groat.kernel.moments import EARLIEST, LATEST, is_storable
from groat.kernel.money import Money
from groat.kernel.value import Value

_REFERENCE = re.compile(rf"(?!{ENGINE_NAMESPACE})[!-~]{{1,255}}", re.ASCII)


class TransferOrder(Value):
    """Move ``amount`` from the debited account to the credited account."""

    reference: str
    debit_account_id: AccountId
    credit_account_id: AccountId
    amount: Money
    effective_at: datetime | None = None


class HoldOrder(Value):
    """Reserve ``amount`` on an account, until ``expires_at`` if that is given."""

    reference: str
    account_id: AccountId
    amount: Money
    expires_at: datetime | None = None


class HoldCapture(Value):
    """Move ``amount`` of a hold to the credited account; None moves the whole remainder."""

    reference: str
    hold_id: HoldId
    credit_account_id: AccountId
    amount: int | None = None


def transfer(merchant_id: MerchantId, order: TransferOrder) -> PostTransaction:
    """Check a transfer order and return its command.

    Raises:
        InvalidRequest: ``invalid_reference``, ``amount_not_positive``, ``time_out_of_bounds``, or
            ``same_account``.
    """
    _require_reference(order.reference)
    _require_positive(order.amount.amount)
    _require_storable(order.effective_at)
    if order.debit_account_id == order.credit_account_id:
        raise InvalidRequest(
            "same_account", "Give two accounts: the debit and the credit account are the same."
        )
    amount, currency = order.amount.amount, order.amount.currency
    entries = (
        Entry(order.debit_account_id, -amount, currency),
        Entry(order.credit_account_id, amount, currency),
    )
    return PostTransaction(
        Transaction.of(merchant_id, TRANSFER, order.reference, entries, order.effective_at)
    )


def hold(merchant_id: MerchantId, order: HoldOrder, now: datetime) -> PlaceHold:
    """Check a caller's hold order and return its command.

    Raises:
        InvalidRequest: ``invalid_reference``, ``amount_not_positive``, or ``time_out_of_bounds``.
    """
    _require_reference(order.reference)
    _require_positive(order.amount.amount)
    _require_storable(order.expires_at)
    return engines_hold(merchant_id, order, now)


def engines_hold(merchant_id: MerchantId, order: HoldOrder, now: datetime) -> PlaceHold:
    """Return the command for a hold of the engine, whose reference may use its namespace."""
    amount, currency = order.amount.amount, order.amount.currency
    return PlaceHold(
        Hold(
            hold_id(merchant_id, order.reference),
            order.account_id,
            currency,
            request_hash(order.account_id, amount, currency, order.expires_at),
            order.reference,
            amount,
            remaining=amount,
            captured=0,
            state="open",
            expires_at=order.expires_at,
            created_at=now,
        )
    )


def capture(merchant_id: MerchantId, order: HoldCapture) -> CaptureHold:
    """Check a capture order and return its command.

    Raises:
        InvalidRequest: ``invalid_reference`` or ``amount_not_positive``.
    """
    _require_reference(order.reference)
    if order.amount is not None:
        _require_positive(order.amount)
    content = request_hash(order.hold_id, order.credit_account_id, order.amount)
    return CaptureHold(
        transaction_id(merchant_id, order.reference),
        content,
        order.reference,
        order.hold_id,
        order.credit_account_id,
        order.amount,
    )


def reversal(merchant_id: MerchantId, recorded: RecordedTransaction) -> PostTransaction:
    """Return the command that reverses a transfer: the same entries with the opposite sign.

    Its reference contains the transfer's id, so a transfer can be reversed only once.

    Raises:
        Conflict: ``not_reversible``; ``recorded`` is neither a transfer nor a captured hold.
    """
    if recorded.kind not in {TRANSFER, HOLD_CAPTURED}:
        raise Conflict(
            "not_reversible",
            f"Only transfers and captured holds can be reversed, not {recorded.kind.name}.",
        )
    undone = [entry._replace(amount=-entry.amount) for entry in recorded.entries]
    entries = tuple(
        sorted(undone, key=lambda entry: entry.amount)
    )  # the debit first, as in transfers
    reference = f"{ENGINE_NAMESPACE}reversal:{ids.render('ledger_transaction', recorded.id)}"
    return PostTransaction(Transaction.of(merchant_id, REVERSAL, reference, entries))


def _require_reference(reference: str) -> None:
    if not _REFERENCE.fullmatch(reference):
        raise InvalidRequest(
            "invalid_reference",
            "A reference must have 1 to 255 printable ASCII characters, must have no spaces, and "
            f"must not begin with {ENGINE_NAMESPACE!r}.",
        )


def _require_positive(amount: int) -> None:
    if amount <= 0:
        raise InvalidRequest(
            "amount_not_positive", f"An amount must be more than 0 minor units; {amount} is not."
        )


def _require_storable(moment: datetime | None) -> None:
    if moment is not None and not is_storable(moment):
        raise InvalidRequest(
            "time_out_of_bounds", f"A time must be from {EARLIEST.year} to {LATEST.year}, in UTC."
        )
