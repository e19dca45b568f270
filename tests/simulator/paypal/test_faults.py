"""Calls that go wrong: because their token asks for it, or one kind of call by plan."""

from __future__ import annotations

import httpx
import pytest

from tests.simulator.paypal.shop import (
    AUTHORIZATIONS,
    CAPTURES,
    ORDERS,
    WEBHOOKS,
    authorize,
    books,
    capture,
    first_authorization,
    first_capture,
    issue,
    order,
    pay,
    refund,
)


@pytest.mark.parametrize(
    ("fault", "charges"), [("cut_before", 0), ("cut_after", 1), ("rate_limited", 0)]
)
async def test_the_first_call_fails_and_its_retry_succeeds(
    paypal_http: httpx.AsyncClient, fault: str, charges: int
) -> None:
    body = order(f"vault_visa_fault_{fault}")
    if fault == "rate_limited":
        assert (await pay(paypal_http, body)).status_code == 429
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            await pay(paypal_http, body)
    assert len((await books(paypal_http))["charges"]) == charges
    assert first_capture(await pay(paypal_http, body))["status"] == "COMPLETED"
    assert len((await books(paypal_http))["charges"]) == 1


@pytest.mark.parametrize(
    ("fault", "first", "again"),
    [("unavailable", 503, 201), ("html", 200, 200), ("broken", 500, 500), ("lie", 201, 200)],
)
async def test_a_fault_decides_the_first_and_the_second_answer(
    paypal_http: httpx.AsyncClient, fault: str, first: int, again: int
) -> None:
    body = order(f"vault_visa_fault_{fault}")
    assert (await pay(paypal_http, body)).status_code == first
    assert (await pay(paypal_http, body)).status_code == again
    assert len((await books(paypal_http))["charges"]) == 1


async def test_no_other_call_of_the_payment_fails(paypal_http: httpx.AsyncClient) -> None:
    authorization = first_authorization(await authorize(paypal_http, "vault_visa_fault_lie"))
    assert authorization["amount"]["value"] == "10.51"
    captured = await capture(paypal_http, authorization["id"])
    assert captured.json()["amount"]["value"] == "10.50"


@pytest.mark.parametrize("token", ["vault_visa_fault_fire", "vault_none_fault_lie"])
async def test_an_unknown_fault_or_token_is_refused(
    paypal_http: httpx.AsyncClient, token: str
) -> None:
    assert issue(await pay(paypal_http, order(token))) == "INVALID_VAULT_ID"


async def test_only_the_token_can_request_a_fault(paypal_http: httpx.AsyncClient) -> None:
    body = order()
    body["purchase_units"][0]["custom_id"] = "vault_visa_fault_cut_before"
    assert (await pay(paypal_http, body)).status_code == 201


@pytest.mark.parametrize("kind", ["payments", "captures", "cancellations", "refunds"])
async def test_a_plan_can_fail_one_kind_of_call(paypal_http: httpx.AsyncClient, kind: str) -> None:
    await paypal_http.put("/_simulator/faults", json={"answer": "unavailable", "on": kind})
    paths = {
        "payments": [ORDERS, f"{ORDERS}/x/capture", f"{ORDERS}/x/authorize"],
        "captures": [f"{AUTHORIZATIONS}/x/capture"],
        "cancellations": [f"{AUTHORIZATIONS}/x/void"],
        "refunds": [f"{CAPTURES}/x/refund"],
        None: [WEBHOOKS, "/v1/notifications/verify-webhook-signature"],
    }
    for of_kind, posts in paths.items():
        for path in posts:
            reply = await paypal_http.post(path, json={})
            assert (reply.status_code == 503) is (of_kind == kind), path


async def test_only_refunds_are_cut_off(paypal_http: httpx.AsyncClient) -> None:
    await paypal_http.put("/_simulator/faults", json={"answer": "cut_after", "on": "refunds"})
    taken = first_capture(await pay(paypal_http))
    with pytest.raises(httpx.RemoteProtocolError):
        await refund(paypal_http, taken["id"])
    assert len((await books(paypal_http))["refunds"]) == 1
