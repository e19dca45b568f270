"""PayPal's settlement report and its transaction search tell the same movements."""

from __future__ import annotations

import io
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from groat.kernel.money import Money
from groat.providers.amounts import from_major
from groat.providers.domain.movements import Movement, MovementCategory
from groat.providers.paypal.movements import movements
from groat.providers.paypal.payloads import TransactionPage
from groat.providers.paypal.settlement_report import read_settlement_report
from groat.providers.reading import parse
from tests.providers.paypal.stand_in import PayPal
from tests.support.paypal_requests import authorize_request


async def _act(paypal: PayPal, action: str, **parameters: Any) -> None:
    reply = await paypal.http.post(f"/_simulator/actions/{action}", json=parameters)
    assert reply.status_code == 200, reply.text


async def _live(paypal: PayPal) -> None:
    """Let captures, holds, equal rows, fees of no payment and a withdrawal happen."""
    for currency, amount in (("EUR", 1050), ("EUR", 42_060), ("JPY", 1000)):
        request = authorize_request(amount=Money(amount, currency), key=f"op_{currency}{amount}")
        await paypal.provider.operations.authorize(request)
    euros = {"currency": "EUR"}
    await _act(paypal, "book", event_code="T2101", amount=-300, copies=3, **euros)
    await _act(paypal, "book", event_code="T0107", amount=-200, fee=-38, **euros)
    await _act(paypal, "book", event_code="T1108", amount=41, **euros)
    await _act(paypal, "book", event_code="T2301", amount=-5, **euros)
    await _act(paypal, "convert", amount=1000, into="USD", rate="1.1", **euros)
    await _act(paypal, "withdraw", amount=500, **euros)


async def _bearer(paypal: PayPal) -> dict[str, str]:
    grant = {"grant_type": "client_credentials"}
    token = await paypal.http.post("/v1/oauth2/token", data=grant, auth=("c", "s"))
    return {"Authorization": f"Bearer {token.json()['access_token']}"}


async def _search(paypal: PayPal) -> list[Movement]:
    now = paypal.clock.now()
    span = {
        "start_date": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        "end_date": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "fields": "all",
        "page_size": "500",
    }
    reply = await paypal.http.get(
        "/v1/reporting/transactions", params=span, headers=await _bearer(paypal)
    )
    assert reply.status_code == 200, reply.text
    page = parse(TransactionPage, reply.content)
    return [*movements(one.transaction_info for one in page.transaction_details)]


async def _file(paypal: PayPal, **options: Any) -> list[Movement]:
    parts: list[io.BytesIO] = []
    number = 1
    day = f"{paypal.clock.now():%Y-%m-%d}"
    while True:
        asked = {"day": day, "part": number, **options}
        reply = await paypal.http.get("/_simulator/settlement_report", params=asked)
        if reply.status_code != 200:
            return [*read_settlement_report(parts)]
        parts.append(io.BytesIO(reply.content))
        number += 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_the_file_and_the_search_tell_the_same_movements(
    paypal: PayPal, encoding: str
) -> None:
    await _live(paypal)
    listed = await _search(paypal)
    assert {one.key: one for one in await _file(paypal, encoding=encoding)} == {
        one.key: one for one in listed
    }
    assert len([one for one in listed if one.category is MovementCategory.RESERVE]) == 3


async def test_a_report_in_parts_has_all_movements(paypal: PayPal) -> None:
    await _live(paypal)
    assert await _file(paypal, rows_per_part=4) == await _file(paypal)


async def test_the_movements_add_up_to_the_balance(paypal: PayPal) -> None:
    await _live(paypal)
    sums: Counter[str] = Counter()
    for movement in await _search(paypal):
        sums[movement.currency] += movement.net
    shown = await paypal.http.get("/v1/reporting/balances", headers=await _bearer(paypal))
    balances = {
        one["currency"]: from_major(one["available_balance"]["value"], one["currency"])
        for one in shown.json()["balances"]
    }
    assert dict(sums) == balances
