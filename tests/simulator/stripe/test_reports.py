"""Reports: files with all movements of an interval, in major units."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe

from tests.simulator.stripe.shop import act, pay, rows_of, told_of
from tests.support.clock import ManualClock


async def report(
    client: stripe.StripeClient, http: httpx.AsyncClient, kind: str, **parameters: Any
) -> list[dict[str, str]]:
    """Return the rows of a report, downloaded as Stripe's clients do it."""
    request: Any = {
        "report_type": kind,
        "parameters": {"interval_start": 0, "interval_end": 2**40, **parameters},
    }
    run = await client.v1.reporting.report_runs.create_async(request)
    assert (run.status, run.result) == ("pending", None)
    done = await client.v1.reporting.report_runs.retrieve_async(run.id)
    assert done.status == "succeeded"
    assert done.result is not None
    content = await http.get(str(done.result.url))
    assert done.result.size == len(content.content)
    return list(csv.DictReader(content.text.splitlines()))


async def test_activity_has_all_movements_but_payouts(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await pay(client, amount=1050, payment_method="pm_card_bypassPending")
    await pay(client, amount=500, currency="jpy")
    await pay(client, amount=1230, currency="kwd")
    await act(stripe_http, "payout", currency="eur")
    rows = await report(client, stripe_http, "balance_change_from_activity.itemized.3")
    shown = [(row["currency"], row["gross"], row["fee"], row["net"]) for row in rows]
    assert shown == [
        ("eur", "10.50", "0.39", "10.11"),
        ("jpy", "500", "32", "468"),
        ("kwd", "1.230", "0.042", "1.188"),
    ]
    listed = [row.id for row in await rows_of(client) if row.type != "payout"]
    assert [row["balance_transaction_id"] for row in rows] == listed
    assert "reporting.report_run.succeeded" in await told_of(client)


async def test_payout_reconciliation_has_the_payout_of_each_movement(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await pay(client, payment_method="pm_card_bypassPending")
    made = await act(stripe_http, "payout", currency="eur")
    await pay(client, payment_method="pm_card_bypassPending")
    rows = await report(client, stripe_http, "payout_reconciliation.itemized.5")
    assert [(row["automatic_payout_id"], row["net"]) for row in rows] == [(made["id"], "10.11")]
    payouts = await report(client, stripe_http, "payouts.itemized.3")
    assert [(row["source_id"], row["net"], row["payout_status"]) for row in payouts] == [
        (made["id"], "-10.11", "pending")
    ]


async def test_end_of_the_interval_is_exclusive(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await pay(client)
    clock.advance(timedelta(seconds=10))
    await pay(client)
    first, second = await rows_of(client)
    kind = "balance_change_from_activity.itemized.3"
    interval = {"interval_start": first.created, "interval_end": second.created}
    rows = await report(client, stripe_http, kind, **interval)
    assert [row["balance_transaction_id"] for row in rows] == [first.id]


async def test_columns_and_time_zone_are_those_asked_for(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await pay(client)
    rows = await report(
        client,
        stripe_http,
        "balance_change_from_activity.itemized.3",
        columns=["created", "created_utc"],
        timezone="Asia/Tokyo",
    )
    assert [list(row) for row in rows] == [["created", "created_utc"]]
    assert rows[0]["created"] > rows[0]["created_utc"]


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("no.such.report", {}),
        ("payouts.itemized.3", {"columns": ["no_such_column"]}),
        ("payouts.itemized.3", {"timezone": "No/Where"}),
    ],
)
async def test_unknown_report_is_refused(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient, kind: str, parameters: Any
) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await report(client, stripe_http, kind, **parameters)
