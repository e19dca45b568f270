"""Stripe's reports and its list of balance transactions tell the same movements."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx

from groat.providers.domain.movements import Movement
from groat.providers.reading import convert
from groat.providers.stripe.movements import movement
from groat.providers.stripe.payloads import BookedTransaction
from groat.providers.stripe.settlement_report import read_itemized_report

_KINDS = ("balance_change_from_activity.itemized.3", "payouts.itemized.3")


async def _post(control: httpx.AsyncClient, path: str, **form: str) -> Any:
    reply = await control.post(path, data=form)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def _act(control: httpx.AsyncClient, action: str, **parameters: Any) -> Any:
    reply = await control.post(f"/_simulator/actions/{action}", json=parameters)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def _pay(control: httpx.AsyncClient, currency: str, amount: int) -> str:
    intent = await _post(
        control,
        "/v1/payment_intents",
        amount=str(amount),
        currency=currency,
        confirm="true",
        capture_method="automatic",
        payment_method="pm_card_bypassPending",
        **{"payment_method_types[]": "card"},
    )
    intent_id: str = intent["id"]
    return intent_id


async def _live(control: httpx.AsyncClient) -> None:
    """Let charges, refunds, a dispute, fees of no payment, a correction and payouts happen."""
    for currency in ("eur", "eur", "jpy", "isk", "kwd"):
        await _pay(control, currency, 10500)
    await _act(control, "refund", id=await _pay(control, "eur", 4200), amount=1000)
    await _act(control, "dispute", id=await _pay(control, "eur", 3000), difference=37)
    fee = {"kind": "stripe_fee", "category": "fee", "amount": -200, "currency": "eur"}
    await _act(control, "book", **fee, fees={"tax": 38})
    await _act(control, "book", kind="adjustment", category="new", amount=5, currency="eur")
    await _act(control, "payout", currency="eur")


async def _file(control: httpx.AsyncClient, kind: str) -> list[Movement]:
    interval = {"parameters[interval_start]": "0", "parameters[interval_end]": str(2**40)}
    run = await _post(control, "/v1/reporting/report_runs", report_type=kind, **interval)
    done = (await control.get(f"/v1/reporting/report_runs/{run['id']}")).json()
    content = await control.get(done["result"]["url"])
    return [*read_itemized_report([io.BytesIO(content.content)])]


async def _feed(control: httpx.AsyncClient) -> list[Movement]:
    listed = {"limit": "100", "expand[]": "data.source"}
    page = (await control.get("/v1/balance_transactions", params=listed)).json()
    assert not page["has_more"]
    now = datetime.now(UTC)
    return [movement(convert(BookedTransaction, one), now) for one in page["data"]]


def _content(one: Movement) -> tuple[object, ...]:
    """Return all that a file and the list both tell: a file states fee and tax as one amount."""
    charged = one.fee + one.tax
    return (
        *(one.key, one.category, one.label, one.occurred_at),
        *(one.currency, one.gross, charged, one.source),
    )


async def test_the_files_and_the_list_tell_the_same_movements(control: httpx.AsyncClient) -> None:
    await _live(control)
    told = [row for kind in _KINDS for row in await _file(control, kind)]
    listed = await _feed(control)
    assert len(listed) > 10
    assert sorted(map(_content, told)) == sorted(map(_content, listed))


async def test_the_movements_add_up_to_the_balance(control: httpx.AsyncClient) -> None:
    await _live(control)
    sums: Counter[str] = Counter()
    for one in await _feed(control):
        sums[one.currency] += one.net
    shown = (await control.get("/v1/balance")).json()
    balance: Counter[str] = Counter()
    for part in (*shown["available"], *shown["pending"]):
        currency = part["currency"].upper()
        balance[currency] += part["amount"] // (100 if currency == "ISK" else 1)
    assert {one: sum_ for one, sum_ in sums.items() if sum_} == {
        one: amount for one, amount in balance.items() if amount
    }
