"""Cases that broke other systems, each with the outcome that the provider's balance demands."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from groat.providers.domain.movements import Movement
from groat.providers.paypal.movements import movements as paypal_movements
from groat.providers.paypal.payloads import TransactionPage
from groat.providers.reading import convert
from groat.providers.stripe.movements import movement
from groat.providers.stripe.payloads import BookedTransaction
from tests.support.cases import case
from tests.unit.movements.books import Books, shortfall

CHARGE, CAPTURE = "ch_1", "7AA00000000000009"
TOLD_AT = datetime(2026, 3, 2, tzinfo=UTC)


def _stripe(listed: list[Any], charge: str | None = None) -> list[Movement]:
    """Return movements of balance transactions; ``charge`` is that of a source, as expanded."""
    found = []
    for one in listed:
        source = {"id": one["source"], "charge": charge} if charge else one.get("source")
        booked = convert(BookedTransaction, {**one, "source": source})
        found.append(movement(booked, TOLD_AT))
    return found


def _paypal(name: str) -> list[Movement]:
    page = convert(TransactionPage, case(name, capture=CAPTURE))
    return [*paypal_movements(one.transaction_info for one in page.transaction_details)]


def _of_dispute(event: Any) -> list[Movement]:
    """Return the movements of a dispute's event, each with the dispute and its charge."""
    dispute = event["data"]["object"]
    listed = [{**one, "source": dispute["id"]} for one in dispute["balance_transactions"]]
    return _stripe(listed, charge=dispute["charge"])


@pytest.mark.parametrize("steps", [*permutations(["success", "movement", "movement again"])])
def test_a_movement_that_comes_later_clears_the_success(steps: tuple[str, ...]) -> None:
    (booked,) = _stripe(case("late-movement", charge=CHARGE)["movements"])
    books = Books()
    for step in steps:
        if step == "success":
            books.captured(CHARGE, 1050)
        else:
            books.book(booked)
    assert books.balances == {"wallet": 1050, "provider:EUR": 1009, "fees:EUR": 41}
    assert not books.open_items


def test_success_without_a_movement_stands_open_in_clearing() -> None:
    books = Books()
    books.captured(CHARGE, 1050)
    assert books.balances == {"wallet": 1050, "clearing:EUR": 1050}
    assert books.open_items == {CHARGE: -1050}


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_partial_capture_gives_a_part_of_the_fee_back(order: tuple[int, ...]) -> None:
    told = case("partial-capture-fee", charge=CHARGE)
    authorized, reversed_ = told["movements"]
    whole, rest = *_stripe([authorized]), *_stripe([reversed_], charge=CHARGE)
    books = Books("USD")
    steps = [
        lambda: books.captured(CHARGE, told["captured"], "USD"),
        lambda: books.book(whole),
        lambda: books.book(rest),
    ]
    for step in order:
        steps[step]()
    assert books.balances == {"wallet": 5000, "provider:USD": 4825, "fees:USD": 175}
    assert not books.open_items


@pytest.mark.parametrize("movement_first", [False, True])
def test_settlement_in_another_currency_stands_in_conversion(*, movement_first: bool) -> None:
    told = case("other-settlement-currency", charge=CHARGE)
    (booked,) = _stripe(told["movements"])
    books = Books("USD")
    if movement_first:
        books.book(booked)
    books.captured(CHARGE, told["payment"]["amount"], "USD")
    books.book(booked)
    assert books.balances == {
        "wallet": 5000,
        "provider:GBP": 3060,
        "fees:GBP": 112,
        "conversion:USD": 5000,
        "conversion:GBP": -3172,
    }
    assert not books.open_items


def test_a_fee_with_tax_is_split_by_its_parts() -> None:
    told = case("fee-with-tax", charge=CHARGE)["movements"]
    (booked,) = _stripe(told)
    assert (booked.gross, booked.fee, booked.tax) == (10000, 130, 12)
    books = Books("SGD")
    books.captured(CHARGE, 10000, "SGD")
    books.book(booked)
    assert books.balances == {
        "wallet": 10000,
        "provider:SGD": 9858,
        "fees:SGD": 130,
        "tax:SGD": 12,
    }


def test_an_unknown_part_of_a_fee_is_a_fee_under_its_name() -> None:
    (one,) = case("fee-with-tax", charge=CHARGE)["movements"]
    one["fee_details"][0]["type"] = "carbon_fee"
    (booked,) = _stripe([one])
    assert booked.fee_parts == {"carbon_fee": 130, "tax": 12}
    assert (booked.fee, booked.tax) == (130, 12)


