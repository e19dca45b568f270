"""Every refusal has its error, and a sentence with the figures that it was decided on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from groat.accounts.domain.commands import (
    CaptureHold,
    Command,
    EndHold,
    Known,
    PlaceHold,
    PostTransaction,
    Refusal,
    Refused,
)
from groat.accounts.domain.decisions import Book, decide
from groat.accounts.domain.kinds import TRANSFER
from groat.accounts.domain.ledger import Balance, Entry, Hold, Transaction
from groat.accounts.domain.refusals import as_error
from groat.kernel import ids
from groat.kernel.ids import AccountId, HoldId, MerchantId, TransactionId
from groat.kernel.money import MAX_AMOUNT
from groat.kernel.value import replace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MERCHANT = MerchantId(1)
EMPTY, FULL, FROZEN, CLOSED, CLEARING, YEN, NOBODY = (AccountId(ids.uuid7()) for _ in range(7))
OPEN, ENDED, DUE, NO_HOLD, REFUNDS = (HoldId(ids.uuid7()) for _ in range(5))
HOLD = Hold(OPEN, EMPTY, "EUR", 1, "h", 10, 10, 0, "open", None, NOW)
BOOK = Book(
    {
        EMPTY: Balance(EMPTY, 1, "EUR", "open", 10, 10, 0, 1, NOW),
        FULL: Balance(FULL, 2, "EUR", "open", MAX_AMOUNT, 0, 0, 1, NOW),
        FROZEN: Balance(FROZEN, 3, "EUR", "frozen", 5, 0, 0, 1, NOW),
        CLOSED: Balance(CLOSED, 4, "EUR", "closed", 0, 0, 0, 1, NOW),
        CLEARING: Balance(CLEARING, 6, "EUR", "open", 5, 0, None, 1, NOW, is_engine=True),
        YEN: Balance(YEN, 5, "JPY", "open", 5, 0, 0, 1, NOW),
    },
    {
        OPEN: HOLD,
        ENDED: Hold(ENDED, EMPTY, "EUR", 1, "e", 10, 0, 10, "captured", None, NOW),
        REFUNDS: replace(HOLD, id=REFUNDS, reference="groat:refund:1"),
        DUE: Hold(DUE, EMPTY, "EUR", 1, "d", 10, 10, 0, "open", NOW, NOW - timedelta(1)),
    },
    {
        Transaction.of(
            MERCHANT, TRANSFER, "used", (Entry(EMPTY, -1, "EUR"), Entry(FULL, 1, "EUR"))
        ).id: Known(0, NOW)
    },
)


def transfer(debit: AccountId, credit: AccountId, reference: str = "new") -> PostTransaction:
    entries = (Entry(debit, -1, "EUR"), Entry(credit, 1, "EUR"))
    return PostTransaction(Transaction.of(MERCHANT, TRANSFER, reference, entries))


def capture(hold_id: HoldId, credit: AccountId = FULL, amount: int = 1) -> CaptureHold:
    return CaptureHold(TransactionId(ids.uuid7()), 1, "capture", hold_id, credit, amount)


def expired_hold() -> PlaceHold:
    return PlaceHold(Hold(NO_HOLD, FULL, "EUR", 1, "n", 1, 1, 0, "open", NOW, NOW))


REFUSED: dict[Refusal, tuple[Command, ...]] = {
    Refusal.ACCOUNT_CLOSED: (transfer(FULL, CLOSED),),
    Refusal.ACCOUNT_FROZEN: (transfer(FROZEN, FULL),),
    Refusal.ACCOUNT_NOT_FOUND: (transfer(FULL, NOBODY),),
    Refusal.BALANCE_TOO_LARGE: (capture(OPEN),),
    Refusal.CURRENCY_MISMATCH: (transfer(FULL, YEN),),
    Refusal.ENGINE_ACCOUNT: (transfer(FULL, CLEARING),),
    Refusal.EXPIRES_IN_PAST: (expired_hold(),),
    Refusal.HOLD_EXCEEDED: (capture(OPEN, amount=11),),
    Refusal.HOLD_EXPIRED: (capture(DUE),),
    Refusal.HOLD_NOT_FOUND: (EndHold(NO_HOLD),),
    Refusal.HOLD_NOT_OPEN: (EndHold(ENDED),),
    Refusal.ENGINE_HOLD: (EndHold(REFUNDS),),
    Refusal.INSUFFICIENT_FUNDS: (transfer(EMPTY, FULL),),
    Refusal.LINKED_REFUSED: (EndHold(OPEN), EndHold(NO_HOLD)),
    Refusal.REFERENCE_REUSED: (transfer(EMPTY, FULL, "used"),),
    Refusal.SAME_ACCOUNT: (capture(OPEN, EMPTY),),
}


def test_every_refusal_is_covered() -> None:
    assert REFUSED.keys() == set(Refusal)


@pytest.mark.parametrize("refusal", Refusal)
def test_a_refusal_states_the_figures_of_its_decision(refusal: Refusal) -> None:
    [outcomes] = decide(BOOK, [REFUSED[refusal]], NOW).outcomes
    refused = outcomes[0]
    assert isinstance(refused, Refused)
    assert refused.refusal is refusal
    error = as_error(refused)
    assert error.code == refusal.value
    assert 400 <= error.status < 500
    assert "{" not in error.message
    for figure in refused.figures.values():
        assert isinstance(figure, UUID) or str(figure) in error.message
