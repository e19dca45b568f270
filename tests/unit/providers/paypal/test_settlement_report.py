from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.money import Money
from groat.providers.domain.movements import Movement
from groat.providers.paypal.movements import movements
from groat.providers.paypal.payloads import TransactionInfo
from groat.providers.paypal.settlement_report import read_settlement_report
from groat.providers.reading import convert
from groat.providers.settlement_files import SettlementFileRefused

COLUMNS = (
    '"CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type",'
    '"Transaction Event Code","Transaction Initiation Date","Transaction Completion Date",'
    '"Transaction  Debit or Credit","Gross Transaction Amount","Gross Transaction Currency",'
    '"Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field","Consumer ID"'
)
HEAD = '"RH",2026/03/03 17:41:54 -0800,"A","ACC1",011,'
SECTION = '"SH",2026/03/02 00:00:00 -0800,2026/03/02 23:59:59 -0800,"ACC1",""'
SOLD = (
    '"SB","7AA00000000000001","inv","","","T0006",2026/03/02 02:00:00 -0800,'
    '2026/03/02 02:00:01 -0800,"CR",1050,"EUR","DR",41,"EUR","he said ""ha""","C1"'
)
REFUNDED = (
    '"SB","7AA00000000000002","","7AA00000000000001","TXN","T1107",2026/03/02 02:00:05 -0800,'
    '2026/03/02 02:00:06 -0800,"DR",500,"EUR","CR",12,"EUR","","C1"'
)
FOOTER = '"SF","EUR",1050,500,12,41,"DR",21,"CR",500,"CR",0,"CR",0,2'
LINES = [HEAD, '"FH",01', SECTION, COLUMNS, SOLD, REFUNDED, FOOTER, '"SC",2', '"RC",2', '"FF",2']


def _read(*parts: Sequence[str], encoding: str = "utf-8") -> list[Movement]:
    files = [io.BytesIO("\n".join([*lines, ""]).encode(encoding)) for lines in parts]
    return [*read_settlement_report(files)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_rows_become_movements(encoding: str) -> None:
    sold, refunded = _read(LINES, encoding=encoding)
    assert (sold.gross, sold.fee, sold.currency, sold.source) == (
        1050,
        41,
        "EUR",
        "7AA00000000000001",
    )
    assert (refunded.gross, refunded.fee) == (-500, -12)
    assert refunded.parent == "7AA00000000000001"
    assert sold.occurred_at == datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong", "right", "problem"),
    [
        ('"SF","EUR",1050', '"SF","EUR",1051', "totals in EUR"),
        ('"CR",500,"CR",0,"CR",0,2', '"CR",501,"CR",0,"CR",0,2', "closing balance in EUR"),
        ('"SC",2', '"SC",3', "section's count"),
        ('"RC",2', '"RC",3', "report's count"),
        ('"FH",01', '"FH",02', "part of the report is missing"),
        ('"SB","7AA00000000000002"', '"XX","7AA00000000000002"', "totals in EUR"),
        ('"CR",1050', '"CR",10.50', "invalid literal"),
        ('"CR",1050', '"XX",1050', "the row is wrong"),
        ('"Fee Amount",', '"Fees",', "not in list"),
        ('"DR",41,"EUR"', '"DR",41,"USD"', "another currency"),
    ],
)
def test_a_report_that_contradicts_itself_is_refused(wrong: str, right: str, problem: str) -> None:
    text = "\n".join(LINES)
    assert text.count(wrong) == 1, wrong
    with pytest.raises(SettlementFileRefused, match=problem):
        _read(text.replace(wrong, right).split("\n"))


@pytest.mark.parametrize("line", [line for line in LINES if line != SECTION])
def test_every_line_is_required(line: str) -> None:
    with pytest.raises(SettlementFileRefused):
        _read([one for one in LINES if one != line])


def test_a_footer_is_needed_for_each_currency() -> None:
    other = SOLD.replace('"EUR"', '"USD"')
    lines = [*LINES[:6], other, FOOTER, '"SC",3', '"RC",3', '"FF",3']
    with pytest.raises(SettlementFileRefused, match="no footer for USD"):
        _read(lines)


