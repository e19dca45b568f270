from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from groat.kernel.errors import InvalidRequest
from groat.providers.domain.movements import Movement, MovementCategory, Pool
from groat.providers.reading import Malformed, convert
from groat.providers.stripe.movements import movement, own_movements
from groat.providers.stripe.payloads import BookedTransaction

TOLD_AT = datetime(2026, 3, 2, tzinfo=UTC)
CHARGED = {
    "id": "txn_1",
    "object": "balance_transaction",
    "amount": 1050,
    "fee": 41,
    "net": 1009,
    "currency": "eur",
    "created": 1_772_445_600,
    "reporting_category": "charge",
    "type": "charge",
    "source": "ch_1",
}


def _movement(**changes: Any) -> Movement:
    return movement(convert(BookedTransaction, {**CHARGED, **changes}), TOLD_AT)


def test_a_charge_is_read_whole() -> None:
    assert _movement() == Movement(
        "txn_1",
        MovementCategory.CHARGE,
        "charge",
        datetime(2026, 3, 2, 10, tzinfo=UTC),
        "EUR",
        1050,
        41,
        source="ch_1",
    )


@pytest.mark.parametrize(
    ("reporting_category", "amount", "category"),
    [
        ("charge", 1050, MovementCategory.CHARGE),
        ("charge", -1050, MovementCategory.CHARGE_FAILURE),
        ("refund", -500, MovementCategory.REFUND),
        ("refund", 500, MovementCategory.REFUND_FAILURE),
        ("refund_failure", 500, MovementCategory.REFUND_FAILURE),
        ("partial_capture_reversal", -5821, MovementCategory.PARTIAL_CAPTURE),
        ("dispute", -1050, MovementCategory.DISPUTE),
        ("dispute_reversal", 1050, MovementCategory.DISPUTE_REVERSAL),
        ("dispute_reversal", -1050, MovementCategory.DISPUTE),
        ("payout", -900, MovementCategory.PAYOUT),
        ("payout", 900, MovementCategory.PAYOUT),
        ("payout_reversal", 900, MovementCategory.PAYOUT_REVERSAL),
        ("topup", 900, MovementCategory.TOP_UP),
        ("risk_reserved_funds", -100, MovementCategory.RESERVE),
        ("financing_payout", 100, MovementCategory.FINANCING),
        ("climate_order_purchase", -100, MovementCategory.OTHER),
        ("new_in_2031", -100, MovementCategory.OTHER),
    ],
)
def test_category_and_sign_decide(
    reporting_category: str, amount: int, category: MovementCategory
) -> None:
    found = _movement(reporting_category=reporting_category, amount=amount, type="adjustment")
    assert (found.category, found.label) == (category, reporting_category)


@pytest.mark.parametrize("category", ["fee", "network_cost"])
def test_a_fee_of_no_payment_is_its_amount_and_the_fee_column_its_tax(category: str) -> None:
    found = _movement(reporting_category=category, amount=-200, fee=38, net=-238, source=None)
    assert (found.gross, found.fee, found.tax, found.net) == (0, 200, 38, -238)


def test_a_fee_that_is_given_back_is_negative() -> None:
    found = _movement(reporting_category="fee", amount=200, fee=0, net=200)
    assert (found.gross, found.fee, found.net) == (0, -200, 200)


def test_withheld_tax_is_tax() -> None:
    details = [
        {"amount": 30, "currency": "eur", "type": "stripe_fee"},
        {"amount": 11, "currency": "eur", "type": "withheld_tax"},
    ]
    found = _movement(fee_details=details)
    assert (found.fee, found.tax, found.net) == (30, 11, 1009)


def test_an_expanded_source_names_the_charge() -> None:
    found = _movement(source={"id": "re_1", "object": "refund", "charge": "ch_1"})
    assert (found.source, found.parent) == ("re_1", "ch_1")


def test_money_outside_the_payments_balance_is_withheld() -> None:
    assert _movement(balance_type="risk_reserved").pool is Pool.RESERVED


def test_a_report_without_a_time_has_the_time_of_the_report() -> None:
    assert _movement(created=None).occurred_at == TOLD_AT


def test_amounts_have_the_decimals_of_the_currency() -> None:
    found = _movement(currency="isk", amount=105000, fee=4100, net=100900)
    assert (found.currency, found.gross, found.fee) == ("ISK", 1050, 41)
    with pytest.raises(InvalidRequest):
        _movement(currency="isk", amount=105001)


def test_a_dispute_brings_all_its_movements() -> None:
    listed = [convert(BookedTransaction, {**CHARGED, "id": f"txn_{n}"}) for n in (1, 2)]
    assert [one.key for one in own_movements("du_1", "ch_1", *listed)] == ["txn_1", "txn_2"]


def test_another_object_is_no_movement() -> None:
    with pytest.raises(Malformed):
        convert(BookedTransaction, {**CHARGED, "object": "charge"})
