from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.value import replace
from groat.providers.domain.movements import Movement, MovementCategory
from groat.providers.paypal.movements import BookedRow, EqualRows, movement
from groat.settlement.domain.matching import Difference, DifferenceKind, Matching, match

START = datetime(2026, 3, 2, tzinfo=UTC)
ROWS, PLANTED = 100_000, 700


def _stripe(number: int) -> Movement:
    charge = f"ch_{number}"
    return Movement(
        f"txn_{number}",
        MovementCategory.CHARGE,
        "charge",
        START + timedelta(seconds=number),
        "EUR",
        1000 + number % 97,
        41,
        source=charge,
        parent=charge,
        payout=f"po_{number // 1000}",
    )


def _paypal(number: int, gross: int = 1000, equal: EqualRows | None = None) -> Movement:
    at = START + timedelta(seconds=number)
    row = BookedRow(f"7AA{number:014}", "T0006", at, "EUR", gross, -41, None)
    return movement(row, equal or EqualRows())


def _planted(kind: DifferenceKind, row: Movement) -> tuple[list[Movement], list[Movement]]:
    """Return our rows and the provider's, with a difference of this class between them."""
    changed = {
        DifferenceKind.CURRENCY: replace(row, currency="USD"),
        DifferenceKind.AMOUNT: replace(row, gross=row.gross - 1),
        DifferenceKind.FEE: replace(row, fee=row.fee + 1),
        DifferenceKind.PAYOUT: replace(row, payout="po_other"),
    }
    listed = {DifferenceKind.MISSING_THERE: [], DifferenceKind.DUPLICATE: [row, row]}
    ours = [] if kind is DifferenceKind.MISSING_HERE else [changed.get(kind, row)]
    return ours, listed.get(kind, [row])


def test_planted_differences_are_all_found_and_classed_without_a_false_alarm() -> None:
    chance = random.Random(17)  # noqa: S311 - the same places in every run
    places = chance.sample(range(ROWS), PLANTED)
    planted = dict(zip(places, [*DifferenceKind] * (PLANTED // len(DifferenceKind)), strict=True))
    ours, theirs, expected = [], [], {}
    for number in range(ROWS):
        row = _stripe(number)
        kind = planted.get(number)
        here, there = ([row], [row]) if kind is None else _planted(kind, row)
        ours += here
        theirs += there
        if kind is not None:
            expected[row.key] = kind
    chance.shuffle(theirs)
    found = match(ours, theirs)
    assert len(found) == PLANTED
    assert {difference.key: difference.kind for difference in found} == expected


def test_equal_lists_have_no_differences_in_any_order() -> None:
    rows = [_stripe(number) for number in range(1000)]
    assert not match(rows, rows[::-1])


def test_a_row_whose_amount_is_part_of_its_key_is_one_difference() -> None:
    ours, theirs = _paypal(1, 1000), _paypal(1, 1100)
    assert ours.key != theirs.key
    assert match([ours], [theirs]) == [Difference(DifferenceKind.AMOUNT, ours, theirs)]


@pytest.mark.parametrize(
    ("here", "there", "kinds"),
    [
        (3, 3, []),
        (2, 3, [DifferenceKind.MISSING_HERE]),
        (3, 2, [DifferenceKind.DUPLICATE]),
        (0, 2, [DifferenceKind.MISSING_HERE] * 2),
        (1, 0, [DifferenceKind.MISSING_THERE]),
    ],
)
def test_equal_rows_are_counted(here: int, there: int, kinds: list[DifferenceKind]) -> None:
    one, other = EqualRows(), EqualRows()
    ours = [_paypal(1, equal=one) for _ in range(here)]
    theirs = [_paypal(1, equal=other) for _ in range(there)]
    assert [difference.kind for difference in match(ours, theirs)] == kinds


@given(st.lists(st.integers(0, 30)), st.lists(st.integers(0, 30)), st.integers(1, 7))
def test_batches_of_any_size_find_the_same(here: list[int], there: list[int], size: int) -> None:
    ours = [_stripe(number) for number in sorted(set(here))]
    theirs = [_stripe(number) for number in there]
    known = {our.key: our for our in ours}
    matching, found = Matching(), list[Difference]()
    for start in range(0, len(theirs), size):
        batch = theirs[start : start + size]
        found += matching.compare(
            batch, {one.key: known[one.key] for one in batch if one.key in known}
        )
    found += matching.finish(ours)
    assert found == match(ours, theirs)


def test_a_file_that_states_only_the_sum_of_fee_and_tax_agrees() -> None:
    ours = replace(_stripe(1), fee=30, tax=11)
    assert not match([ours], [_stripe(1)])


def test_a_payout_that_one_side_does_not_know_is_no_difference() -> None:
    assert not match([replace(_stripe(1), payout=None)], [_stripe(1)])
