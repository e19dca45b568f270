"""Authorizations, captures and refunds of the stand-in for PayPal."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest

from tests.simulator.paypal.shop import (
    AUTHORIZATIONS,
    CAPTURES,
    ORDERS,
    authorize,
    books,
    capture,
    first_authorization,
    first_capture,
    issue,
    listen,
    order,
    pay,
    pull,
    refund,
    told,
)
from tests.support.clock import ManualClock
from tests.support.http_servers import Receiver


async def _status(paypal_http: httpx.AsyncClient, authorization_id: str) -> str:
    status: str = (await paypal_http.get(f"{AUTHORIZATIONS}/{authorization_id}")).json()["status"]
    return status


async def _void(paypal_http: httpx.AsyncClient, authorization_id: str) -> httpx.Response:
    return await paypal_http.post(f"{AUTHORIZATIONS}/{authorization_id}/void")


async def test_an_authorization_reserves_and_charges_nothing(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    shown = await authorize(paypal_http)
    authorization = first_authorization(shown)
    assert (shown["status"], authorization["status"]) == ("COMPLETED", "CREATED")
    assert authorization["amount"] == {"currency_code": "EUR", "value": "10.50"}
    assert authorization["custom_id"] == "pay_1"
    expires = datetime.fromisoformat(authorization["expiration_time"])
    assert expires == (clock.now() + timedelta(days=29)).replace(microsecond=0)
    shown = await books(paypal_http)
    assert [entry["status"] for entry in shown["authorizations"]] == ["succeeded"]
    assert shown["charges"] == []


async def test_a_declined_authorization_is_denied(paypal_http: httpx.AsyncClient) -> None:
    authorization = first_authorization(await authorize(paypal_http, "vault_insufficient_funds"))
    assert authorization["status"] == "DENIED"
    assert authorization["processor_response"] == {"response_code": "5120"}
    assert issue(await capture(paypal_http, authorization["id"])) == "AUTHORIZATION_DENIED"
    assert issue(await _void(paypal_http, authorization["id"])) == "CANNOT_BE_VOIDED"
    shown = await books(paypal_http)
    assert [entry["status"] for entry in shown["authorizations"]] == ["declined"]


async def test_captures_cannot_exceed_the_authorization(paypal_http: httpx.AsyncClient) -> None:
    shown = await authorize(paypal_http)
    authorization_id = first_authorization(shown)["id"]
    first = (await capture(paypal_http, authorization_id, "4.00")).json()
    assert (first["status"], first["final_capture"]) == ("COMPLETED", False)
    assert first["supplementary_data"]["related_ids"] == {
        "order_id": shown["id"],
        "authorization_id": authorization_id,
    }
    assert await _status(paypal_http, authorization_id) == "PARTIALLY_CAPTURED"
    exceeding = await capture(paypal_http, authorization_id, "6.51")
    assert issue(exceeding) == "MAX_CAPTURE_AMOUNT_EXCEEDED"
    assert (await capture(paypal_http, authorization_id)).json()["amount"]["value"] == "6.50"
    assert await _status(paypal_http, authorization_id) == "CAPTURED"
    again = await capture(paypal_http, authorization_id, "0.01")
    assert issue(again) == "AUTHORIZATION_ALREADY_CAPTURED"
    assert issue(await _void(paypal_http, authorization_id)) == "PREVIOUSLY_CAPTURED"
    charges = (await books(paypal_http))["charges"]
    assert [(entry["amount"], entry["parent"]) for entry in charges] == [
        (400, authorization_id),
        (650, authorization_id),
    ]


async def test_a_final_capture_is_the_last(paypal_http: httpx.AsyncClient) -> None:
    authorization_id = first_authorization(await authorize(paypal_http))["id"]
    taken = await capture(paypal_http, authorization_id, "4.00", final_capture=True)
    assert taken.json()["final_capture"] is True
    again = await capture(paypal_http, authorization_id, "1.00")
    assert issue(again) == "AUTHORIZATION_ALREADY_CAPTURED"


async def test_a_capture_in_another_currency_is_refused(paypal_http: httpx.AsyncClient) -> None:
    authorization_id = first_authorization(await authorize(paypal_http))["id"]
    amount = {"currency_code": "USD", "value": "1.00"}
    path = f"{AUTHORIZATIONS}/{authorization_id}/capture"
    reply = await paypal_http.post(path, json={"amount": amount})
    assert issue(reply) == "AUTH_CAPTURE_CURRENCY_MISMATCH"


async def test_a_declined_capture_leaves_the_authorization_as_it_was(
    paypal_http: httpx.AsyncClient,
) -> None:
    authorization_id = first_authorization(await authorize(paypal_http, "vault_capture_declined"))[
        "id"
    ]
    declined = (await capture(paypal_http, authorization_id)).json()
    assert (declined["status"], declined["processor_response"]["response_code"]) == (
        "DECLINED",
        "5120",
    )
    assert await _status(paypal_http, authorization_id) == "CREATED"


@pytest.mark.parametrize("representation", [True, False])
async def test_a_voided_authorization_cannot_be_captured(
    paypal_http: httpx.AsyncClient,
    representation: bool,  # noqa: FBT001 - a case
) -> None:
    authorization_id = first_authorization(await authorize(paypal_http))["id"]
    headers = {"Prefer": "return=representation" if representation else "return=minimal"}
    reply = await paypal_http.post(f"{AUTHORIZATIONS}/{authorization_id}/void", headers=headers)
    assert reply.status_code == (200 if representation else 204)
    assert await _status(paypal_http, authorization_id) == "VOIDED"
    assert issue(await _void(paypal_http, authorization_id)) == "PREVIOUSLY_VOIDED"
    assert issue(await capture(paypal_http, authorization_id)) == "AUTHORIZATION_VOIDED"


async def test_an_authorization_expires(paypal_http: httpx.AsyncClient, receiver: Receiver) -> None:
    await listen(paypal_http, receiver.url, "PAYMENT.AUTHORIZATION.VOIDED")
    shown = await authorize(paypal_http)
    assert await pull(paypal_http, "expire", shown["id"]) == 200
    assert await pull(paypal_http, "expire", shown["id"]) == 409
    authorization_id = first_authorization(shown)["id"]
    assert issue(await capture(paypal_http, authorization_id)) == "AUTHORIZATION_EXPIRED"
    (event,) = await told(paypal_http, receiver)
    resource = event["resource"]
    assert (resource["id"], resource["status"]) == (authorization_id, "VOIDED")
    assert resource["expiration_time"] <= resource["update_time"]


@pytest.mark.parametrize(
    ("trigger", "status", "entered", "event_type"),
    [
        ("complete_capture", "COMPLETED", "succeeded", "PAYMENT.CAPTURE.COMPLETED"),
        ("deny_capture", "DECLINED", "declined", "PAYMENT.CAPTURE.DENIED"),
    ],
)
async def test_a_pending_capture_settles_later(
    paypal_http: httpx.AsyncClient,
    receiver: Receiver,
    trigger: str,
    status: str,
    entered: str,
    event_type: str,
) -> None:
    await listen(paypal_http, receiver.url)
    reply = await pay(paypal_http, order("vault_pending"))
    pending = first_capture(reply)
    assert pending["status"] == "PENDING"
    assert "seller_receivable_breakdown" not in pending
    assert issue(await refund(paypal_http, pending["id"])) == "PENDING_CAPTURE"
    assert (await books(paypal_http))["charges"] == []
    assert await pull(paypal_http, trigger, reply.json()["id"]) == 200
    assert await pull(paypal_http, trigger, reply.json()["id"]) == 409
    shown = (await paypal_http.get(f"{CAPTURES}/{pending['id']}")).json()
    assert shown["status"] == status
    assert [entry["status"] for entry in (await books(paypal_http))["charges"]] == [entered]
    types = {event["event_type"] for event in await told(paypal_http, receiver)}
    assert types == {"PAYMENT.CAPTURE.PENDING", "CHECKOUT.ORDER.COMPLETED", event_type}


async def test_refunds_cannot_exceed_the_capture(paypal_http: httpx.AsyncClient) -> None:
    capture_id = first_capture(await pay(paypal_http))["id"]
    first = (await refund(paypal_http, capture_id, "4.00", custom_id="pay_1.ref_1")).json()
    assert (first["status"], first["custom_id"]) == ("COMPLETED", "pay_1.ref_1")
    up = {link["rel"]: link["href"] for link in first["links"]}["up"]
    shown = (await paypal_http.get(up)).json()
    assert (shown["id"], shown["status"]) == (capture_id, "PARTIALLY_REFUNDED")
    exceeding = await refund(paypal_http, capture_id, "6.51")
    assert issue(exceeding) == "REFUND_AMOUNT_EXCEEDED"
    rest = (await refund(paypal_http, capture_id)).json()
    assert rest["amount"]["value"] == "6.50"
    assert (await paypal_http.get(up)).json()["status"] == "REFUNDED"
    assert issue(await refund(paypal_http, capture_id)) == "CAPTURE_FULLY_REFUNDED"
    entries = (await books(paypal_http))["refunds"]
    assert [(one["amount"], one["reference"], one["parent"]) for one in entries] == [
        (400, "ref_1", capture_id),
        (650, None, capture_id),
    ]


async def test_an_order_shows_all_of_its_payments(paypal_http: httpx.AsyncClient) -> None:
    shown = await authorize(paypal_http)
    taken = (await capture(paypal_http, first_authorization(shown)["id"], "4.00")).json()
    given = (await refund(paypal_http, taken["id"], "1.00")).json()
    (unit,) = (await paypal_http.get(f"{ORDERS}/{shown['id']}")).json()["purchase_units"]
    assert unit["payments"]["authorizations"][0]["status"] == "PARTIALLY_CAPTURED"
    assert [one["id"] for one in unit["payments"]["captures"]] == [taken["id"]]
    assert unit["payments"]["refunds"] == [given]


@pytest.mark.parametrize(
    ("token", "currency", "reason"),
    [
        ("vault_visa", "USD", "REFUND_CAPTURE_CURRENCY_MISMATCH"),
        ("vault_declined", "EUR", "REFUND_NOT_ALLOWED"),
    ],
)
async def test_an_invalid_refund_is_refused(
    paypal_http: httpx.AsyncClient, token: str, currency: str, reason: str
) -> None:
    capture_id = first_capture(await pay(paypal_http, order(token)))["id"]
    body = {"amount": {"currency_code": currency, "value": "1.00"}}
    reply = await paypal_http.post(f"{CAPTURES}/{capture_id}/refund", json=body)
    assert (reply.status_code, issue(reply)) == (422, reason)


@pytest.mark.parametrize("custom_id", ["pay_1/ref_1", "pay 1", "a" * 256, ""])
async def test_the_custom_id_of_a_refund_is_limited(
    paypal_http: httpx.AsyncClient, custom_id: str
) -> None:
    capture_id = first_capture(await pay(paypal_http))["id"]
    reply = await refund(paypal_http, capture_id, custom_id=custom_id)
    assert (reply.status_code, issue(reply)) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("trigger", "status", "entered", "events"),
    [("complete_refund", "COMPLETED", "succeeded", 1), ("fail_refund", "FAILED", "declined", 0)],
)
async def test_a_pending_refund_settles_later(
    paypal_http: httpx.AsyncClient,
    receiver: Receiver,
    trigger: str,
    status: str,
    entered: str,
    events: int,
) -> None:
    await listen(paypal_http, receiver.url, "PAYMENT.CAPTURE.REFUNDED")
    reply = await pay(paypal_http, order("vault_refund_pending"))
    capture_id = first_capture(reply)["id"]
    pending = (await refund(paypal_http, capture_id)).json()
    assert pending["status"] == "PENDING"
    assert issue(await refund(paypal_http, capture_id)) == "CAPTURE_FULLY_REFUNDED"
    assert (await books(paypal_http))["refunds"] == []
    assert await pull(paypal_http, trigger, reply.json()["id"]) == 200
    assert await pull(paypal_http, trigger, reply.json()["id"]) == 409
    shown = (await paypal_http.get(f"/v2/payments/refunds/{pending['id']}")).json()
    assert shown["status"] == status
    assert [entry["status"] for entry in (await books(paypal_http))["refunds"]] == [entered]
    assert len(await told(paypal_http, receiver)) == events


async def test_the_event_of_a_refund_holds_the_refund(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(paypal_http, receiver.url, "PAYMENT.CAPTURE.REFUNDED")
    capture_id = first_capture(await pay(paypal_http))["id"]
    given = (await refund(paypal_http, capture_id)).json()
    (event,) = await told(paypal_http, receiver)
    assert (event["resource_type"], event["resource"]) == ("refund", given)
    assert "supplementary_data" not in event["resource"]


@pytest.mark.parametrize("key", ["one", "two"])
async def test_every_post_takes_effect_once_per_request_id(
    paypal_http: httpx.AsyncClient, clock: ManualClock, key: str
) -> None:
    authorization_id = first_authorization(await authorize(paypal_http))["id"]
    path = f"{AUTHORIZATIONS}/{authorization_id}/capture"
    body = {"amount": {"currency_code": "EUR", "value": "1.00"}}
    first = await paypal_http.post(path, json=body, headers={"PayPal-Request-Id": "one"})
    clock.advance(timedelta(hours=7))
    again = await paypal_http.post(path, json=body, headers={"PayPal-Request-Id": key})
    assert (again.json()["id"] == first.json()["id"]) is (key == "one")


async def test_an_authorized_payment_sends_its_events(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(paypal_http, receiver.url)
    authorization_id = first_authorization(await authorize(paypal_http))["id"]
    await capture(paypal_http, authorization_id, "4.00")
    await _void(paypal_http, authorization_id)
    events = await told(paypal_http, receiver)
    assert sorted((event["event_type"], event["resource_type"]) for event in events) == [
        ("CHECKOUT.ORDER.COMPLETED", "checkout-order"),
        ("PAYMENT.AUTHORIZATION.CREATED", "authorization"),
        ("PAYMENT.AUTHORIZATION.VOIDED", "authorization"),
        ("PAYMENT.CAPTURE.COMPLETED", "capture"),
    ]


async def test_an_answer_can_lie_while_the_books_stay_right(
    paypal_http: httpx.AsyncClient,
) -> None:
    await paypal_http.put("/_simulator/faults", json={"answer": "lie"})
    reply = await pay(paypal_http)
    lie = first_capture(reply)
    assert lie["amount"]["value"] == "10.51"
    assert (await paypal_http.get(f"{CAPTURES}/{lie['id']}")).json()["amount"]["value"] == "10.50"
    assert [entry["amount"] for entry in (await books(paypal_http))["charges"]] == [1050]


@pytest.mark.parametrize(("answer", "status"), [("rate_limited", 429), ("unavailable", 503)])
async def test_a_refused_call_has_no_effect(
    paypal_http: httpx.AsyncClient, answer: str, status: int
) -> None:
    await paypal_http.put("/_simulator/faults", json={"answer": answer})
    assert (await pay(paypal_http)).status_code == status
    assert (await books(paypal_http))["charges"] == []
