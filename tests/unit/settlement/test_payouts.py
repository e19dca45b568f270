from __future__ import annotations

from datetime import UTC, datetime

import pytest

from groat.providers.domain.movements import Movement, MovementCategory
from groat.providers.domain.payouts import Payout, PayoutStatus
from groat.settlement.domain.payouts import Remainder, RemainderName, in_bank, remainder

AT = datetime(2026, 3, 2, tzinfo=UTC)


def _movement(category: MovementCategory, gross: int, fee: int = 0) -> Movement:
    return Movement(f"txn_{category}_{gross}", category, category.value, AT, "EUR", gross, fee)


def _payout(amount: int, *, tells_content: bool = True, is_complete: bool = True) -> Payout:
    return Payout("po_1", "EUR", amount, PayoutStatus.PAID, tells_content, is_complete)


CHARGED = _movement(MovementCategory.CHARGE, 1041, 41)
HELD = _movement(MovementCategory.RESERVE, -100)


def _paid_out(amount: int) -> Movement:
    return _movement(MovementCategory.PAYOUT, -amount)


def test_a_payout_that_its_movements_explain_has_no_remainder() -> None:
    found = remainder(_payout(1000), [CHARGED, _paid_out(1000)], [])
    assert found == Remainder(0, RemainderName.NONE)


@pytest.mark.parametrize("is_listed", [False, True])
def test_a_minimum_balance_explains_the_remainder(*, is_listed: bool) -> None:
    listed = [CHARGED, _paid_out(900), *([HELD] if is_listed else [])]
    found = remainder(_payout(900), listed, [] if is_listed else [HELD])
    assert found.is_explained
    assert found.name is (RemainderName.NONE if is_listed else RemainderName.MINIMUM_BALANCE)


def test_a_hold_of_another_amount_explains_nothing() -> None:
    found = remainder(_payout(950), [CHARGED, _paid_out(950)], [HELD])
    assert found == Remainder(50, RemainderName.UNEXPLAINED)
    assert not found.is_explained


def test_a_list_that_is_not_complete_is_not_judged() -> None:
    found = remainder(_payout(1000, is_complete=False), [_paid_out(1000)], [])
    assert found == Remainder(-1000, RemainderName.LIST_NOT_COMPLETE)


def test_a_payout_without_a_list_is_checked_by_balance_instead() -> None:
    found = remainder(_payout(1000, tells_content=False), [_paid_out(1000)], [])
    assert found == Remainder(0, RemainderName.CONTENT_NOT_TOLD)


def test_a_negative_payout_is_explained_by_a_negative_balance() -> None:
    taken = _movement(MovementCategory.DISPUTE, -1000)
    assert remainder(_payout(-1000), [taken, _paid_out(-1000)], []).name is RemainderName.NONE


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (PayoutStatus.IN_TRANSIT, PayoutStatus.PAID, 1000),
        (PayoutStatus.PAID, PayoutStatus.FAILED, -1000),
        (PayoutStatus.PAID, PayoutStatus.CANCELED, -1000),
        (PayoutStatus.PENDING, PayoutStatus.FAILED, 0),
        (PayoutStatus.PAID, PayoutStatus.PAID, 0),
    ],
)
def test_a_status_moves_money_between_transit_and_bank(
    before: PayoutStatus, after: PayoutStatus, moved: int
) -> None:
    assert in_bank(1000, after) - in_bank(1000, before) == moved
