from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from groat.kernel.money import Money
from groat.movements.domain.open_items import OpenItem
from groat.providers.domain.movements import MovementCategory
from groat.settlement.domain.payouts import Remainder, RemainderName
from groat.settlement.domain.reconciliation import (
    CURES,
    CategoryTotal,
    LineReason,
    OpenLine,
    Reconciliation,
    clearing_lines,
)

NOW = datetime(2026, 3, 5, tzinfo=UTC)
EXPECTED = timedelta(days=1)
CHARGED = CategoryTotal(MovementCategory.CHARGE, "charge", 2, 2100, 82, 3)


def _item(told: int, booked: int, age: timedelta = timedelta(days=2)) -> OpenItem:
    item = OpenItem("ch_1", "ch_1", NOW - age)
    if told:
        item = item.with_told(Money(told, "EUR"))
    return item.with_booked(Money(booked, "EUR")) if booked else item


@pytest.mark.parametrize(
    ("item", "reason", "amount"),
    [
        (_item(-1050, 0), LineReason.MISSING_THERE, -1050),
        (_item(0, 1050), LineReason.MISSING_HERE, 1050),
        (_item(-1050, 1000), LineReason.AMOUNT_DIFFERS, -50),
        (_item(-1050, 0, timedelta(hours=1)), LineReason.NOT_YET_DUE, -1050),
    ],
)
def test_an_open_item_has_a_reason(item: OpenItem, reason: LineReason, amount: int) -> None:
    (line,) = clearing_lines([item], NOW, EXPECTED)
    assert (line.reason, line.amount, line.currency) == (reason, amount, "EUR")
    assert line.cure


def test_closed_items_have_no_line() -> None:
    converted = OpenItem("ch_1", "ch_1", NOW, "USD", -5000, "GBP", 3172)
    assert not clearing_lines([_item(-1050, 1050), converted], NOW, EXPECTED)


def test_the_oldest_line_comes_first() -> None:
    items = [_item(-1, 0, timedelta(days=2)), _item(-2, 0, timedelta(days=9))]
    assert [line.amount for line in clearing_lines(items, NOW, EXPECTED)] == [-2, -1]


def test_equal_balances_without_open_lines_are_explained() -> None:
    found = Reconciliation("EUR", 100, (CHARGED,), 2115, ())
    assert (found.closing, found.difference) == (2115, 0)
    assert found.is_explained


def test_a_balance_that_differs_is_not_explained() -> None:
    found = Reconciliation("EUR", 100, (CHARGED,), 2116, ())
    assert found.difference == 1
    assert not found.is_explained


def test_a_provider_without_a_balance_cannot_differ() -> None:
    assert Reconciliation("EUR", 100, (CHARGED,), None, ()).is_explained


@pytest.mark.parametrize("reason", LineReason)
def test_only_harmless_reasons_are_explained(reason: LineReason) -> None:
    line = OpenLine(reason, "ch_1", "EUR", 1, EXPECTED)
    harmless = {LineReason.NOT_YET_DUE, LineReason.FOREIGN, LineReason.POSTED_LATE}
    assert Reconciliation("EUR", 0, (), None, (line,)).is_explained == (reason in harmless)
    assert reason in CURES


def test_an_unexplained_payout_is_not_explained() -> None:
    remainders = {"po_1": Remainder(5, RemainderName.UNEXPLAINED)}
    assert not Reconciliation("EUR", 0, (), None, (), remainders).is_explained
