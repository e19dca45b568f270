"""The balance is the sum of the rows, and the rows follow from the objects."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groat.simulator.stripe.app import create_stripe_app
from tests.simulator.stripe.shop import act, choose, pay, pull, rows_of, stripe_client
from tests.support.clock import ManualClock
from tests.support.http_servers import Stage

CURRENCIES = st.sampled_from(["eur", "usd", "jpy"])
AMOUNTS = st.integers(100, 99_999)
METHODS = st.sampled_from(
    ["pm_card_visa", "pm_card_bypassPending", "pm_card_createDispute", "pm_usBankAccount_success"]
)
TRIGGERS = st.sampled_from(
    [
        *("debit_succeeds", "debit_fails", "debit_returned", "refund_fails", "dispute"),
        *("dispute_won", "dispute_lost", "dispute_won_after_all", "book_untold_movement"),
    ]
)
ACTIONS = st.sampled_from(["payout", "refund", "payout_fails", "payout_arrives", "reserve", "book"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), METHODS, AMOUNTS, CURRENCIES, st.booleans()),
        st.tuples(st.just("pull"), TRIGGERS, st.integers(0, 9)),
        st.tuples(st.just("act"), ACTIONS, st.integers(0, 9), CURRENCIES),
        st.tuples(st.just("wait")),
    ),
    min_size=3,
    max_size=14,
)


@given(steps=STEPS, minimum=st.integers(0, 500), taxed=st.booleans(), converted=st.booleans())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
async def test_balance_is_the_sum_of_the_rows(
    stripe_stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    steps: Any,
    minimum: int,
    taxed: bool,  # noqa: FBT001
    converted: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr("groat.simulator.stripe.account.SETTLING_SECONDS", 3600)
    clock = ManualClock(datetime.now(UTC))
    usd = {"usd": {"currency": "eur", "rate": "0.9137"}}
    async with stripe_stage.showing(create_stripe_app(clock)) as host:
        session = stripe.HTTPXClient()
        client, http = stripe_client(host, session), httpx.AsyncClient(base_url=host)
        await choose(
            http,
            settlements=usd if converted else {},
            minimum_balances={"eur": minimum} if minimum else {},
            fee_tax_percent=19 if taxed else 0,
            reserve_percent=5 if taxed else 0,
        )
        for step in steps:
            await take(client, http, clock, step)
            await check(client, http)
        await http.aclose()
        await session.close_async()  # type: ignore[no-untyped-call]


async def take(
    client: stripe.StripeClient, http: httpx.AsyncClient, clock: ManualClock, step: Any
) -> None:
    intents = [one.id for one in (await client.v1.payment_intents.list_async()).data]
    match step:
        case ("pay", method, amount, currency, late):
            capture = "automatic_async" if late else "automatic"
            more = {"payment_method": method, "capture_method": capture}
            await pay(client, amount=amount, currency=currency, **more)
        case ("pull", trigger, number) if intents:
            await pull(http, trigger, intents[number % len(intents)])
        case ("act", action, number, currency):
            await perform(client, http, action, number, currency)
        case _:
            clock.advance(timedelta(days=1))


async def perform(
    client: stripe.StripeClient, http: httpx.AsyncClient, action: str, number: int, currency: str
) -> None:
    subjects = client.v1.payment_intents if action == "refund" else client.v1.payouts
    known = [one.id for one in (await subjects.list_async()).data] or ["none"]
    parameters: dict[str, dict[str, Any]] = {
        "payout": {"currency": currency},
        "reserve": {"currency": currency, "amount": number},
        "book": {"kind": "stripe_fee", "category": "fee", "amount": -number, "currency": currency},
    }
    body = parameters.get(action, {"id": known[number % len(known)]})
    reply = await http.post(f"/_simulator/actions/{action}", json=body)
    assert reply.status_code in {200, 409}, reply.text


async def check(client: stripe.StripeClient, http: httpx.AsyncClient) -> None:
    rows = await rows_of(client, limit=100)
    shown = await client.v1.balance.retrieve_async()
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    totals: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        assert row.net == row.amount - row.fee
        assert row.fee == sum(part.amount for part in row.fee_details)
        totals[row.currency] += row.net
        if row.balance_type == "payments":
            sums[row.currency, row.status] += row.net
    for part, status in ((shown.available, "available"), (shown.pending, "pending")):
        assert {one.currency: one.amount for one in part} == {
            currency: sums[currency, status] for currency in totals
        }
    witness = (await http.get("/_simulator/balances")).json()["balances"]
    assert {one["currency"].lower(): one["total"] for one in witness} == totals
    await check_objects(client, rows)


async def check_objects(client: stripe.StripeClient, rows: list[stripe.BalanceTransaction]) -> None:
    """Check that the rows of each source add up to the state of the object."""
    held = [row.amount for row in rows if row.type.startswith("payout_minimum_balance")]
    assert sum(held) == 0
    gross: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        gross[str(row.source)] += row.amount if row.balance_type == "payments" else 0
    for refund in (await client.v1.refunds.list_async({"limit": 100})).data:
        assert (gross[refund.id] == 0) is (refund.status == "failed")
    for payout in (await client.v1.payouts.list_async({"limit": 100})).data:
        assert gross[payout.id] == (0 if payout.status == "failed" else -payout.amount)
    for dispute in (await client.v1.disputes.list_async({"limit": 100})).data:
        assert gross[dispute.id] == sum(one.amount for one in dispute.balance_transactions)
        assert (gross[dispute.id] == 0) is (dispute.status == "won")
    for charge in (await client.v1.charges.list_async({"limit": 100})).data:
        booked = charge.balance_transaction is not None
        if charge.failure_balance_transaction is not None:
            (back,) = (row for row in rows if row.id == charge.failure_balance_transaction)
            assert back.amount == -gross[charge.id]
        assert (gross[charge.id] > 0) is booked


async def test_complete_payouts_add_up_to_zero(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await choose(stripe_http, minimum_balances={"eur": 300})
    for amount in (5000, 700, 1250):
        await pay(client, amount=amount, payment_method="pm_card_bypassPending")
        made = await act(stripe_http, "payout", currency="eur")
        await act(stripe_http, "payout_completes", id=made["id"])
        rows = await rows_of(client, payout=made["id"])
        assert sum(row.net for row in rows) == 0
    assert len(rows) == 4
