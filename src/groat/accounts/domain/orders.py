"""What callers order: transfers and holds, checked as far as that needs no balance."""

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
    """Move ``amount`` from the account that is debited to the one that is credited."""

    reference: str
    debit_account_id: AccountId
    credit_account_id: AccountId
    amount: Money
    effective_at: datetime | None = None


class HoldOrder(Value):
    """Reserve ``amount`` on an account, until ``expires_at`` if given."""

    reference: str
    account_id: AccountId
    amount: Money
    expires_at: datetime | None = None


class HoldCapture(Value):
    """Move ``amount`` of a hold, or all that remains of it, to the account that is credited."""

    reference: str
    hold_id: HoldId
    credit_account_id: AccountId
    amount: int | None = None


def transfer(merchant_id: MerchantId, order: TransferOrder) -> PostTransaction:
    """Return the command to make a transfer.

    Raises:
        InvalidRequest: ``invalid_reference``, ``amount_not_positive``, ``time_out_of_bounds``, or
            ``same_account``.
    """
    _require_reference(order.reference)
    _require_positive(order.amount.amount)
    _require_storable(order.effective_at)
    if order.debit_account_id == order.credit_account_id:
        raise InvalidRequest(
            "same_account", "A transfer is between two accounts; these are the same one."
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
    """Return the command to place a hold that a caller asks for.

    Raises:
        InvalidRequest: ``invalid_reference``, ``amount_not_positive``, or ``time_out_of_bounds``.
    """
    _require_reference(order.reference)
    _require_positive(order.amount.amount)
    _require_storable(order.expires_at)
    return engines_hold(merchant_id, order, now)


def engines_hold(merchant_id: MerchantId, order: HoldOrder, now: datetime) -> PlaceHold:
    """Return the command to place a hold of our own, whatever its reference."""
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
    """Return the command to capture of a hold.

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
    """Return the command that undoes a transfer: the same entries with the other sign.

    Its reference is made from the transfer's id, so that a transfer is reversed once.

    Raises:
        Conflict: ``not_reversible``; it is a reversal itself.
    """
    if recorded.kind not in {TRANSFER, HOLD_CAPTURED}:
        raise Conflict(
            "not_reversible",
            f"Only transfers and captured holds are reversed, not {recorded.kind.name}.",
        )
    undone = [entry._replace(amount=-entry.amount) for entry in recorded.entries]
    entries = tuple(sorted(undone, key=lambda entry: entry.amount))  # the debit first, as always
    reference = f"{ENGINE_NAMESPACE}reversal:{ids.render('ledger_transaction', recorded.id)}"
    return PostTransaction(Transaction.of(merchant_id, REVERSAL, reference, entries))


def _require_reference(reference: str) -> None:
    if not _REFERENCE.fullmatch(reference):
        raise InvalidRequest(
            "invalid_reference",
            "A reference is 1 to 255 printable ASCII characters without spaces, and does not begin "
            f"with {ENGINE_NAMESPACE!r}.",
        )


def _require_positive(amount: int) -> None:
    if amount <= 0:
        raise InvalidRequest(
            "amount_not_positive", f"An amount is more than 0 minor units; this is {amount}."
        )


def _require_storable(moment: datetime | None) -> None:
    if moment is not None and not is_storable(moment):
        raise InvalidRequest(
            "time_out_of_bounds", f"A time is from {EARLIEST.year} to {LATEST.year}, in UTC."
        )
