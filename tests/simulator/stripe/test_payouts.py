"""Payouts, top-ups, reserves, and movements that belong to no payment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe

from tests.simulator.stripe.shop import (
    act,
    balance_of,
    choose,
    pay,
    refused,
    rows_of,
    told_amounts,
    told_of,
)
from tests.support.clock import ManualClock

INSTANT: Any = {"payment_method": "pm_card_bypassPending"}


async def earn(client: stripe.StripeClient, amount: int = 10000) -> int:
    """Take a payment whose money is available at once; return its net amount."""
    await pay(client, amount=amount, **INSTANT)
    return (await rows_of(client))[-1].net


async def test_automatic_payout_lists_its_transactions_when_it_is_complete(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    net = await earn(client)
    made = await act(stripe_http, "payout", currency="eur")
    assert (made["amount"], made["automatic"], made["status"]) == (net, True, "pending")
    assert made["reconciliation_status"] == "in_progress"
    assert await balance_of(client, "eur") == (0, 0)
    assert [row.type for row in await rows_of(client, payout=made["id"])] == ["payout"]
    await act(stripe_http, "payout_completes", id=made["id"])
    rows = await rows_of(client, payout=made["id"])
    assert [row.type for row in rows] == ["charge", "payout"]
    assert sum(row.net for row in rows) == 0
    payout = await client.v1.payouts.retrieve_async(made["id"])
    assert payout.reconciliation_status == "completed"
    assert (await told_of(client))[-2:] == ["payout.created", "payout.reconciliation_completed"]


async def test_pending_money_is_not_paid_out(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    await pay(client)
    reply = await stripe_http.post("/_simulator/actions/payout", json={"currency": "eur"})
    assert reply.status_code == 409
    clock.advance(timedelta(days=2))
    assert (await act(stripe_http, "payout", currency="eur"))["amount"] == 1011


async def test_payout_fails_after_it_was_paid(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    net = await earn(client)
    made = await act(stripe_http, "payout", currency="eur")
    assert (await act(stripe_http, "payout_arrives", id=made["id"]))["status"] == "paid"
    failed = await act(stripe_http, "payout_fails", id=made["id"])
    assert (failed["status"], failed["failure_code"]) == ("failed", "account_closed")
    row = (await rows_of(client))[-1]
    assert (row.id, row.type) == (failed["failure_balance_transaction"], "payout_failure")
    assert (row.reporting_category, row.amount) == ("payout_reversal", net)
    assert (await told_of(client))[-3:] == ["payout.paid", "payout.updated", "payout.failed"]
    reply = await stripe_http.post("/_simulator/actions/payout_fails", json={"id": made["id"]})
    assert reply.status_code == 409


async def test_minimum_balance_is_held_before_a_payout_and_released_after_it(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    net = await earn(client, 100_000)
    await choose(stripe_http, minimum_balances={"eur": 10_000})
    made = await act(stripe_http, "payout", currency="eur")
    await act(stripe_http, "payout_completes", id=made["id"])
    assert made["amount"] == net - 10_000
    assert [(row.type, row.amount) for row in (await rows_of(client))[1:]] == [
        ("payout_minimum_balance_hold", -10_000),
        ("payout", -made["amount"]),
        ("payout_minimum_balance_release", 10_000),
    ]
    rows = await rows_of(client, payout=made["id"])
    assert sum(row.net for row in rows) == 0
    assert await balance_of(client, "eur") == (10_000, 0)


async def test_negative_balance_makes_a_negative_payout(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await earn(client)
    await act(stripe_http, "payout", currency="eur")
    charge = (await client.v1.charges.list_async()).data[0]
    await client.v1.refunds.create_async({"charge": charge.id})
    assert await balance_of(client, "eur") == (-10_000, 0)
    made = await act(stripe_http, "payout", currency="eur")
    assert made["amount"] == -10_000
    assert (await rows_of(client))[-1].amount == 10_000
    assert await balance_of(client, "eur") == (0, 0)


async def test_payout_of_forint_is_a_multiple_of_a_hundred(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await pay(client, amount=99_950, currency="huf", **INSTANT)
    made = await act(stripe_http, "payout", currency="huf")
    left, _ = await balance_of(client, "huf")
    assert made["amount"] % 100 == 0
    assert 0 < left < 100


async def test_manual_payout_does_not_list_its_content(client: stripe.StripeClient) -> None:
    net = await earn(client)
    made = await client.v1.payouts.create_async({"amount": net - 1000, "currency": "eur"})
    assert (made.automatic, made.reconciliation_status) == (False, "not_applicable")
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await rows_of(client, payout=made.id)
    assert refusal.value.param == "payout"
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await client.v1.payouts.create_async({"amount": 1001, "currency": "eur"})
    assert refused(refusal) == (400, "balance_insufficient")


async def test_payout_is_canceled(client: stripe.StripeClient) -> None:
    await earn(client)
    made = await client.v1.payouts.create_async({"amount": 500, "currency": "eur"})
    canceled = await client.v1.payouts.cancel_async(made.id)
    row = (await rows_of(client))[-1]
    assert (canceled.status, row.type, row.amount) == ("canceled", "payout_cancel", 500)
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.payouts.cancel_async(made.id)


async def test_topup_reaches_the_balance_and_is_reversed(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    topup = await client.v1.topups.create_async({"amount": 2000, "currency": "eur"})
    assert (topup.status, topup.balance_transaction) == ("pending", None)
    await act(stripe_http, "topup_succeeds", id=topup.id)
    await act(stripe_http, "topup_reversed", id=topup.id)
    assert told_amounts(await rows_of(client)) == [
        ("topup", 2000, 0, "eur"),
        ("topup_reversal", -2000, 0, "eur"),
    ]
    assert await told_of(client) == ["topup.created", "topup.succeeded", "topup.reversed"]


async def test_transfer_to_a_connected_account_is_reversed_in_part(
    client: stripe.StripeClient,
) -> None:
    await earn(client)
    connected = await client.v1.accounts.create_async({"type": "standard"})
    made = await client.v1.transfers.create_async(
        {"amount": 900, "currency": "eur", "destination": connected.id}
    )
    await client.v1.transfers.reversals.create_async(made.id, {"amount": 100})
    shown = await client.v1.transfers.retrieve_async(made.id)
    assert (shown.amount_reversed, shown.reversed) == (100, False)
    assert told_amounts(await rows_of(client))[1:] == [
        ("transfer", -900, 0, "eur"),
        ("transfer_reversal", 100, 0, "eur"),
    ]


async def test_rolling_reserve_holds_a_part_of_each_charge(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await choose(stripe_http, reserve_percent=10)
    await pay(client, amount=10_000, **INSTANT)
    rows = await rows_of(client)
    assert [(row.type, row.balance_type, row.amount) for row in rows[-2:]] == [
        ("reserve_hold", "payments", -1000),
        ("reserve_hold", "risk_reserved", 1000),
    ]
    assert (await balance_of(client, "eur"))[0] == rows[0].net - 1000
    await act(stripe_http, "reserve", currency="eur", amount=-400)
    (witness,) = (await stripe_http.get("/_simulator/balances")).json()["balances"]
    assert witness == {"currency": "EUR", "total": rows[0].net, "reserved": 600}


@pytest.mark.parametrize(
    ("kind", "category", "amount", "tax"),
    [
        ("stripe_fee", "fee", -1200, 228),
        ("stripe_fee", "network_cost", -75, 0),
        ("adjustment", "fee", 300, 0),
        ("payment_reversal", "financing_paydown", -5000, 0),
        ("adjustment", "financing_payout", 90_000, 0),
        ("application_fee", "platform_earning", 250, 0),
        ("adjustment", "never_seen_before", -1, 0),
    ],
)
async def test_movement_of_no_payment_is_booked_without_an_event(
    client: stripe.StripeClient,
    stripe_http: httpx.AsyncClient,
    kind: str,
    category: str,
    amount: int,
    tax: int,
) -> None:
    made = await act(
        stripe_http,
        "book",
        kind=kind,
        category=category,
        amount=amount,
        fees={"tax": tax},
        currency="eur",
    )
    (row,) = await rows_of(client, type=kind)
    assert (row.id, row.source, row.net) == (made["id"], None, amount - tax)
    assert told_amounts([row]) == [(category, amount, tax, "eur")]
    assert await told_of(client) == []


async def test_transactions_are_filtered(client: stripe.StripeClient, clock: ManualClock) -> None:
    early = await pay(client)
    clock.advance(timedelta(seconds=100))
    late = await pay(client, currency="usd")
    (second,) = await rows_of(client, currency="usd")
    assert second.source == late.latest_charge
    (first,) = await rows_of(client, created={"lt": second.created})
    assert first.source == early.latest_charge
    assert await rows_of(client, source=early.latest_charge) == [first]
    assert await rows_of(client, type="refund") == []
    listed = await client.v1.balance_transactions.list_async(
        {"limit": 1, "expand": ["data.source"]}
    )
    (row,) = listed.data
    assert (row.id, row.source.id, listed.has_more) == (second.id, late.latest_charge, True)  # type: ignore[union-attr]


async def test_unknown_action_and_setting_are_refused(stripe_http: httpx.AsyncClient) -> None:
    reply = await stripe_http.post("/_simulator/actions/nothing", json={})
    assert (reply.status_code, "payout_completes" in reply.text) == (404, True)
    for body in ({"currency": "EURO"}, {"currency": "eur", "more": 1}):
        reply = await stripe_http.post("/_simulator/actions/payout", json=body)
        assert reply.status_code == 422
    reply = await stripe_http.put("/_simulator/account", json={"reserve_percent": 101})
    assert reply.status_code == 422
