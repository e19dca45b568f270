from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.providers.domain.movements import Movement, MovementCategory
from groat.providers.reading import convert
from groat.providers.settlement_files import SettlementFileRefused
from groat.providers.stripe.movements import movement
from groat.providers.stripe.payloads import BookedTransaction
from groat.providers.stripe.settlement_report import read_itemized_report

HEADING = (
    "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,"
    "charge_id,automatic_payout_id"
)
CHARGED = "txn_1,2026-03-02 10:00:00,eur,10.50,0.41,10.09,charge,ch_1,ch_1,po_1"
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)


def _read(*lines: str, heading: str = HEADING, encoding: str = "utf-8") -> list[Movement]:
    text = "\r\n".join([heading, *lines]) + "\r\n"
    return [*read_itemized_report([io.BytesIO(text.encode(encoding))])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_row_becomes_a_movement(encoding: str) -> None:
    assert _read(CHARGED, encoding=encoding) == [
        Movement(
            "txn_1",
            MovementCategory.CHARGE,
            "charge",
            AT,
            "EUR",
            1050,
            41,
            source="ch_1",
            parent="ch_1",
            payout="po_1",
        )
    ]


def test_columns_are_found_by_name() -> None:
    found = _read(
        "10.09,txn_1,charge,0.41,eur,10.50,2026-03-02 10:00:00,more",
        heading="net,balance_transaction_id,reporting_category,fee,currency,gross,created_utc,new",
    )
    assert [(one.gross, one.source, one.payout) for one in found] == [(1050, None, None)]


@pytest.mark.parametrize(
    ("currency", "text", "minor"),
    [
        ("jpy", "1050", 1050),
        ("jpy", "1050.00", 1050),
        ("isk", "1050.00", 1050),
        ("bhd", "1.050", 1050),
    ],
)
def test_amounts_in_major_units_have_the_decimals_of_their_currency(
    currency: str, text: str, minor: int
) -> None:
    (found,) = _read(f"txn_1,2026-03-02 10:00:00,{currency},{text},0,{text},charge,,,")
    assert found.gross == minor


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (CHARGED.replace("10.09", "10.08"), "net is not gross less fee"),
        (CHARGED.replace("10.50", "10.505"), "not an amount"),
        (CHARGED.replace("10.50", "1_0.50"), "not an amount"),
        (CHARGED.replace("eur", "xxx"), "not the ISO 4217 code"),
        (CHARGED.replace("txn_1", ""), "no balance_transaction_id"),
        (CHARGED.replace("2026-03-02", "2026-13-02"), "month must be"),
        ("txn_1,2026-03-02 10:00:00", "the row is wrong"),
        (f"txn_0{CHARGED[5:]}\r\n{CHARGED.replace('txn_1', 'txn_0')}", "appears twice"),
    ],
)
def test_a_wrong_row_refuses_the_file_with_its_line(row: str, problem: str) -> None:
    with pytest.raises(SettlementFileRefused, match=problem) as refused:
        _read(row)
    assert refused.value.message.startswith("Line ")


@pytest.mark.parametrize("heading", ["", "txn,gross", HEADING.replace("net", "netto")])
def test_a_file_without_the_columns_is_refused(heading: str) -> None:
    with pytest.raises(SettlementFileRefused, match="no column"):
        _read(CHARGED, heading=heading)


@given(
    st.integers(-10_000_000, 10_000_000),
    st.integers(-1000, 1000),
    st.sampled_from(["EUR", "JPY", "BHD", "HUF"]),
    st.sampled_from(["charge", "refund", "fee", "network_cost", "payout", "tax", "unheard_of"]),
)
def test_file_and_feed_give_the_same_movement(
    amount: int, fee: int, currency: str, category: str
) -> None:
    told = {
        "id": "txn_1",
        "object": "balance_transaction",
        "currency": currency.lower(),
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "created": int(AT.timestamp()),
        "reporting_category": category,
        "source": {"id": "re_1", "charge": "ch_1"},
    }
    gross, taken, net = (Money(one, currency).decimal() for one in (amount, fee, amount - fee))
    (read,) = _read(
        f"txn_1,2026-03-02 10:00:00,{currency},{gross},{taken},{net},{category},re_1,ch_1,po_1"
    )
    assert replace(read, payout=None) == movement(convert(BookedTransaction, told), AT)
