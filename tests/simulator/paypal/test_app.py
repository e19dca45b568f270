"""A plain HTTP client against the stand-in for PayPal."""

from __future__ import annotations

import asyncio
import base64
import json
import zlib
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from groat.simulator.certificates import LEAF_NAME
from tests.simulator.paypal.shop import (
    ORDERS,
    WEBHOOKS,
    books,
    first_capture,
    listen,
    order,
    pay,
    pull,
)
from tests.support.clock import ManualClock
from tests.support.http_servers import Received, Receiver, settled


async def test_an_order_is_captured_at_once(paypal_http: httpx.AsyncClient) -> None:
    reply = await pay(paypal_http)
    assert (reply.status_code, reply.json()["status"]) == (201, "COMPLETED")
    capture = first_capture(reply)
    assert (capture["status"], capture["final_capture"]) == ("COMPLETED", True)
    assert (capture["custom_id"], capture["invoice_id"]) == ("pay_1", "op_1")
    assert capture["amount"] == {"currency_code": "EUR", "value": "10.50"}
    breakdown = capture["seller_receivable_breakdown"]
    assert breakdown["gross_amount"] == capture["amount"]
    assert breakdown["paypal_fee"]["value"] == "0.61"
    assert breakdown["net_amount"]["value"] == "9.89"
    shown = await paypal_http.get(f"{ORDERS}/{reply.json()['id']}")
    assert shown.json() == reply.json()
    alone = (await paypal_http.get(capture["links"][0]["href"])).json()
    related = {"related_ids": {"order_id": reply.json()["id"]}}
    assert alone == {**capture, "supplementary_data": related}


@pytest.mark.parametrize(
    ("value", "currency", "written"),
    [("10", "EUR", "10.00"), ("500", "JPY", "500"), ("1.5", "BHD", "1.500")],
)
async def test_amounts_have_the_decimals_of_their_currency(
    paypal_http: httpx.AsyncClient, value: str, currency: str, written: str
) -> None:
    reply = await pay(paypal_http, order(value=value, currency=currency))
    assert first_capture(reply)["amount"] == {"currency_code": currency, "value": written}


@pytest.mark.parametrize(
    ("token", "code"), [("vault_declined", "0500"), ("vault_insufficient_funds", "5120")]
)
async def test_a_decline_is_a_completed_order_with_a_declined_capture(
    paypal_http: httpx.AsyncClient, token: str, code: str
) -> None:
    reply = await pay(paypal_http, order(token))
    assert (reply.status_code, reply.json()["status"]) == (201, "COMPLETED")
    capture = first_capture(reply)
    assert (capture["status"], capture["processor_response"]) == (
        "DECLINED",
        {"response_code": code},
    )
    assert "seller_receivable_breakdown" not in capture


async def test_a_refused_instrument_creates_no_order(paypal_http: httpx.AsyncClient) -> None:
    reply = await pay(paypal_http, order("vault_instrument_declined"))
    error = reply.json()
    assert (reply.status_code, error["name"]) == (422, "UNPROCESSABLE_ENTITY")
    assert error["details"][0]["issue"] == "INSTRUMENT_DECLINED"
    assert error["debug_id"] == reply.headers["PayPal-Debug-Id"]
    assert (await books(paypal_http))["charges"] == []


@pytest.mark.parametrize(
    ("body", "issue"),
    [
        (order("unheard_of"), "INVALID_VAULT_ID"),
        (order(value="1.005"), "DECIMAL_PRECISION"),
        (order(value="500.00", currency="JPY"), "DECIMAL_PRECISION"),
        (order(value="ten"), "DECIMAL_PRECISION"),
        (order(currency="XXZ"), "CURRENCY_NOT_SUPPORTED"),
        (order(value="0.00"), "CANNOT_BE_ZERO_OR_NEGATIVE"),
        (order(value="-1.00"), "CANNOT_BE_ZERO_OR_NEGATIVE"),
    ],
)
async def test_an_invalid_order_is_refused_with_the_field(
    paypal_http: httpx.AsyncClient, body: Any, issue: str
) -> None:
    reply = await pay(paypal_http, body)
    assert reply.status_code == 422
    (detail,) = reply.json()["details"]
    assert detail["issue"] == issue
    assert detail["field"].startswith("/")
    assert (await pay(paypal_http)).status_code == 201, "the request id is still free"


