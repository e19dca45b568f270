"""The movements of charges, refunds and disputes, as Stripe books them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe

from tests.simulator.stripe.shop import (
    act,
    authorize,
    balance_of,
    charge_of,
    choose,
    pay,
    pull,
    rows_of,
    told_amounts,
    told_of,
)
from tests.support.clock import ManualClock

BANK: Any = {
    "payment_method": "pm_usBankAccount_success",
    "payment_method_types": ["us_bank_account"],
}


async def test_charge_moves_the_balance_and_is_available_after_two_days(
    client: stripe.StripeClient, clock: ManualClock
) -> None:
    intent = await pay(client)
    (row,) = await rows_of(client)
    assert (row.type, row.amount, row.fee, row.net) == ("charge", 1050, 39, 1011)
    assert (row.source, row.status, row.balance_type) == (
        intent.latest_charge,
        "pending",
        "payments",
    )
    assert await balance_of(client, "eur") == (0, 1011)
    clock.advance(timedelta(days=2))
    assert (await rows_of(client))[0].status == "available"
    assert await balance_of(client, "eur") == (1011, 0)


async def test_asynchronous_capture_has_no_movement_until_charge_updated(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client, capture_method="automatic_async")
    assert intent.status == "succeeded"
    assert (await charge_of(client, intent)).balance_transaction is None
    assert await rows_of(client) == []
    assert await pull(stripe_http, "book_movement", intent.id) == 200
    (row,) = await rows_of(client)
    assert (await charge_of(client, intent)).balance_transaction == row.id
    (event,) = (await client.v1.events.list_async({"type": "charge.updated"})).data
    assert event.data.object["balance_transaction"] == row.id
    shown: Any = event.data
    assert shown.previous_attributes.to_dict() == {"balance_transaction": None}
    assert await pull(stripe_http, "book_movement", intent.id) == 409


async def test_movement_without_an_event_is_in_the_books(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await stripe_http.put("/_simulator/faults", json={"late_movements": 1})
    intent = await pay(client)
    assert (await charge_of(client, intent)).balance_transaction is None
    assert await pull(stripe_http, "book_untold_movement", intent.id) == 200
    assert (await charge_of(client, intent)).balance_transaction is not None
    assert "charge.updated" not in await told_of(client)


async def test_late_movement_comes_by_itself(
    client: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groat.simulator.stripe.account.SETTLING_SECONDS", 0.05)
    await pay(client, capture_method="automatic_async")
    for _ in range(500):
        if await rows_of(client):
            break
    assert told_amounts(await rows_of(client)) == [("charge", 1050, 39, "eur")]


async def test_partial_capture_is_two_movements(client: stripe.StripeClient) -> None:
    intent = await authorize(client, amount=10821)
    assert await rows_of(client) == []
    await client.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 5000})
    rows = await rows_of(client)
    assert told_amounts(rows) == [
        ("charge", 10821, 176, "eur"),
        ("partial_capture_reversal", -5821, -81, "eur"),
    ]
    assert [row.type for row in rows] == ["charge", "refund"]
    reversal = await client.v1.refunds.retrieve_async(str(rows[1].source))
    assert (reversal.charge, reversal.balance_transaction) == (intent_charge(rows), rows[1].id)
    assert (await client.v1.refunds.list_async()).data == []


def intent_charge(rows: list[stripe.BalanceTransaction]) -> str:
    return str(rows[0].source)


async def test_bank_debit_moves_the_balance_before_it_succeeds(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    paid, failed = await pay(client, **BANK), await pay(client, **BANK)
    assert [(row.type, row.status) for row in await rows_of(client)] == [("payment", "pending")] * 2
    assert await pull(stripe_http, "debit_succeeds", paid.id) == 200
    assert await pull(stripe_http, "debit_fails", failed.id) == 200
    rows = await rows_of(client)
    assert told_amounts(rows)[2:] == [("charge_failure", -1050, -39, "eur")]
    assert rows[2].type == "payment_failure_refund"
    refund = await client.v1.refunds.retrieve_async(str(rows[2].source))
    charge = await charge_of(client, failed)
    assert (refund.charge, charge.failure_balance_transaction) == (charge.id, rows[2].id)
    assert sum(row.net for row in rows) == 1011


async def test_bank_debit_is_returned_after_it_succeeded(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client, **BANK)
    assert await pull(stripe_http, "debit_returned", intent.id) == 409
    assert await pull(stripe_http, "debit_succeeds", intent.id) == 200
    assert await pull(stripe_http, "debit_returned", intent.id) == 200
    rows = await rows_of(client)
    assert told_amounts(rows)[1:] == [("charge_failure", -1050, 0, "eur")]
    assert rows[1].type == "payment_reversal"
    assert (await told_of(client))[-2:] == ["charge.failed", "payment_intent.payment_failed"]


async def test_charge_settles_in_another_currency_and_its_refund_at_another_rate(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await choose(stripe_http, settlements={"usd": {"currency": "gbp", "rate": "0.6344"}})
    intent = await pay(client, amount=5000, currency="usd")
    await choose(stripe_http, settlements={"usd": {"currency": "gbp", "rate": "0.65"}})
    await client.v1.refunds.create_async({"payment_intent": intent.id})
    rows = await rows_of(client)
    assert told_amounts(rows) == [("charge", 3172, 69, "gbp"), ("refund", -3250, 0, "gbp")]
    assert [row.exchange_rate for row in rows] == [0.6344, 0.65]


async def test_tax_is_a_part_of_the_fee(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await choose(stripe_http, fee_tax_percent=10, extra_fees={"never_seen": 3})
    await pay(client, amount=10000)
    (row,) = await rows_of(client)
    assert [(part.type, part.amount) for part in row.fee_details] == [
        ("stripe_fee", 165),
        ("tax", 16),
        ("never_seen", 3),
    ]
    assert (row.fee, row.net) == (184, 9816)


async def test_refund_of_a_debit_fails_after_it_succeeded(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client, **BANK)
    await pull(stripe_http, "debit_succeeds", intent.id)
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id, "amount": 400})
    assert await pull(stripe_http, "refund_fails", intent.id) == 200
    rows = (await rows_of(client))[1:]
    assert [(row.type, row.amount) for row in rows] == [
        ("payment_refund", -400),
        ("payment_refund", 400),
    ]
    assert [row.reporting_category for row in rows] == ["refund", "refund_failure"]
    failed = await client.v1.refunds.retrieve_async(refund.id)
    assert failed.failure_balance_transaction == rows[1].id


async def test_dashboard_refund_sends_only_charge_refunded(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client)
    await choose(stripe_http, charge_refunded_only=True)
    before = await told_of(client)
    refund = await act(stripe_http, "refund", id=intent.id, amount=500)
    assert (refund["amount"], refund["metadata"]) == (500, {})
    assert (await told_of(client))[len(before) :] == ["charge.refunded"]
    await act(stripe_http, "refund", id=intent.id, amount=100, tell=False)
    assert len(await told_of(client)) == len(before) + 1
    assert (await charge_of(client, intent)).amount_refunded == 600


async def test_dispute_takes_more_than_the_charge_with_a_fee_and_a_difference(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client)
    dispute = await act(stripe_http, "dispute", id=intent.id, amount=1080, difference=37)
    moved = [(one["amount"], one["fee"]) for one in dispute["balance_transactions"]]
    assert (dispute["amount"], moved) == (1080, [(-1080, 1500), (-37, 0)])
    assert [row.id for row in (await rows_of(client, source=dispute["id"]))] == [
        one["id"] for one in dispute["balance_transactions"]
    ]


async def test_lost_dispute_is_won_after_all(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await choose(stripe_http, dispute_fee=0)
    intent = await pay(client)
    await act(stripe_http, "dispute", id=intent.id)
    assert await pull(stripe_http, "dispute_lost", intent.id) == 200
    assert await pull(stripe_http, "dispute_won_after_all", intent.id) == 200
    (dispute,) = (await client.v1.disputes.list_async()).data
    assert dispute.status == "won"
    assert told_amounts(dispute.balance_transactions) == [
        ("dispute", -1050, 0, "eur"),
        ("dispute_reversal", 1050, 0, "eur"),
    ]


async def test_dispute_is_partially_won(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client)
    await act(stripe_http, "dispute", id=intent.id)
    decided = await act(
        stripe_http, "decide_dispute", id=intent.id, outcome="lost", amount=300, fee_back=True
    )
    assert decided["status"] == "lost"
    moved = [(one["amount"], one["fee"]) for one in decided["balance_transactions"]]
    assert moved == [(-1050, 1500), (300, -1500)]
    assert (await told_of(client))[-2:] == [
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]


async def test_inquiry_takes_no_money_and_can_become_a_dispute(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client, payment_method="pm_card_createDisputeInquiry")
    (inquiry,) = (await client.v1.disputes.list_async()).data
    assert (inquiry.status, inquiry.balance_transactions) == ("warning_needs_response", [])
    assert len(await rows_of(client)) == 1
    assert await pull(stripe_http, "inquiry_escalates", intent.id) == 200
    (dispute,) = (await client.v1.disputes.list_async()).data
    assert (dispute.id, dispute.status) == (inquiry.id, "needs_response")
    assert told_amounts(dispute.balance_transactions) == [("dispute", -1050, 1500, "eur")]


async def test_inquiry_is_closed(client: stripe.StripeClient) -> None:
    await pay(client, payment_method="pm_card_createDisputeInquiry")
    (inquiry,) = (await client.v1.disputes.list_async()).data
    closed = await client.v1.disputes.close_async(inquiry.id)
    assert (closed.status, closed.balance_transactions) == ("warning_closed", [])


async def test_events_name_mode_and_account(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await choose(stripe_http, livemode=True, connected_account="acct_1")
    await pay(client)
    event = (await client.v1.events.list_async()).data[0]
    assert (event.livemode, event.account) == (True, "acct_1")
