"""The balance is the sum of the rows, of the search and of the files alike."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulator.paypal.shop import (
    CAPTURES,
    access,
    balances,
    choose,
    order,
    pay,
    pull,
    refund,
    rows,
)
from tests.support.clock import ManualClock
from tests.support.http_servers import Stage
from tests.support.paypal_stand_in import paypal_app

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY"])
TRIGGERS = st.sampled_from(
    [
        *("complete_capture", "deny_capture", "dispute", "dispute_won", "dispute_lost"),
        *("reverse_capture", "complete_refund"),
    ]
)
TOKENS = st.sampled_from(["vault_visa", "vault_pending", "vault_dispute", "vault_refund_pending"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), TOKENS, st.integers(100, 9999), CURRENCIES),
        st.tuples(st.just("pull"), TRIGGERS, st.integers(0, 9)),
        st.tuples(st.just("refund"), st.integers(1, 3000), st.integers(0, 9)),
        st.tuples(st.just("withdraw"), CURRENCIES),
        st.tuples(st.just("hold"), CURRENCIES, st.integers(-500, 500)),
        st.tuples(st.just("chargeback"), st.integers(0, 9)),
    ),
    min_size=3,
    max_size=12,
)


@given(steps=STEPS, returns=st.booleans(), converted=st.booleans())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
async def test_balance_is_the_sum_of_the_rows(
    paypal_stage: Stage,
    steps: Any,
    returns: bool,  # noqa: FBT001
    converted: bool,  # noqa: FBT001
) -> None:
    clock = ManualClock(datetime.now(UTC))
    usd = {"USD": {"currency": "EUR", "rate": "0.9137"}}
    async with paypal_stage.showing(paypal_app(clock)) as host, access(host) as http:
        await choose(http, returns_fees=returns, conversions=usd if converted else {})
        orders: list[str] = []
        for number, step in enumerate(steps):
            await take(http, step, orders, f"op_{number}")
            clock.advance(timedelta(seconds=1))
            await check(http, clock)


async def take(http: httpx.AsyncClient, step: Any, orders: list[str], key: str) -> None:
    match step:
        case ("pay", token, amount, currency):
            value = str(amount) if currency == "JPY" else str(Decimal(amount).scaleb(-2))
            orders.append((await pay(http, order(token, value, currency), key)).json()["id"])
        case ("pull", trigger, number) if orders:
            await pull(http, trigger, orders[number % len(orders)])
        case ("refund", amount, number) if orders:
            shown = (await http.get(f"/v2/checkout/orders/{orders[number % len(orders)]}")).json()
            capture = shown["purchase_units"][0]["payments"]["captures"][0]["id"]
            await refund(http, capture, str(Decimal(amount).scaleb(-2)))
        case ("withdraw", currency):
            await http.post("/_simulator/actions/withdraw", json={"currency": currency})
        case ("hold", currency, amount):
            body = {"event_code": "T2101", "amount": amount, "currency": currency}
            await http.post("/_simulator/actions/book", json=body)
        case ("chargeback", number) if orders:
            body = {"ids": [orders[number % len(orders)]], "chargeback": True}
            await http.post("/_simulator/actions/dispute", json=body)
        case _:
            pass


async def check(http: httpx.AsyncClient, clock: ManualClock) -> None:
    found = await rows(http, clock)
    after: dict[str, Decimal] = {}
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in found:
        currency = row["transaction_amount"]["currency_code"]
        gross = Decimal(row["transaction_amount"]["value"])
        fee = Decimal(row.get("fee_amount", {}).get("value", 0))
        after[currency] = after.get(currency, Decimal()) + gross + fee
        assert Decimal(row["ending_balance"]["value"]) == after[currency]
        if row["transaction_event_code"] in {"T1110", "T1111", "T2101"}:
            held[currency] -= gross
    shown = await balances(http)
    for currency, (total, available, withheld) in shown.items():
        assert Decimal(available) == after.get(currency, 0)
        assert Decimal(withheld) == held[currency]
        assert Decimal(total) == Decimal(available) + Decimal(withheld)
    await check_witness(http, shown, set(after))
    await check_objects(http, found)


async def check_witness(
    http: httpx.AsyncClient, shown: dict[str, tuple[str, str, str]], currencies: set[str]
) -> None:
    """Check that the simulator's own books say the same."""
    witness = (await http.get("/_simulator/balances")).json()["balances"]
    assert {one["currency"] for one in witness} == currencies
    for one in witness:
        places = 0 if one["currency"] == "JPY" else -2
        total, _, withheld = (Decimal(text) for text in shown[one["currency"]])
        assert Decimal(one["total"]).scaleb(places) == total
        assert Decimal(one["reserved"]).scaleb(places) == withheld


async def check_objects(http: httpx.AsyncClient, found: list[Any]) -> None:
    """Check that each capture and refund has one row, with its amount."""
    for row in found:
        code, amount = row["transaction_event_code"], row["transaction_amount"]["value"]
        if code == "T0006":
            shown = (await http.get(f"{CAPTURES}/{row['transaction_id']}")).json()
            assert shown["amount"]["value"] == amount
        elif code in {"T1107", "T1106", "T1201"}:
            shown = (await http.get(f"/v2/payments/refunds/{row['transaction_id']}")).json()
            assert (shown["amount"]["value"], shown["status"]) == (amount[1:], "COMPLETED")
    ids = [row["transaction_id"] for row in found if row["transaction_event_code"] != "T0200"]
    assert len(ids) == len(set(ids))
