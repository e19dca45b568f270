"""The settlement report: what it says of a day adds up."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.simulator.paypal.shop import access, act, choose, first_capture, order, pay, refund
from tests.support.clock import ManualClock


async def download(
    http: httpx.AsyncClient, clock: ManualClock, encoding: str = "utf-8", **more: Any
) -> list[list[str]]:
    """Return the records of today's report."""
    day = more.pop("day", f"{clock.now():%Y-%m-%d}")
    reply = await http.get(
        "/_simulator/settlement_report", params={"day": day, "encoding": encoding, **more}
    )
    assert reply.status_code == 200, reply.text
    return list(csv.reader(reply.content.decode(encoding).splitlines()))


def of(records: list[list[str]], kind: str) -> list[list[str]]:
    return [record[1:] for record in records if record[0] == kind]


async def test_rows_and_footers_add_up(paypal_http: httpx.AsyncClient, clock: ManualClock) -> None:
    await choose(paypal_http, returns_fees=True)
    capture = first_capture(await pay(paypal_http))
    await pay(paypal_http, order(currency="JPY", value="1000"), "op_2")
    await refund(paypal_http, capture["id"], "5.00")
    records = await download(paypal_http, clock)
    columns, rows = of(records, "CH")[0], of(records, "SB")
    assert columns[7] == "Transaction  Debit or Credit"
    shown = [dict(zip(columns, row, strict=True)) for row in rows]
    assert [
        (row["Transaction Event Code"], row[columns[7]], row["Gross Transaction Amount"])
        for row in shown
    ] == [("T0006", "CR", "1050"), ("T0006", "CR", "100000"), ("T1107", "DR", "500")]
    assert [row["Fee Amount"] for row in shown] == ["61", "5900", "29"]
    euro, yen = of(records, "SF")
    assert euro == [
        *("EUR", "1050", "500", "29", "61"),
        *("CR", "0", "CR", "518", "CR", "0", "CR", "518", "CR", "0", "CR", "0", "2"),
    ]
    assert yen[:5] == ["JPY", "100000", "0", "0", "5900"]
    assert of(records, "RF") == of(records, "SF")
    assert (of(records, "SC"), of(records, "RC"), of(records, "FF")) == ([["3"]], [["3"]], [["3"]])


async def test_closing_balance_of_a_day_opens_the_next(
    paypal_host: str, clock: ManualClock
) -> None:
    clock.moment = clock.moment.replace(hour=6)  # still yesterday in Los Angeles
    async with access(paypal_host) as http:
        await choose(http, time_zone="America/Los_Angeles")
        await pay(http)
        yesterday, today = (f"{clock.now() - timedelta(days=days):%Y-%m-%d}" for days in (1, 0))
        clock.advance(timedelta(hours=4))
        await pay(http, request_id="op_2")
        (first,) = of(await download(http, clock, day=yesterday), "SF")
        (second,) = of(await download(http, clock, day=today), "SF")
        (row,) = of(await download(http, clock, day=yesterday), "SB")
    assert (first[5:9], second[5:9]) == (["CR", "0", "CR", "989"], ["CR", "989", "CR", "1978"])
    assert row[6].endswith(("-0700", "-0800"))


async def test_file_has_rows_that_the_search_misses(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await paypal_http.put("/_simulator/faults", json={"missing_rows": 1})
    await pay(paypal_http)
    assert len(of(await download(paypal_http, clock), "SB")) == 1


async def test_report_has_parts(paypal_http: httpx.AsyncClient, clock: ManualClock) -> None:
    await act(paypal_http, "book", event_code="T0300", amount=100, currency="EUR", copies=5)
    parts = [await download(paypal_http, clock, part=part, rows_per_part=2) for part in (1, 2, 3)]
    assert [len(of(part, "SB")) for part in parts] == [2, 2, 1]
    assert [len(of(part, "RH")) for part in parts] == [1, 0, 0]
    assert [len(of(part, "RC")) for part in parts] == [0, 0, 1]
    assert of(parts[2], "RC") == [["5"]]
    query: dict[str, str | int] = {"day": f"{clock.now():%Y-%m-%d}", "part": 4, "rows_per_part": 2}
    reply = await paypal_http.get("/_simulator/settlement_report", params=query)
    assert reply.status_code == 404


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
async def test_report_has_the_encoding_asked_for(
    paypal_http: httpx.AsyncClient, clock: ManualClock, encoding: str
) -> None:
    records = await download(paypal_http, clock, encoding)
    assert records[0][0] == "RH"


async def test_report_is_named_after_its_day(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    query: dict[str, str | int] = {"day": f"{clock.now():%Y-%m-%d}", "sequence": 2}
    reply = await paypal_http.get("/_simulator/settlement_report", params=query)
    assert f"STL-{clock.now():%Y%m%d}.02.009.CSV" in reply.headers["content-disposition"]
    reply = await paypal_http.get("/_simulator/settlement_report", params={"day": "today"})
    assert reply.status_code == 422
