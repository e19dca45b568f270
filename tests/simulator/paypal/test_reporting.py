"""The transaction search and the balances, with their limits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.simulator.paypal.shop import (
    act,
    balances,
    choose,
    first_capture,
    issue,
    order,
    pay,
    pull,
    refund,
    rows,
    search,
)
from tests.support.clock import ManualClock


def parts(found: list[Any]) -> list[tuple[str, str, str | None]]:
    return [
        (
            row["transaction_event_code"],
            row["transaction_amount"]["value"],
            row.get("fee_amount", {}).get("value"),
        )
        for row in found
    ]


async def test_capture_is_a_row_with_its_fee(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    made = (await pay(paypal_http)).json()
    (row,) = await rows(paypal_http, clock)
    (unit,) = made["purchase_units"]
    assert row["transaction_id"] == unit["payments"]["captures"][0]["id"]
    assert parts([row]) == [("T0006", "10.50", "-0.61")]
    assert (row["paypal_reference_id"], row["paypal_reference_id_type"]) == (made["id"], "ODR")
    assert (row["custom_field"], row["invoice_id"]) == ("pay_1", "op_1")
    assert row["ending_balance"] == {"currency_code": "EUR", "value": "9.89"}
    assert await balances(paypal_http) == {"EUR": ("9.89", "9.89", "0.00")}


@pytest.mark.parametrize(("returns", "fee"), [(False, None), (True, "0.29")])
async def test_row_of_a_refund_shows_whether_its_fee_is_returned(
    paypal_http: httpx.AsyncClient,
    clock: ManualClock,
    returns: bool,  # noqa: FBT001
    fee: str | None,
) -> None:
    await choose(paypal_http, returns_fees=returns)
    capture = first_capture(await pay(paypal_http))
    made = (await refund(paypal_http, capture["id"], "5.00")).json()
    row = (await rows(paypal_http, clock))[-1]
    assert parts([row]) == [("T1107", "-5.00", fee)]
    assert (row["transaction_id"], row["paypal_reference_id"]) == (made["id"], capture["id"])
    breakdown = made["seller_payable_breakdown"]
    assert breakdown["paypal_fee"]["value"] == (fee or "0.00")
    assert breakdown["total_refunded_amount"]["value"] == "5.00"


async def test_pending_capture_changes_the_balance_when_it_succeeds(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    made = (await pay(paypal_http, order("vault_pending"))).json()
    assert await rows(paypal_http, clock) == []
    assert await balances(paypal_http) == {"EUR": ("0.00", "0.00", "0.00")}
    (row,) = await rows(paypal_http, clock, balance_affecting_records_only="N")
    assert row["transaction_status"] == "P"
    clock.advance(timedelta(hours=3))
    assert await pull(paypal_http, "complete_capture", made["id"]) == 200
    (after,) = await rows(paypal_http, clock)
    assert after["transaction_status"] == "S"
    assert after["transaction_initiation_date"] == row["transaction_initiation_date"]
    assert after["transaction_updated_date"] > row["transaction_updated_date"]
    assert await balances(paypal_http) == {"EUR": ("9.89", "9.89", "0.00")}


async def test_lost_dispute_holds_then_reverses(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    made = (await pay(paypal_http)).json()
    assert await pull(paypal_http, "dispute", made["id"]) == 200
    assert await balances(paypal_http) == {"EUR": ("9.89", "-0.61", "10.50")}
    decided = await act(
        paypal_http, "decide_dispute", id=made["id"], outcome="RESOLVED_BUYER_FAVOUR", fee=1400
    )
    assert decided["dispute_outcome"]["amount_refunded"]["value"] == "10.50"
    found = await rows(paypal_http, clock)
    assert parts(found) == [
        ("T0006", "10.50", "-0.61"),
        ("T1110", "-10.50", None),
        ("T1111", "10.50", None),
        ("T0114", "-14.00", None),
        ("T1106", "-10.50", None),
    ]
    assert found[0]["transaction_status"] == "V"
    assert await balances(paypal_http) == {"EUR": ("-14.61", "-14.61", "0.00")}


async def test_refund_during_a_dispute_counts_in_its_outcome_and_moves_once(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await choose(paypal_http, holds_disputes=False)
    reply = await pay(paypal_http)
    await pull(paypal_http, "dispute", reply.json()["id"])
    await refund(paypal_http, first_capture(reply)["id"])
    decided = await act(
        paypal_http, "decide_dispute", id=reply.json()["id"], outcome="RESOLVED_BUYER_FAVOUR"
    )
    assert decided["dispute_outcome"]["amount_refunded"]["value"] == "10.50"
    assert [row[0] for row in parts(await rows(paypal_http, clock))] == ["T0006", "T1107"]


async def test_paypal_pays_the_payer_and_takes_nothing(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await choose(paypal_http, holds_disputes=False)
    made = (await pay(paypal_http)).json()
    await pull(paypal_http, "dispute", made["id"])
    decided = await act(
        paypal_http, "decide_dispute", id=made["id"], outcome="RESOLVED_WITH_PAYOUT"
    )
    assert decided["dispute_outcome"]["amount_refunded"]["value"] == "10.50"
    assert len(await rows(paypal_http, clock)) == 1


async def test_dispute_is_over_captures_of_two_orders(paypal_http: httpx.AsyncClient) -> None:
    ids = [(await pay(paypal_http, request_id=key)).json()["id"] for key in ("op_1", "op_2")]
    dispute = await act(paypal_http, "dispute", ids=ids)
    assert dispute["dispute_amount"]["value"] == "21.00"
    assert len(dispute["disputed_transactions"]) == 2
    await act(paypal_http, "decide_dispute", id=ids[1], outcome="RESOLVED_BUYER_FAVOUR")
    assert await balances(paypal_http) == {"EUR": ("-1.22", "-1.22", "0.00")}


async def test_chargeback_takes_at_once_and_comes_back_when_it_is_won(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    made = (await pay(paypal_http)).json()
    await act(paypal_http, "dispute", ids=[made["id"]], chargeback=True)
    await act(
        paypal_http,
        "decide_dispute",
        id=made["id"],
        outcome="RESOLVED_SELLER_FAVOUR",
        fee=1600,
        fee_code="T0106",
    )
    assert parts(await rows(paypal_http, clock))[1:] == [
        ("T1201", "-10.50", None),
        ("T0106", "-16.00", None),
        ("T1202", "10.50", None),
    ]


async def test_capture_is_reversed_without_a_dispute(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    made = (await pay(paypal_http)).json()
    reversal = await act(paypal_http, "reverse", id=made["id"], amount=300)
    row = (await rows(paypal_http, clock))[-1]
    assert (row["transaction_id"], parts([row])) == (reversal["id"], [("T1106", "-3.00", None)])
    assert await pull(paypal_http, "reverse_capture", made["id"]) == 200
    assert await pull(paypal_http, "reverse_capture", made["id"]) == 409
    assert (await balances(paypal_http))["EUR"][0] == "-0.61"


async def test_refund_on_the_paypal_page_can_lack_its_event(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    made = (await pay(paypal_http)).json()
    before = (await paypal_http.get("/_simulator/deliveries")).json()["events"]
    await act(paypal_http, "refund", id=made["id"], amount=200, tell=False)
    assert (await paypal_http.get("/_simulator/deliveries")).json()["events"] == before
    assert parts(await rows(paypal_http, clock))[-1] == ("T1107", "-2.00", None)


async def test_payment_in_another_currency_is_converted_by_a_pair_of_rows(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await choose(paypal_http, conversions={"USD": {"currency": "EUR", "rate": "0.9"}})
    await pay(paypal_http, order(currency="USD"))
    found = await rows(paypal_http, clock)
    assert parts(found)[1:] == [("T0200", "-9.89", None), ("T0200", "8.90", None)]
    assert found[1]["transaction_id"] == found[2]["transaction_id"]
    assert await balances(paypal_http) == {
        "EUR": ("8.90", "8.90", "0.00"),
        "USD": ("0.00", "0.00", "0.00"),
    }


async def test_withdrawal_is_returned_by_the_bank(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await pay(paypal_http)
    made = await act(paypal_http, "withdraw", currency="EUR")
    assert made["amount"] == 989
    assert (await balances(paypal_http))["EUR"][0] == "0.00"
    await act(paypal_http, "withdrawal_fails", id=made["transaction_id"])
    assert parts(await rows(paypal_http, clock))[1:] == [
        ("T0401", "-9.89", None),
        ("T1101", "9.89", None),
    ]
    reply = await paypal_http.post("/_simulator/actions/withdraw", json={"currency": "USD"})
    assert reply.status_code == 409


async def test_rows_can_be_equal_in_every_column(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await act(paypal_http, "book", event_code="T2101", amount=-1000, currency="EUR", copies=3)
    found = [
        {**row, "ending_balance": 0, "available_balance": 0}
        for row in await rows(paypal_http, clock)
    ]
    assert len(found) == 3
    assert found[0] == found[1] == found[2]
    assert await balances(paypal_http) == {"EUR": ("0.00", "-30.00", "30.00")}


async def test_row_is_regenerated_with_other_amounts(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    capture = first_capture(await pay(paypal_http))
    (before,) = await rows(paypal_http, clock)
    subject = {"transaction_id": capture["id"], "event_code": "T0006"}
    await act(paypal_http, "correct", **subject, amount=1050, fee=-50)
    (after,) = await rows(paypal_http, clock)
    assert parts([after]) == [("T0006", "10.50", "-0.50")]
    assert after["transaction_initiation_date"] == before["transaction_initiation_date"]
    assert await balances(paypal_http) == {"EUR": ("10.00", "10.00", "0.00")}


async def test_late_row_appears_hours_later_and_a_missing_one_never(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await pay(paypal_http, request_id="op_1")
    await paypal_http.put("/_simulator/faults", json={"missing_rows": 1})
    await pay(paypal_http, request_id="op_2")
    await paypal_http.put("/_simulator/faults", json={"late_movements": 1})
    await pay(paypal_http, request_id="op_3")
    assert [row["ending_balance"]["value"] for row in await rows(paypal_http, clock)] == ["9.89"]
    clock.advance(timedelta(hours=3))
    found = await rows(paypal_http, clock)
    assert [row["ending_balance"]["value"] for row in found] == ["9.89", "29.67"]
    assert (await balances(paypal_http))["EUR"][0] == "29.67"


async def test_answer_ends_where_the_data_ends(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await choose(paypal_http, refresh_seconds=600)
    await pay(paypal_http)
    found = await search(paypal_http, clock)
    refreshed = clock.now() - timedelta(seconds=600)
    assert datetime.fromisoformat(found["end_date"]) == refreshed.replace(microsecond=0)
    assert found["end_date"] == found["last_refreshed_datetime"]
    assert "transaction_details" not in found
    assert await balances(paypal_http) == {"EUR": ("0.00", "0.00", "0.00")}
    clock.advance(timedelta(seconds=601))
    assert len(await rows(paypal_http, clock)) == 1
    late = {"start_date": clock.now().isoformat(), "end_date": clock.now().isoformat()}
    reply = await paypal_http.get("/v1/reporting/transactions", params=late)
    assert (reply.status_code, issue(reply)) == (400, "INVALID_START_DATE")


async def test_search_has_pages(paypal_http: httpx.AsyncClient, clock: ManualClock) -> None:
    await act(paypal_http, "book", event_code="T0300", amount=100, currency="EUR", copies=5)
    pages = [await search(paypal_http, clock, page_size=2, page=page) for page in (1, 2, 3)]
    assert [len(page["transaction_details"]) for page in pages] == [2, 2, 1]
    assert [(page["total_items"], page["total_pages"]) for page in pages] == [(5, 3)] * 3
    relations = [{link["rel"] for link in page["links"]} for page in pages]
    assert ["next" in one for one in relations] == [True, True, False]


async def test_too_many_rows_are_refused_without_a_page(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await choose(paypal_http, rows_max=4)
    await act(paypal_http, "book", event_code="T0300", amount=100, currency="EUR", copies=5)
    reply = await search(paypal_http, clock, status=400)
    assert (reply["name"], reply["total_items"], reply["maximum_items"]) == (
        "RESULTSET_TOO_LARGE",
        5,
        4,
    )
    assert "transaction_details" not in reply


async def test_filtered_rows_have_no_ending_balance(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await pay(paypal_http)
    await pay(paypal_http, order(currency="USD"), "op_2")
    (row,) = await rows(paypal_http, clock, transaction_currency="USD")
    assert "ending_balance" not in row
    assert await rows(paypal_http, clock, transaction_type="T0400") == []
    assert len(await rows(paypal_http, clock, transaction_amount="1000 TO 1100")) == 2
    (same,) = await rows(paypal_http, clock, transaction_id=row["transaction_id"])
    assert same == row


@pytest.mark.parametrize(
    ("start_days", "end_days", "wanted"),
    [
        (32, 0, "INVALID_DATE_RANGE"),
        (1, 2, "INVALID_DATE_RANGE"),
        (1200, 1190, "INVALID_START_DATE"),
    ],
)
async def test_window_is_limited(
    paypal_http: httpx.AsyncClient,
    clock: ManualClock,
    start_days: int,
    end_days: int,
    wanted: str,
) -> None:
    days = [clock.now() - timedelta(days=one) for one in (start_days, end_days)]
    window = {"start_date": days[0].isoformat(), "end_date": days[1].isoformat()}
    reply = await paypal_http.get("/v1/reporting/transactions", params=window)
    assert (reply.status_code, issue(reply)) == (400, wanted)


async def test_dates_are_required(paypal_http: httpx.AsyncClient) -> None:
    reply = await paypal_http.get("/v1/reporting/transactions")
    assert reply.status_code == 400


async def test_search_is_refused_without_the_permission(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await paypal_http.put("/_simulator/faults", json={"refuse_search": True})
    assert (await search(paypal_http, clock, status=403))["name"] == "NOT_AUTHORIZED"
    assert (await paypal_http.get("/v1/reporting/balances")).status_code == 403


async def test_dates_are_in_the_accounts_time_zone(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await choose(paypal_http, time_zone="Asia/Kolkata")
    await pay(paypal_http)
    (row,) = await rows(paypal_http, clock)
    shown = row["transaction_initiation_date"]
    assert shown.endswith("+0530")
    assert datetime.fromisoformat(shown) == clock.now().replace(microsecond=0)
    reply = await paypal_http.put("/_simulator/account", json={"time_zone": "No/Where"})
    assert reply.status_code == 422


async def test_balances_are_of_a_time(paypal_http: httpx.AsyncClient, clock: ManualClock) -> None:
    await pay(paypal_http)
    before = clock.now()
    clock.advance(timedelta(hours=1))
    await pay(paypal_http, request_id="op_2")
    assert (await balances(paypal_http, as_of_time=before.isoformat()))["EUR"][0] == "9.89"
    assert (await balances(paypal_http))["EUR"][0] == "19.78"
    assert await balances(paypal_http, currency_code="USD") == {}
    late = (clock.now() + timedelta(days=1)).isoformat()
    reply = await paypal_http.get("/v1/reporting/balances", params={"as_of_time": late})
    assert reply.status_code == 400


async def test_forgotten_order_is_not_found(paypal_http: httpx.AsyncClient) -> None:
    made = (await pay(paypal_http, order("vault_payer_action"))).json()
    assert await pull(paypal_http, "reverse_approval", made["id"]) == 409
    assert await pull(paypal_http, "forget", made["id"]) == 200
    reply = await paypal_http.get(f"/v2/checkout/orders/{made['id']}")
    assert (reply.status_code, issue(reply)) == (404, "INVALID_RESOURCE_ID")
    assert await pull(paypal_http, "forget", made["id"]) == 409


async def test_approval_is_reversed(paypal_http: httpx.AsyncClient) -> None:
    made = (await pay(paypal_http, order("vault_payer_action"))).json()
    await pull(paypal_http, "approve", made["id"])
    assert await pull(paypal_http, "reverse_approval", made["id"]) == 200
    events = (await paypal_http.get("/v1/notifications/webhooks-events")).json()["events"]
    assert events[0]["event_type"] == "CHECKOUT.PAYMENT-APPROVAL.REVERSED"
    assert events[0]["resource"]["order_id"] == made["id"]
    assert "id" not in events[0]["resource"]
