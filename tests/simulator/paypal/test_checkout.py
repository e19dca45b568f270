"""Orders that wait for their payer at the stand-in for PayPal."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.simulator.paypal.shop import (
    ORDERS,
    books,
    first_capture,
    issue,
    links,
    listen,
    order,
    pay,
    pull,
    types,
)
from tests.support.http_servers import Receiver

BACK = {"return_url": "https://shop.example/back?cart=7", "cancel_url": "https://shop.example/no"}


async def _waiting(paypal_http: httpx.AsyncClient, token: str = "vault_payer_action") -> Any:
    body = order(token)
    body["payment_source"]["card"]["experience_context"] = BACK
    return (await pay(paypal_http, body)).json()


async def _press(paypal_http: httpx.AsyncClient, url: str, button: str) -> httpx.Response:
    """Press a button on the page, as a browser does: without any token."""
    async with httpx.AsyncClient(base_url=paypal_http.base_url) as browser:
        page = (await browser.get(url)).text
        forms = re.findall(r'method="post" action="([^"]+)"><button>(\w+)<', page)
        return await browser.post({text: action for action, text in forms}[button])


async def test_an_order_that_waits_for_its_payer_charges_nothing(
    paypal_http: httpx.AsyncClient,
) -> None:
    shown = await _waiting(paypal_http)
    assert shown["status"] == "PAYER_ACTION_REQUIRED"
    assert "payments" not in shown["purchase_units"][0]
    reply = await paypal_http.post(f"{ORDERS}/{shown['id']}/capture")
    assert issue(reply) == "ORDER_NOT_APPROVED"
    page = await paypal_http.get(links(shown)["payer-action"])
    assert "10.50 EUR" in page.text
    assert (await books(paypal_http))["charges"] == []


async def test_the_payer_approves_and_is_sent_back(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(paypal_http, receiver.url)
    shown = await _waiting(paypal_http)
    url = links(shown)["payer-action"]
    answer = await _press(paypal_http, url, "Approve")
    assert answer.status_code == 303
    target = httpx.URL(answer.headers["location"])
    assert (target.host, target.params["cart"]) == ("shop.example", "7")
    assert target.params["token"] == shown["id"]
    approved = (await paypal_http.get(f"{ORDERS}/{shown['id']}")).json()
    assert approved["status"] == "APPROVED"
    assert (await paypal_http.get(url)).status_code == 404
    assert await types(paypal_http, receiver) == ["CHECKOUT.ORDER.APPROVED"]


async def test_the_payer_cancels_and_is_sent_back(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(paypal_http, receiver.url)
    shown = await _waiting(paypal_http)
    answer = await _press(paypal_http, links(shown)["payer-action"], "Cancel")
    assert answer.headers["location"] == f"https://shop.example/no?token={shown['id']}"
    assert (await paypal_http.get(f"{ORDERS}/{shown['id']}")).json()["status"] == "VOIDED"
    assert await types(paypal_http, receiver) == ["CHECKOUT.ORDER.VOIDED"]


async def test_a_payer_without_a_return_url_sees_a_thank_you_page(
    paypal_http: httpx.AsyncClient,
) -> None:
    shown = (await pay(paypal_http, order("vault_payer_action"))).json()
    answer = await _press(paypal_http, links(shown)["payer-action"], "Approve")
    assert (answer.status_code, "Thank you" in answer.text) == (200, True)


@pytest.mark.parametrize("action", ["approve", "cancel"])
async def test_an_order_that_does_not_wait_offers_no_buttons(
    paypal_http: httpx.AsyncClient, action: str
) -> None:
    done = (await pay(paypal_http)).json()["id"]
    for order_id in (done, "x"):
        assert (await paypal_http.post(f"/checkoutnow/{order_id}/{action}")).status_code == 404
        page = await paypal_http.get("/checkoutnow", params={"token": order_id})
        assert page.status_code == 404


@pytest.mark.parametrize(
    ("token", "status"),
    [("vault_payer_action", "COMPLETED"), ("vault_payer_action_declined", "DECLINED")],
)
async def test_an_approved_order_is_captured_once(
    paypal_http: httpx.AsyncClient, token: str, status: str
) -> None:
    order_id = (await _waiting(paypal_http, token))["id"]
    assert await pull(paypal_http, "approve", order_id) == 200
    assert await pull(paypal_http, "approve", order_id) == 409
    path = f"{ORDERS}/{order_id}/capture"
    reply = await paypal_http.post(path, headers={"PayPal-Request-Id": "complete"})
    assert (reply.status_code, first_capture(reply)["status"]) == (201, status)
    again = await paypal_http.post(path, headers={"PayPal-Request-Id": "complete"})
    assert (again.status_code, again.content) == (200, reply.content)
    assert issue(await paypal_http.post(path)) == "ORDER_ALREADY_CAPTURED"
    assert len((await books(paypal_http))["charges"]) == 1


@pytest.mark.parametrize(
    ("source", "status", "relation"),
    [
        (None, "CREATED", "approve"),
        ({"paypal": {"experience_context": BACK}}, "PAYER_ACTION_REQUIRED", "payer-action"),
    ],
)
async def test_a_payer_signs_in_and_pays(
    paypal_http: httpx.AsyncClient, source: Any, status: str, relation: str
) -> None:
    body = {**order(), "payment_source": source, "application_context": BACK}
    reply = await paypal_http.post(ORDERS, json={k: v for k, v in body.items() if v is not None})
    shown = reply.json()
    assert (reply.status_code, shown["status"]) == (201, status)
    answer = await _press(paypal_http, links(shown)[relation], "Approve")
    assert httpx.URL(answer.headers["location"]).host == "shop.example"
    done = await paypal_http.post(f"{ORDERS}/{shown['id']}/capture")
    taken = first_capture(done)
    assert (taken["status"], "processor_response" in taken) == ("COMPLETED", False)
    assert done.json()["payment_source"]["paypal"]["account_status"] == "VERIFIED"


async def test_a_vaulted_account_pays_at_once(paypal_http: httpx.AsyncClient) -> None:
    body = {**order(), "payment_source": {"paypal": {"vault_id": "vault_wallet"}}}
    assert first_capture(await pay(paypal_http, body))["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({"card": {"vault_id": "unheard_of"}}, "INVALID_VAULT_ID"),
        ({"card": {"vault_id": "vault_wallet"}}, "MISMATCHED_VAULT_ID_TO_PAYMENT_SOURCE"),
        ({"paypal": {"vault_id": "vault_visa"}}, "MISMATCHED_VAULT_ID_TO_PAYMENT_SOURCE"),
        ({}, "INVALID_PARAMETER_VALUE"),
        ({"card": {"vault_id": "vault_visa"}, "paypal": {}}, "INVALID_PARAMETER_VALUE"),
        ({"token": {"id": "vault_visa", "type": "PAYMENT_METHOD_TOKEN"}}, "UNKNOWN_FIELD"),
    ],
)
async def test_a_source_that_cannot_pay_is_refused(
    paypal_http: httpx.AsyncClient, source: Any, why: str
) -> None:
    assert issue(await pay(paypal_http, {**order(), "payment_source": source})) == why


async def test_an_answer_is_minimal_unless_the_request_prefers_more(
    paypal_http: httpx.AsyncClient,
) -> None:
    paypal_http.headers["Prefer"] = "return=minimal"
    assert set((await pay(paypal_http)).json()) == {"id", "status", "links"}


async def test_an_approved_order_whose_instrument_is_refused_stays_approved(
    paypal_http: httpx.AsyncClient,
) -> None:
    order_id = (await _waiting(paypal_http, "vault_payer_action_refused"))["id"]
    await pull(paypal_http, "approve", order_id)
    reply = await paypal_http.post(f"{ORDERS}/{order_id}/capture")
    assert (reply.status_code, issue(reply)) == (422, "INSTRUMENT_DECLINED")
    assert (await paypal_http.get(f"{ORDERS}/{order_id}")).json()["status"] == "APPROVED"


async def test_an_order_is_completed_by_its_intent(paypal_http: httpx.AsyncClient) -> None:
    body = order("vault_payer_action", intent="AUTHORIZE")
    order_id = (await pay(paypal_http, body)).json()["id"]
    await pull(paypal_http, "approve", order_id)
    wrong = await paypal_http.post(f"{ORDERS}/{order_id}/capture")
    assert issue(wrong) == "ACTION_DOES_NOT_MATCH_INTENT"
    right = await paypal_http.post(f"{ORDERS}/{order_id}/authorize", json={})
    (unit,) = right.json()["purchase_units"]
    assert unit["payments"]["authorizations"][0]["status"] == "CREATED"
    assert issue(await paypal_http.post(f"{ORDERS}/{order_id}/authorize")) == (
        "ORDER_ALREADY_AUTHORIZED"
    )


async def test_a_canceled_order_cannot_be_captured(paypal_http: httpx.AsyncClient) -> None:
    order_id = (await _waiting(paypal_http))["id"]
    assert await pull(paypal_http, "cancel_approval", order_id) == 200
    reply = await paypal_http.post(f"{ORDERS}/{order_id}/capture")
    assert issue(reply) == "ORDER_NOT_APPROVED"


async def test_a_trigger_for_an_unknown_order_is_refused(paypal_http: httpx.AsyncClient) -> None:
    listed = (await paypal_http.post("/_simulator/triggers/x", json={"id": "y"})).json()["detail"]
    names = listed.removeprefix("The triggers are: ").removesuffix(".").split(", ")
    assert {"approve", "expire", "dispute", "dispute_won", "dispute_lost"} <= set(names)
    assert {await pull(paypal_http, name, "nothing") for name in names} == {409}