def test_a_dispute_can_take_more_than_the_charge() -> None:
    books = Books()
    books.captured(CHARGE, 1050)
    before = books.balances
    for booked in _of_dispute(case("dispute-larger", charge=CHARGE)):
        books.book(booked)
    assert before == {"wallet": 1050, "clearing:EUR": 1050}
    assert books.balances == {
        "clearing:EUR": 1050,
        "provider:EUR": -2580,
        "fees:EUR": 1500,
        "receivable:EUR": 30,
    }


def test_an_exchange_difference_is_a_movement_of_its_own() -> None:
    books = Books()
    books.captured(CHARGE, 1050)
    first, second = _of_dispute(case("dispute-fee", charge=CHARGE))
    for booked in (first, second, first, second):
        books.book(booked)
    assert books.balances == {
        "clearing:EUR": 1050,
        "provider:EUR": -2587,
        "fees:EUR": 1500,
        "receivable:EUR": 37,
    }


@pytest.mark.parametrize("spent", [0, 300, 1050])
def test_a_lost_dispute_that_is_won_later_gives_everything_back(spent: int) -> None:
    lost, won = case("lost-then-won", charge=CHARGE)
    books = Books()
    books.captured(CHARGE, 1050)
    if spent:
        books.refunded("re_1", CHARGE, spent)
    for booked in _of_dispute(lost):
        books.book(booked)
    assert shortfall(books) == spent
    for booked in _of_dispute(won):
        books.book(booked)
    assert shortfall(books) == 0
    assert books.balances.get("wallet", 0) == 1050 - spent
    assert "provider:EUR" not in books.balances


def test_equal_rows_are_posted_once_each() -> None:
    rows = _paypal("equal-holds")
    assert len({row.key for row in rows}) == 5
    assert len({row.identity for row in rows}) == 3
    books = Books()
    books.captured(CAPTURE, 9000)
    start = books.balances
    books.refunded(rows[0].key.partition("/")[0], CAPTURE, 9000)
    for row in [*rows, *_paypal("equal-holds")]:
        books.book(row)
    assert start["wallet"] == 9000
    assert books.balances == {
        "clearing:EUR": 9000,
        "provider:EUR": -8739,
        "fees:EUR": -261,
    }
    assert books.open_items == {CAPTURE: -9000}


def test_holds_move_to_the_reserve_and_are_no_loss() -> None:
    books = Books()
    for row in _paypal("equal-holds")[1:4]:
        books.book(row)
    assert books.balances == {"provider:EUR": -3000, "reserve:EUR": 3000}


def test_a_row_says_how_much_of_the_fee_comes_back() -> None:
    (row,) = _paypal("refund-fee-back")
    books = Books()
    books.captured(CAPTURE, 42060)
    books.refunded("7AC00000000000001", CAPTURE, 42060)
    books.book(row)
    assert books.balances == {
        "clearing:EUR": 42060,
        "provider:EUR": -40210,
        "fees:EUR": -1850,
    }


def test_a_refund_at_another_rate_leaves_a_loss() -> None:
    told = case("other-settlement-currency", charge=CHARGE)
    (charged,) = _stripe(told["movements"])
    refund = {**told["movements"][0], "id": "txn_2", "source": "re_1", "fee": 0}
    refund |= {"reporting_category": "refund", "amount": -3250, "net": -3250}
    (returned,) = _stripe([refund], charge=CHARGE)
    books = Books("USD")
    books.captured(CHARGE, 5000, "USD")
    books.book(charged)
    books.refunded("re_1", CHARGE, 5000, "USD")
    books.book(returned)
    assert books.balances == {
        "provider:GBP": 3060 - 3250,
        "fees:GBP": 112,
        "fx_gain_loss:GBP": 78,
    }


def test_a_dispute_in_another_currency_stands_in_conversion() -> None:
    told = case("other-settlement-currency", charge=CHARGE)
    (charged,) = _stripe(told["movements"])
    taken = {**told["movements"][0], "id": "txn_3", "source": "du_1", "fee": 1500}
    taken |= {"reporting_category": "dispute", "amount": -3200, "net": -4700}
    (disputed,) = _stripe([taken], charge=CHARGE)
    books = Books("USD")
    books.captured(CHARGE, 5000, "USD")
    books.book(charged)
    books.book(disputed, claim=5000)
    assert books.balances == {
        "provider:GBP": 3060 - 4700,
        "fees:GBP": 1612,
        "fx_gain_loss:GBP": 28,
    }
