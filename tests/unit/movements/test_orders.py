"""Reports of one payment in any order, each any number of times, leave the same books."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.money import Money
from groat.movements.domain.attribution import Owner
from groat.movements.domain.booking import ToldFact
from groat.providers.domain.movements import Movement, MovementCategory, Pool
from tests.unit.movements.books import Books

BOOKED_AT = datetime(2026, 3, 2, tzinfo=UTC)
Step: TypeAlias = Callable[[Books], None]

amounts = st.integers(1, 10_000)


def _movement(
    key: str, category: MovementCategory, gross: int, currency: str, source: str, parent: str
) -> Movement:
    fee = gross // 30
    return Movement(
        key, category, category.value, BOOKED_AT, currency, gross, fee, 1, source, parent
    )


def _told(reference: str, parent: str, amount: int) -> Step:
    return lambda books: books.tell(ToldFact(reference, parent, Money(amount, "USD")))


def _booked(movement: Movement, owner: Owner = Owner.OURS) -> Step:
    return lambda books: books.book(movement, owner)


@st.composite
def reports(draw: st.DrawFn) -> list[Step]:
    """Draw the facts and movements of two payments, and movements of no payment."""
    steps: list[Step] = []
    for charge in ("ch_1", "ch_2"):
        settled_in = draw(st.sampled_from(["USD", "GBP"]))
        captured = draw(amounts)
        booked = captured if settled_in == "USD" else draw(amounts)
        returned = draw(st.lists(amounts, max_size=2))
        if draw(st.booleans()):
            returned = [captured]  # everything is given back
        steps += [_told(charge, charge, -captured)]
        movement = _movement(
            f"txn_{charge}", MovementCategory.CHARGE, booked, settled_in, charge, charge
        )
        steps += [_booked(movement)] if draw(st.booleans()) else []
        for number, amount in enumerate(returned):
            refund = f"re_{charge}_{number}"
            taken = amount if settled_in == "USD" else draw(amounts)
            steps.append(_told(refund, charge, amount))
            category = MovementCategory.REFUND
            steps.append(
                _booked(_movement(f"txn_{refund}", category, -taken, settled_in, refund, charge))
            )
    for number, category in enumerate(draw(st.lists(st.sampled_from(MovementCategory)))):
        if category not in {MovementCategory.DISPUTE, MovementCategory.DISPUTE_REVERSAL}:
            other = _movement(f"txn_{number}", category, draw(amounts), "USD", "x", "x")
            steps.append(_booked(other, draw(st.sampled_from([Owner.OTHER_SYSTEM, Owner.UNKNOWN]))))
    return steps


@given(reports(), st.data())
def test_order_and_repetition_change_nothing(steps: list[Step], data: st.DataObject) -> None:
    plain, mixed = Books("USD"), Books("USD")
    for step in steps:
        step(plain)
    again = data.draw(st.lists(st.sampled_from(steps), max_size=5))
    for step in data.draw(st.permutations([*steps, *again])):
        step(mixed)
    assert mixed.balances == plain.balances
    assert mixed.open_items == plain.open_items


@given(reports())
def test_clearing_is_the_sum_of_its_open_items(steps: list[Step]) -> None:
    books = Books("USD")
    for step in steps:
        step(books)
        clearing = [
            amount for code, amount in books.balances.items() if code.startswith("clearing:")
        ]
        assert -sum(clearing) == sum(books.open_items.values())


@given(st.lists(st.sampled_from(MovementCategory), max_size=10), st.data())
def test_provider_and_reserve_are_the_sum_of_all_movements(
    categories: list[MovementCategory], data: st.DataObject
) -> None:
    books, available, withheld = Books("USD"), 0, 0
    for number, category in enumerate(categories):
        if category in {MovementCategory.DISPUTE, MovementCategory.DISPUTE_REVERSAL}:
            continue
        gross = data.draw(st.integers(-10_000, 10_000))
        movement = _movement(f"txn_{number}", category, gross, "USD", f"ch_{number}", "ch_x")
        books.book(movement, data.draw(st.sampled_from(Owner)))
        available += movement.net
        withheld -= gross if category is MovementCategory.RESERVE else 0
    assert books.balances.get("provider:USD", 0) == available
    assert books.balances.get("reserve:USD", 0) == withheld


def test_a_hold_that_is_booked_on_both_parts_is_posted_once() -> None:
    books = Books()
    for pool, gross in ((Pool.AVAILABLE, -500), (Pool.RESERVED, 500)):
        category = MovementCategory.RESERVE
        books.book(
            Movement(
                f"txn_{pool}", category, "risk_reserved_funds", BOOKED_AT, "EUR", gross, pool=pool
            )
        )
    assert books.balances == {"provider:EUR": -500, "reserve:EUR": 500}


def test_a_second_currency_of_one_object_goes_to_suspense() -> None:
    books = Books()
    for currency in ("EUR", "GBP"):
        charge = MovementCategory.CHARGE
        books.book(
            Movement(f"txn_{currency}", charge, "charge", BOOKED_AT, currency, 100, 0, 0, "c")
        )
    assert books.balances["suspense:GBP"] == -100
    assert books.balances["clearing:EUR"] == -100