def _with(name: str, value: str) -> Any:
    """Return an order whose unit has another value of a field."""
    body = order()
    body["purchase_units"][0][name] = value
    return body


@pytest.mark.parametrize(
    ("body", "field", "issue"),
    [
        ({**order(), "intent": "SALE"}, "/intent", "INVALID_PARAMETER_VALUE"),
        ({**order(), "purchase_units": []}, "/purchase_units", "INVALID_PARAMETER_VALUE"),
        ({**order(), "colour": "red"}, "/colour", "UNKNOWN_FIELD"),
        ({"intent": "CAPTURE"}, "/purchase_units", "MISSING_REQUIRED_PARAMETER"),
        *(
            (_with(name, value), f"/purchase_units/0/{name}", "INVALID_PARAMETER_VALUE")
            for name, value in [
                ("soft_descriptor", "x" * 23),
                ("soft_descriptor", "BÜCHER"),
                ("description", "x" * 128),
                ("invoice_id", "x" * 128),
                ("custom_id", "x" * 256),
            ]
        ),
    ],
)
async def test_a_body_against_the_schema_is_refused(
    paypal_http: httpx.AsyncClient, body: Any, field: str, issue: str
) -> None:
    reply = await pay(paypal_http, body)
    assert (reply.status_code, reply.json()["name"]) == (400, "INVALID_REQUEST")
    detail = reply.json()["details"][0]
    assert (detail["field"], detail["issue"]) == (field, issue)


async def test_a_body_that_is_not_json_is_refused(paypal_http: httpx.AsyncClient) -> None:
    headers = {"PayPal-Request-Id": "op_1"}
    reply = await paypal_http.post(ORDERS, content="{", headers=headers)
    assert reply.status_code == 400
    assert reply.json()["details"][0]["issue"] == "MALFORMED_REQUEST_JSON"


async def test_an_order_needs_a_request_id(paypal_http: httpx.AsyncClient) -> None:
    reply = await paypal_http.post(ORDERS, json=order())
    assert reply.status_code == 400
    assert reply.json()["details"][0]["issue"] == "PAYPAL_REQUEST_ID_REQUIRED"


@pytest.mark.parametrize(
    ("token", "status"),
    [("vault_visa", 200), ("vault_declined", 200), ("vault_instrument_declined", 422)],
)
async def test_a_repeated_request_id_gets_the_first_answer(
    paypal_http: httpx.AsyncClient, token: str, status: int
) -> None:
    first = await pay(paypal_http, order(token))
    again = await pay(paypal_http, order(value="99.00"))
    other = await pay(paypal_http, order(token), request_id="op_2")
    assert (again.status_code, again.content) == (status, first.content)
    assert other.content != first.content


async def test_a_request_id_belongs_to_one_request_on_any_path(
    paypal_http: httpx.AsyncClient,
) -> None:
    waiting = await pay(paypal_http, order("vault_payer_action"))
    order_id = waiting.json()["id"]
    await pull(paypal_http, "approve", order_id)
    headers = {"PayPal-Request-Id": "op_1"}
    again = await paypal_http.post(f"{ORDERS}/{order_id}/capture", headers=headers)
    assert again.content == waiting.content


@pytest.mark.parametrize(("length", "status"), [(108, 201), (109, 400)])
async def test_a_request_id_has_at_most_108_characters(
    paypal_http: httpx.AsyncClient, length: int, status: int
) -> None:
    assert (await pay(paypal_http, request_id="x" * length)).status_code == status


async def test_request_ids_expire_after_six_hours(
    paypal_http: httpx.AsyncClient, clock: ManualClock
) -> None:
    first = await pay(paypal_http)
    clock.advance(timedelta(hours=6))
    assert (await pay(paypal_http)).json()["id"] != first.json()["id"]


async def test_a_request_id_in_flight_conflicts(paypal_http: httpx.AsyncClient) -> None:
    await paypal_http.put("/_simulator/faults", json={"answer_ms": 2_000})
    replies = await asyncio.gather(pay(paypal_http), pay(paypal_http))
    assert sorted(reply.status_code for reply in replies) == [201, 409]
    (conflict,) = (reply for reply in replies if reply.status_code == 409)
    assert conflict.json()["details"][0]["issue"] == "PREVIOUS_REQUEST_IN_PROGRESS"


