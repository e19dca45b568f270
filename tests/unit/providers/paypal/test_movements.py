from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.errors import InvalidRequest
from groat.providers.domain.movements import Movement, MovementCategory
from groat.providers.paypal.movements import movements
from groat.providers.paypal.payloads import TransactionInfo, TransactionPage
from groat.providers.reading import convert

SOLD = {
    "transaction_id": "7AA00000000000001",
    "transaction_event_code": "T0006",
    "transaction_initiation_date": "2026-03-02T10:00:00+0000",
    "transaction_updated_date": "2026-03-02T10:00:00+0000",
    "transaction_amount": {"currency_code": "EUR", "value": "10.50"},
    "fee_amount": {"currency_code": "EUR", "value": "-0.41"},
    "transaction_status": "S",
}


def _read(*rows: dict[str, Any]) -> list[Movement]:
    return [*movements(convert(TransactionInfo, {**SOLD, **row}) for row in rows)]


def _amount(value: str, currency: str = "EUR") -> dict[str, str]:
    return {"currency_code": currency, "value": value}


def test_a_sale_is_its_capture() -> None:
    (found,) = _read({})
    assert (found.category, found.gross, found.fee, found.net) == ("charge", 1050, 41, 1009)
    assert found.source == SOLD["transaction_id"]


@pytest.mark.parametrize(
    ("code", "value", "category"),
    [
        ("T0006", "10.50", MovementCategory.CHARGE),
        ("T0001", "-10.50", MovementCategory.OTHER),
        ("T0107", "-1.00", MovementCategory.FEE),
        ("T0202", "-5.00", MovementCategory.CONVERSION),
        ("T0302", "5.00", MovementCategory.TOP_UP),
        ("T0400", "-5.00", MovementCategory.PAYOUT),
        ("T0700", "5.00", MovementCategory.TOP_UP),
        ("T1101", "5.00", MovementCategory.PAYOUT_REVERSAL),
        ("T1106", "-5.00", MovementCategory.DISPUTE),
        ("T1107", "-5.00", MovementCategory.REFUND),
        ("T1107", "5.00", MovementCategory.REFUND_FAILURE),
        ("T1108", "0.41", MovementCategory.FEE),
        ("T1110", "-5.00", MovementCategory.RESERVE),
        ("T1111", "5.00", MovementCategory.RESERVE),
        ("T1201", "-5.00", MovementCategory.DISPUTE),
        ("T1202", "5.00", MovementCategory.DISPUTE_REVERSAL),
        ("T2101", "-5.00", MovementCategory.RESERVE),
        ("T2301", "-5.00", MovementCategory.TAX),
        ("T9900", "-5.00", MovementCategory.OTHER),
    ],
)
def test_the_event_code_and_the_sign_decide(
    code: str, value: str, category: MovementCategory
) -> None:
    (found,) = _read({"transaction_event_code": code, "transaction_amount": _amount(value)})
    assert (found.category, found.label) == (category, code)


@pytest.mark.parametrize(
    "row",
    [
        {"transaction_status": "P"},
        {"transaction_status": "D"},
        {"transaction_event_code": "T1300"},
        {"transaction_event_code": "T9701"},
        {"transaction_event_code": "T9800"},
    ],
)
def test_rows_that_change_no_balance_are_no_movements(row: dict[str, Any]) -> None:
    assert not _read(row)


def test_a_row_that_was_reversed_later_still_counts() -> None:
    assert _read({"transaction_status": "V"})[0].key == _read({})[0].key


def test_the_key_has_no_status_and_no_time_of_update() -> None:
    later = {"transaction_status": "V", "transaction_updated_date": "2026-04-01T00:00:00+0000"}
    assert _read(later)[0].key == _read({})[0].key


def test_the_key_has_the_instant_in_any_zone() -> None:
    zoned = {"transaction_initiation_date": "2026-03-02T02:00:00-0800"}
    assert _read(zoned)[0].key == _read({})[0].key


def test_a_refund_belongs_to_its_capture() -> None:
    (found,) = _read(
        {
            "transaction_event_code": "T1107",
            "transaction_amount": _amount("-5.00"),
            "paypal_reference_id": "7AA00000000000009",
            "paypal_reference_id_type": "TXN",
        }
    )
    assert (found.source, found.parent) == (SOLD["transaction_id"], "7AA00000000000009")


def test_a_reference_to_an_order_is_no_capture() -> None:
    (found,) = _read({"paypal_reference_id": "5O1", "paypal_reference_id_type": "ODR"})
    assert found.parent is None


def test_a_fee_row_is_a_fee_and_its_fee_column_tax() -> None:
    fee = {"transaction_event_code": "T0107", "transaction_amount": _amount("-2.00")}
    (found,) = _read({**fee, "fee_amount": _amount("-0.38")})
    assert (found.gross, found.fee, found.tax, found.net) == (0, 200, 38, -238)


@pytest.mark.parametrize("value", ["100", "100.00"])
def test_currencies_without_decimals_can_have_zeros(value: str) -> None:
    row = {"transaction_amount": _amount(value, "JPY"), "fee_amount": None}
    assert _read(row)[0].gross == 100


def test_other_fractions_of_a_yen_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        _read({"transaction_amount": _amount("100.50", "JPY")})


def test_a_page_without_rows_has_no_movements() -> None:
    assert not convert(TransactionPage, {"total_items": 0}).transaction_details


@given(
    st.lists(st.integers(0, 3), max_size=12).flatmap(
        lambda rows: st.tuples(st.just(rows), st.permutations(rows))
    )
)
def test_the_order_of_a_complete_window_does_not_matter(
    windows: tuple[list[int], list[int]],
) -> None:
    first, second = (
        {one.key for one in _read(*({"transaction_id": f"7AA{number}"} for number in rows))}
        for rows in windows
    )
    assert first == second
    assert len(first) == len(windows[0])
