from __future__ import annotations

from datetime import UTC, datetime

import pytest

from groat.kernel.value import replace
from groat.movements.domain.attribution import Attribution, Owner, Place, attribute
from groat.providers.domain.movements import Movement, MovementCategory

BOOKED_AT = datetime(2026, 3, 2, tzinfo=UTC)


def _movement(
    category: MovementCategory, source: str | None = "re_1", parent: str | None = "ch_1"
) -> Movement:
    gross = 0 if category in {MovementCategory.FEE, MovementCategory.TAX} else 100
    return Movement(
        "txn_1", category, "its own name", BOOKED_AT, "EUR", gross, source=source, parent=parent
    )


@pytest.mark.parametrize("category", MovementCategory)
@pytest.mark.parametrize("owner", Owner)
@pytest.mark.parametrize("source", [None, "re_1"])
@pytest.mark.parametrize("parent", [None, "ch_1"])
def test_every_movement_has_a_place_and_suspense_has_a_reason(
    category: MovementCategory, owner: Owner, source: str | None, parent: str | None
) -> None:
    found = attribute(_movement(category, source, parent), owner)
    assert (found.place is Place.SUSPENSE) == (found.reason is not None)
    if found.place in {Place.CLEARING, Place.BENEFICIARY, Place.FOREIGN}:
        assert found.reference


@pytest.mark.parametrize(
    ("category", "place", "reference"),
    [
        (MovementCategory.CHARGE, Place.CLEARING, "re_1"),
        (MovementCategory.REFUND, Place.CLEARING, "re_1"),
        (MovementCategory.REFUND_FAILURE, Place.CLEARING, "re_1"),
        (MovementCategory.PARTIAL_CAPTURE, Place.CLEARING, "ch_1"),
        (MovementCategory.CHARGE_FAILURE, Place.CLEARING, "ch_1"),
        (MovementCategory.DISPUTE, Place.BENEFICIARY, "re_1"),
        (MovementCategory.DISPUTE_REVERSAL, Place.BENEFICIARY, "re_1"),
        (MovementCategory.PAYOUT, Place.IN_TRANSIT, "re_1"),
        (MovementCategory.PAYOUT_REVERSAL, Place.IN_TRANSIT, "re_1"),
        (MovementCategory.TOP_UP, Place.IN_TRANSIT, "re_1"),
        (MovementCategory.RESERVE, Place.RESERVE, "re_1"),
        (MovementCategory.CONVERSION, Place.CONVERSION, "re_1"),
        (MovementCategory.FINANCING, Place.LOAN, "re_1"),
        (MovementCategory.FEE, Place.FEES, "re_1"),
        (MovementCategory.TAX, Place.FEES, "re_1"),
    ],
)
def test_the_category_decides_the_place(
    category: MovementCategory, place: Place, reference: str
) -> None:
    found = attribute(_movement(category), Owner.OURS)
    assert (found.place, found.reference) == (place, reference)


def test_money_of_another_system_is_foreign_and_no_suspense() -> None:
    found = attribute(_movement(MovementCategory.CHARGE), Owner.OTHER_SYSTEM)
    assert found == Attribution(Place.FOREIGN, "re_1")


def test_suspense_names_an_unknown_category() -> None:
    found = attribute(_movement(MovementCategory.OTHER), Owner.OURS)
    assert found.reason == "category its own name"


def test_a_fee_that_moves_other_money_too_goes_to_suspense() -> None:
    found = attribute(replace(_movement(MovementCategory.FEE), gross=5), Owner.OURS)
    assert found.place is Place.SUSPENSE


def test_a_partial_capture_needs_its_charge() -> None:
    found = attribute(_movement(MovementCategory.PARTIAL_CAPTURE, parent=None), Owner.OURS)
    assert (found.place, found.reason) == (Place.SUSPENSE, "names no charge")