@pytest.mark.parametrize(
    "path",
    [
        *(f"{ORDERS}/x", f"{WEBHOOKS}/x", "/v2/nothing", "/v1/customer/disputes/x"),
        *(f"/v2/payments/{kind}/x" for kind in ("authorizations", "captures", "refunds")),
    ],
)
async def test_an_unknown_resource_is_not_found(paypal_http: httpx.AsyncClient, path: str) -> None:
    reply = await paypal_http.get(path)
    assert (reply.status_code, reply.json()["name"]) == (404, "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer made-up", "Basic Y2xpZW50Og=="])
async def test_a_request_without_a_token_is_refused(paypal_host: str, authorization: str) -> None:
    headers = {"Authorization": authorization}
    async with httpx.AsyncClient(base_url=paypal_host, headers=headers) as client:
        reply = await client.get(WEBHOOKS)
    assert (reply.status_code, reply.json()["name"]) == (401, "AUTHENTICATION_FAILURE")


async def test_a_token_expires(paypal_http: httpx.AsyncClient, clock: ManualClock) -> None:
    clock.advance(timedelta(hours=9))
    assert (await paypal_http.get(WEBHOOKS)).status_code == 401


@pytest.mark.parametrize(
    ("authorization", "grant", "status", "error"),
    [
        ("Basic Y2xpZW50OnNlY3JldA==", "client_credentials", 200, None),
        ("Basic Y2xpZW50OnNlY3JldA==", "password", 400, "unsupported_grant_type"),
        ("Basic Y2xpZW50Og==", "client_credentials", 401, "invalid_client"),
        ("Basic !", "client_credentials", 401, "invalid_client"),
        ("", "client_credentials", 401, "invalid_client"),
    ],
)
async def test_a_client_gets_a_token(
    paypal_host: str, authorization: str, grant: str, status: int, error: str | None
) -> None:
    headers = {"Authorization": authorization}
    async with httpx.AsyncClient(base_url=paypal_host, headers=headers) as client:
        reply = await client.post("/v1/oauth2/token", data={"grant_type": grant})
    assert (reply.status_code, reply.json().get("error")) == (status, error)
    assert (reply.json().get("expires_in") == 32400) is (status == 200)