def test_a_report_in_two_parts_needs_both() -> None:
    first = [HEAD, '"FH",01', SECTION, COLUMNS, SOLD, '"FF",1']
    second = ['"FH",02', SECTION, COLUMNS, REFUNDED, FOOTER, '"SC",2', '"RC",2', '"FF",1']
    assert len(_read(first, second)) == 2
    for parts in ([first], [second], [second, first]):
        with pytest.raises(SettlementFileRefused):
            _read(*parts)


def test_an_empty_report_has_no_movements() -> None:
    footer = '"SF","USD",0,0,0,0,"CR",0,"CR",0,"CR",0,"CR",0,"CR",0,"CR",0,0'
    assert not _read([HEAD, '"FH",01', SECTION, COLUMNS, footer, '"SC",0', '"RC",0', '"FF",0'])


def test_a_yen_has_two_implied_decimals_too() -> None:
    row = SOLD.replace('"EUR"', '"JPY"').replace("1050", "10000").replace('"DR",41', '"DR",300')
    footer = '"SF","JPY",10000,0,0,300,"CR",0,"CR",9700,"CR",0,"CR",0,1'
    (found,) = _read([*LINES[:4], row, footer, '"SC",1', '"RC",1', '"FF",1'])
    assert (found.gross, found.fee) == (100, 3)


def test_the_reader_reads_a_file_again_from_its_start() -> None:
    file = io.BytesIO("\n".join([*LINES, ""]).encode())
    assert [*read_settlement_report([file])] == [*read_settlement_report([file])]


rows = st.tuples(
    st.integers(1, 5),
    st.sampled_from(["T0006", "T1107", "T0107", "T2101", "T2301"]),
    st.integers(0, 3),
    st.integers(-3, 3),
    st.sampled_from(["EUR", "JPY"]),
)


@given(st.lists(rows, max_size=12))
def test_file_and_search_give_the_same_movements(
    told: list[tuple[int, str, int, int, str]],
) -> None:
    infos, lines, totals = [], [], dict[str, list[int]]()
    for number, code, euros, fee, currency in told:
        gross = -euros if code != "T0006" else euros
        infos.append(_info(f"7AA{number}", code, gross, fee, currency))
        lines.append(_line(f"7AA{number}", code, gross, fee, currency))
        sums = totals.setdefault(currency, [0, 0, 0, 0])
        for place, amount in ((0, gross), (1, -gross), (2, fee), (3, -fee)):
            sums[place] += max(amount, 0) * 100
    for currency, sums in totals.items():
        net = sums[0] - sums[1] + sums[2] - sums[3]
        side = "CR" if net >= 0 else "DR"
        stated = ",".join(map(str, sums))
        lines.append(f'"SF","{currency}",{stated},"CR",0,"{side}",{abs(net)},"CR",0,"CR",0')
    count = len(told)
    ends = [f'"SC",{count}', f'"RC",{count}', f'"FF",{count}']
    assert _read([*LINES[:4], *lines, *ends]) == [*movements(infos)]


def _info(transaction_id: str, code: str, gross: int, fee: int, currency: str) -> TransactionInfo:
    places = 1 if currency == "JPY" else 100
    return convert(
        TransactionInfo,
        {
            "transaction_id": transaction_id,
            "transaction_event_code": code,
            "transaction_initiation_date": "2026-03-02T10:00:00+0000",
            "transaction_amount": _amount(gross * places, currency),
            "fee_amount": _amount(fee * places, currency),
            "transaction_status": "S",
        },
    )


def _amount(minor: int, currency: str) -> dict[str, str]:
    return {"currency_code": currency, "value": Money(minor, currency).decimal()}


def _line(transaction_id: str, code: str, gross: int, fee: int, currency: str) -> str:
    side, fee_side = ("CR" if amount >= 0 else "DR" for amount in (gross, fee))
    return (
        f'"SB","{transaction_id}","","","","{code}",2026/03/02 02:00:00 -0800,'
        f'2026/03/02 02:00:00 -0800,"{side}",{abs(gross) * 100},"{currency}",'
        f'"{fee_side}",{abs(fee) * 100},"{currency}","",""'
    )
