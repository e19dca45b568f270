"""An authorization is made again: the new one can be captured, the old one cannot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.simulator.paypal.shop import (
    AUTHORIZATIONS,
    access,
    authorize,
    capture,
    choose,
    first_authorization,
    issue,
)
from tests.support.clock import ManualClock


async def again(http: httpx.AsyncClient, authorization_id: str, value: str | None = None) -> Any:
    amount = {} if value is None else {"amount": {"currency_code": "EUR", "value": value}}
    return await http.post(f"{AUTHORIZATIONS}/{authorization_id}/reauthorize", json=amount)


async def test_only_the_new_authorization_is_captured(paypal_http: httpx.AsyncClient) -> None:
    await choose(paypal_http, honor_days=0)
    old = first_authorization(await authorize(paypal_http))
    new = (await again(paypal_http, old["id"], "12.00")).json()
    assert (new["status"], new["amount"]["value"]) == ("CREATED", "12.00")
    assert new["expiration_time"] == old["expiration_time"]
    refused = await capture(paypal_http, old["id"])
    assert (refused.status_code, issue(refused)) == (422, "AUTHORIZATION_VOIDED")
    assert (await capture(paypal_http, new["id"])).json()["amount"]["value"] == "12.00"
    refused = await again(paypal_http, new["id"])
    assert issue(refused) == "AUTHORIZATION_ALREADY_CAPTURED"


async def test_honor_period_comes_first(paypal_http: httpx.AsyncClient, clock: ManualClock) -> None:
    old = first_authorization(await authorize(paypal_http))
    refused = await again(paypal_http, old["id"])
    assert (refused.status_code, issue(refused)) == (422, "REAUTHORIZATION_TOO_SOON")
    clock.advance(timedelta(days=3))
    async with access(str(paypal_http.base_url)) as http:  # the old token has expired
        assert (await again(http, old["id"])).status_code == 201


@pytest.mark.parametrize(("value", "status"), [("85.50", 201), ("85.51", 422)])
async def test_amount_grows_by_75_units_at_most(
    paypal_http: httpx.AsyncClient, value: str, status: int
) -> None:
    await choose(paypal_http, honor_days=0)
    old = first_authorization(await authorize(paypal_http))
    assert (await again(paypal_http, old["id"], value)).status_code == status