async def test_webhooks_are_created_listed_and_deleted(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    webhook_id = await listen(paypal_http, receiver.url)
    shown = (await paypal_http.get(f"{WEBHOOKS}/{webhook_id}")).json()
    assert (shown["id"], shown["url"]) == (webhook_id, receiver.url)
    assert (await paypal_http.get(WEBHOOKS)).json() == {"webhooks": [shown]}
    assert (await paypal_http.delete(f"{WEBHOOKS}/{webhook_id}")).status_code == 204
    assert (await paypal_http.delete(f"{WEBHOOKS}/{webhook_id}")).status_code == 404


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://[::1", "nowhere"])
async def test_a_webhook_needs_a_url(paypal_http: httpx.AsyncClient, url: str) -> None:
    body = {"url": url, "event_types": [{"name": "*"}]}
    reply = await paypal_http.post(WEBHOOKS, json=body)
    assert reply.status_code == 400
    assert reply.json()["details"][0]["field"] == "/url"


def signed_text(delivery: Received, webhook_id: str) -> bytes:
    headers = delivery.headers
    transmission = f"{headers['PAYPAL-TRANSMISSION-ID']}|{headers['PAYPAL-TRANSMISSION-TIME']}"
    return f"{transmission}|{webhook_id}|{zlib.crc32(delivery.body)}".encode()


async def test_deliveries_are_signed_with_the_certificate(
    paypal_http: httpx.AsyncClient, paypal_host: str, receiver: Receiver
) -> None:
    webhook_id = await listen(paypal_http, receiver.url, "PAYMENT.CAPTURE.COMPLETED")
    paid = await pay(paypal_http)
    await settled(paypal_http)
    (delivery,) = receiver.deliveries
    resource = json.loads(delivery.body)["resource"]
    assert resource["supplementary_data"] == {"related_ids": {"order_id": paid.json()["id"]}}
    assert first_capture(paid).items() <= resource.items()
    assert delivery.headers["PAYPAL-AUTH-ALGO"] == "SHA256withRSA"
    address = delivery.headers["PAYPAL-CERT-URL"]
    assert address.startswith(f"{paypal_host}/v1/notifications/certs/")
    async with httpx.AsyncClient() as anyone:
        chain = await anyone.get(address)
        root = await anyone.get(f"{paypal_host}/_simulator/root.pem")
        assert (await anyone.get(f"{address}x")).status_code == 404
    leaf, issuer = x509.load_pem_x509_certificates(chain.content)
    leaf.verify_directly_issued_by(issuer)
    assert issuer == x509.load_pem_x509_certificate(root.content)
    assert leaf.subject.rfc4514_string() == f"CN={LEAF_NAME}"
    key = leaf.public_key()
    assert isinstance(key, RSAPublicKey)
    signature = base64.b64decode(delivery.headers["PAYPAL-TRANSMISSION-SIG"])
    key.verify(signature, signed_text(delivery, webhook_id), PKCS1v15(), SHA256())


async def test_a_delivery_can_be_verified_by_paypal(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    webhook_id = await listen(paypal_http, receiver.url, "CHECKOUT.ORDER.COMPLETED")
    await pay(paypal_http)
    await settled(paypal_http)
    (delivery,) = receiver.deliveries
    genuine = {
        "auth_algo": delivery.headers["PAYPAL-AUTH-ALGO"],
        "cert_url": delivery.headers["PAYPAL-CERT-URL"],
        "transmission_id": delivery.headers["PAYPAL-TRANSMISSION-ID"],
        "transmission_sig": delivery.headers["PAYPAL-TRANSMISSION-SIG"],
        "transmission_time": delivery.headers["PAYPAL-TRANSMISSION-TIME"],
        "webhook_id": webhook_id,
        "provider_event": json.loads(delivery.body),
    }
    forged = {**genuine, "provider_event": {**json.loads(delivery.body), "summary": "A million"}}
    unknown = {**genuine, "webhook_id": "x"}
    path = "/v1/notifications/verify-webhook-signature"
    verdicts = [
        (await paypal_http.post(path, json=body)).json()["verification_status"]
        for body in (genuine, forged, unknown)
    ]
    assert verdicts == ["SUCCESS", "FAILURE", "FAILURE"]


@pytest.mark.parametrize(
    ("token", "types"),
    [
        ("vault_visa", {"PAYMENT.CAPTURE.COMPLETED", "CHECKOUT.ORDER.COMPLETED"}),
        ("vault_declined", {"PAYMENT.CAPTURE.DECLINED"}),
        ("vault_instrument_declined", set()),
    ],
)
async def test_each_outcome_of_an_order_sends_its_events(
    paypal_http: httpx.AsyncClient, receiver: Receiver, token: str, types: set[str]
) -> None:
    await listen(paypal_http, receiver.url)
    await pay(paypal_http, order(token))
    assert (await settled(paypal_http))["events"] == len(types)
    events = [json.loads(delivery.body) for delivery in receiver.deliveries]
    assert {event["event_type"] for event in events} == types
    assert all(event["id"].startswith("WH-") for event in events)


async def test_a_deleted_webhook_receives_no_more_events(
    paypal_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await paypal_http.put("/_simulator/faults", json={"seed": 1, "shuffle_ms": 500})
    webhook_id = await listen(paypal_http, receiver.url)
    await pay(paypal_http)
    await paypal_http.delete(f"{WEBHOOKS}/{webhook_id}")
    assert (await settled(paypal_http))["attempted"] == 0
    assert receiver.deliveries == []


async def test_the_books_list_the_charges(paypal_http: httpx.AsyncClient) -> None:
    paid = first_capture(await pay(paypal_http))
    declined = first_capture(await pay(paypal_http, order("vault_declined"), request_id="op_2"))
    charge = {"amount": 1050, "currency": "EUR", "reference": "pay_1", "parent": None}
    assert await books(paypal_http) == {
        "provider": "paypal",
        "authorizations": [],
        "charges": [
            {**charge, "id": paid["id"], "status": "succeeded"},
            {**charge, "id": declined["id"], "status": "declined"},
        ],
        "refunds": [],
        "disputes": [],
    }


@pytest.mark.parametrize(
    ("value", "fee", "net"),
    [("0.01", "0.01", "0.00"), ("0.35", "0.35", "0.00"), ("0.36", "0.35", "0.01")],
)
async def test_a_fee_never_exceeds_the_payment(
    paypal_http: httpx.AsyncClient, value: str, fee: str, net: str
) -> None:
    breakdown = first_capture(await pay(paypal_http, order(value=value)))[
        "seller_receivable_breakdown"
    ]
    assert (breakdown["paypal_fee"]["value"], breakdown["net_amount"]["value"]) == (fee, net)
