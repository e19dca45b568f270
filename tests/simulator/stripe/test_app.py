"""Stripe's official SDK, unchanged, against the stand-in."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import stripe

from tests.simulator.stripe.shop import books, decline, order, pay
from tests.support.http_servers import Receiver, settled

# The SDK hands httpx its bodies in a way that httpx has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")


async def test_a_payment_is_captured_at_once(client: stripe.StripeClient) -> None:
    intent = await pay(client)
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 1050, "eur")
    assert intent.metadata.to_dict() == {"groat_payment": "pay_1", "shelf": "Ä & b=c"}
    retrieved = await client.v1.payment_intents.retrieve_async(intent.id)
    assert retrieved.to_dict() == intent.to_dict()
    charge = await client.v1.charges.retrieve_async(str(intent.latest_charge))
    assert (charge.paid, charge.captured, charge.status) == (True, True, "succeeded")
    assert (charge.amount_captured, charge.payment_intent) == (1050, intent.id)
    assert str(charge.balance_transaction).startswith("txn_")
    assert charge.metadata.to_dict() == intent.metadata.to_dict()


async def test_the_sync_client_pays(stripe_host: str) -> None:
    def pay_and_list() -> tuple[str, list[str]]:
        http_client = stripe.RequestsClient()
        addresses: Any = {"api": stripe_host}
        client = stripe.StripeClient("sk_test_1", base_addresses=addresses, http_client=http_client)
        intent = client.v1.payment_intents.create(order())
        intents = client.v1.payment_intents.list({"limit": 3})
        http_client.close()  # type: ignore[no-untyped-call]
        return intent.id, [listed.id for listed in intents.data]

    made, listed = await asyncio.to_thread(pay_and_list)
    assert listed == [made]


@pytest.mark.parametrize(
    ("payment_method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
async def test_a_decline_carries_the_intent(
    client: stripe.StripeClient, payment_method: str, code: str, decline_code: str | None
) -> None:
    error = await decline(client, payment_method)
    assert (error.type, error.code) == ("card_error", code)
    assert error.to_dict().get("decline_code") == decline_code
    intent = error.payment_intent
    assert (intent["status"], intent["amount_received"]) == ("requires_payment_method", 0)
    assert intent["last_payment_error"]["code"] == code
    charge = await client.v1.charges.retrieve_async(error.charge)
    assert (charge.status, charge.paid, charge.captured) == ("failed", False, False)
    assert (charge.failure_code, charge.balance_transaction) == (code, None)


async def test_a_mastercard_token_charges_a_mastercard(client: stripe.StripeClient) -> None:
    intent = await pay(client, payment_method="pm_card_mastercard")
    charges = await client.v1.charges.list_async({"payment_intent": intent.id})
    details = charges.data[0].payment_method_details
    assert details is not None
    assert details["card"]["brand"] == "mastercard"


@pytest.mark.parametrize("payment_method", ["pm_card_unheardOf", "visa", "pm_1"])
async def test_an_unknown_payment_method_is_refused(
    client: stripe.StripeClient, payment_method: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await pay(client, payment_method=payment_method)
    assert (refusal.value.http_status, refusal.value.code) == (400, "resource_missing")
    assert refusal.value.param == "payment_method"
    assert (await client.v1.payment_intents.list_async()).data == []


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"amount": 0}, "amount", "parameter_invalid_integer"),
        ({"amount": 100_000_000}, "amount", "parameter_invalid_integer"),
        ({"amount": "10.50"}, "amount", "parameter_invalid_integer"),
        ({"amount": {"euro": 1}}, "amount", "parameter_invalid_integer"),
        ({"currency": "xxz"}, "currency", None),
        ({"confirm": "perhaps"}, "confirm", None),
        ({"payment_method": ""}, "payment_method", "parameter_missing"),
        ({"confirm": False, "return_url": "https://shop.test/"}, "return_url", None),
        ({"automatic_payment_methods": {"enabled": True}}, "return_url", None),
        ({"return_url": "shop.test"}, "return_url", "url_invalid"),
        ({"expand": ["latest_charge.colour"]}, "expand", None),
        ({"capture_method": "never"}, "capture_method", None),
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
        ({"receipt_email": "nobody"}, "receipt_email", "email_invalid"),
        ({"statement_descriptor_suffix": "x" * 23}, "statement_descriptor_suffix", None),
        ({"statement_descriptor_suffix": "1001"}, "statement_descriptor_suffix", None),
        ({"statement_descriptor_suffix": "BOOKS*"}, "statement_descriptor_suffix", None),
    ],
)
async def test_a_wrong_parameter_is_named(
    client: stripe.StripeClient, change: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await pay(client, **change)
    assert (refusal.value.http_status, refusal.value.param) == (400, param)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "body", ["amount=1", "metadata=1&metadata[k]=2", "amount=1&amount=2", "a[[[[=1"]
)
async def test_a_malformed_form_is_refused(stripe_http: httpx.AsyncClient, body: str) -> None:
    reply = await stripe_http.post("/v1/payment_intents", content=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert reply.headers["Request-Id"].startswith("req_")


@pytest.mark.parametrize(
    "kind",
    [
        "payment_intents",
        "charges",
        "balance_transactions",
        "refunds",
        "disputes",
        "events",
        "webhook_endpoints",
    ],
)
async def test_an_unknown_id_is_not_found(stripe_http: httpx.AsyncClient, kind: str) -> None:
    reply = await stripe_http.get(f"/v1/{kind}/x_1")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "resource_missing")


async def test_an_unknown_address_is_not_found(stripe_http: httpx.AsyncClient) -> None:
    reply = await stripe_http.get("/v1/nothing")
    assert reply.status_code == 404
    assert "GET: /v1/nothing" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "authorization", ["", "Bearer pk_test_1", "Bearer", "Basic !", "Basic /w==", "Digest sk_1"]
)
async def test_a_request_without_a_secret_key_is_refused(
    stripe_http: httpx.AsyncClient, authorization: str
) -> None:
    headers = {"Authorization": authorization}
    reply = await stripe_http.get("/v1/charges", headers=headers)
    assert reply.status_code == 401
    assert reply.json()["error"]["type"] == "invalid_request_error"


async def test_basic_authentication_is_accepted(stripe_host: str) -> None:
    async with httpx.AsyncClient(base_url=stripe_host, auth=("sk_test_1", "")) as client:
        assert (await client.get("/v1/charges")).status_code == 200


async def test_lists_are_paged_newest_first(client: stripe.StripeClient) -> None:
    made = [(await pay(client)).id for _ in range(5)]
    page = await client.v1.payment_intents.list_async({"limit": 2})
    listed = [intent.id async for intent in page.auto_paging_iter()]
    assert listed == made[::-1]
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.payment_intents.list_async({"starting_after": "pi_none"})


async def test_a_payment_is_found_by_its_metadata(client: stripe.StripeClient) -> None:
    made = [(await pay(client)).id for _ in range(3)]
    await pay(client, metadata={"groat_payment": "pay_2"})
    query = "metadata['groat_payment']:'pay_1'"
    page = await client.v1.payment_intents.search_async({"query": query, "limit": 2})
    found = [intent.id async for intent in page.auto_paging_iter()]
    assert found == made[::-1]
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.payment_intents.search_async({"query": "status:'succeeded'"})


async def test_a_success_sends_three_events(client: stripe.StripeClient) -> None:
    intent = await client.v1.payment_intents.create_async(order(), {"idempotency_key": "key_1"})
    succeeded, charged, created = (await client.v1.events.list_async()).data
    assert created.type == "payment_intent.created"
    assert charged.type == "charge.succeeded"
    assert succeeded.type == "payment_intent.succeeded"
    assert created.data.object["status"] == "requires_payment_method"
    assert charged.data.object["id"] == intent.latest_charge
    assert succeeded.to_dict()["data"]["object"] == intent.to_dict()
    assert succeeded.request is not None
    assert succeeded.request.idempotency_key == "key_1"
    retrieved = await client.v1.events.retrieve_async(charged.id)
    assert retrieved.to_dict() == charged.to_dict()


async def test_a_decline_sends_three_events(client: stripe.StripeClient) -> None:
    await decline(client, "pm_card_chargeDeclined")
    events = (await client.v1.events.list_async()).data
    assert [event.type for event in events] == [
        "payment_intent.payment_failed",
        "charge.failed",
        "payment_intent.created",
    ]


async def test_events_are_listed_by_type_and_time(client: stripe.StripeClient) -> None:
    intent = await pay(client)
    of_type = await client.v1.events.list_async({"type": "charge.succeeded"})
    assert [event.type for event in of_type.data] == ["charge.succeeded"]
    since = await client.v1.events.list_async({"created": {"gte": intent.created}})
    assert len(since.data) == 3
    later = await client.v1.events.list_async({"created": {"gte": intent.created + 1}})
    assert later.data == []


async def test_a_repeated_key_replays_the_answer(stripe_http: httpx.AsyncClient) -> None:
    form = {"amount": "5", "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}
    headers = {"Idempotency-Key": "key_1"}
    first = await stripe_http.post("/v1/payment_intents", data=form, headers=headers)
    again = await stripe_http.post("/v1/payment_intents", data=form, headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert len((await stripe_http.get("/v1/charges")).json()["data"]) == 1


async def test_a_decline_is_replayed_too(client: stripe.StripeClient) -> None:
    refusals = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refusal:
            await client.v1.payment_intents.create_async(
                order("pm_card_chargeDeclined"), {"idempotency_key": "key_1"}
            )
        refusals.append(refusal.value.http_body)
    assert refusals[0] == refusals[1]
    assert len((await client.v1.charges.list_async()).data) == 1


async def test_a_key_with_other_parameters_is_refused(client: stripe.StripeClient) -> None:
    options: Any = {"idempotency_key": "key_1"}
    await client.v1.payment_intents.create_async(order(), options)
    with pytest.raises(stripe.IdempotencyError) as refusal:
        await client.v1.payment_intents.create_async(order(amount=1051), options)
    assert refusal.value.http_status == 400


async def test_a_key_survives_a_wrong_parameter(client: stripe.StripeClient) -> None:
    options: Any = {"idempotency_key": "key_1"}
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.payment_intents.create_async(order(amount=0), options)
    intent = await client.v1.payment_intents.create_async(order(), options)
    assert intent.status == "succeeded"


async def test_a_key_has_a_maximum_length(stripe_http: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k" * 256}
    reply = await stripe_http.post("/v1/payment_intents", headers=headers)
    assert reply.status_code == 400


async def test_a_key_in_flight_conflicts(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await stripe_http.put("/_simulator/faults", json={"answer_ms": 2_000})
    options: Any = {"idempotency_key": "key_1"}
    calls = [client.v1.payment_intents.create_async(order(), options) for _ in range(2)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [result for result in results if isinstance(result, stripe.StripeError)]
    assert [error.http_status for error in refused] == [409]
    assert "in-progress" in str(refused[0])
    assert len((await client.v1.charges.list_async()).data) == 1


async def test_a_charge_can_succeed_and_its_answer_be_lost(stripe_http: httpx.AsyncClient) -> None:
    await stripe_http.put("/_simulator/faults", json={"answer_ms": 1_000})
    form = {"amount": "5", "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}
    with pytest.raises(httpx.ReadTimeout):
        await stripe_http.post("/v1/payment_intents", data=form, timeout=0.3)
    assert len((await stripe_http.get("/_simulator/books")).json()["charges"]) == 1


async def test_deliveries_are_signed(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    endpoint = await client.v1.webhook_endpoints.create_async(
        {"url": receiver.url, "enabled_events": ["charge.succeeded"]}
    )
    assert endpoint.secret is not None
    intent = await pay(client)
    await settled(stripe_http)
    (delivery,) = receiver.deliveries
    event = stripe.Webhook.construct_event(
        delivery.body, delivery.headers["Stripe-Signature"], endpoint.secret
    )
    assert (event.type, event.pending_webhooks) == ("charge.succeeded", 1)
    assert event.data.object["id"] == intent.latest_charge
    assert (await client.v1.events.retrieve_async(event.id)).pending_webhooks == 0


async def test_endpoints_are_created_listed_and_deleted(
    client: stripe.StripeClient, receiver: Receiver
) -> None:
    endpoints = client.v1.webhook_endpoints
    made = await endpoints.create_async({"url": receiver.url, "enabled_events": ["*"]})
    shown = await endpoints.retrieve_async(made.id)
    assert (shown.url, "secret" in shown.to_dict()) == (receiver.url, False)
    listed = (await endpoints.list_async()).data
    assert [endpoint.id for endpoint in listed] == [made.id]
    assert (await endpoints.delete_async(made.id)).deleted
    with pytest.raises(stripe.InvalidRequestError):
        await endpoints.delete_async(made.id)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "nowhere", "http://", "http://[::1", ""])
async def test_an_endpoint_needs_a_url(client: stripe.StripeClient, url: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await client.v1.webhook_endpoints.create_async({"url": url, "enabled_events": ["*"]})
    assert refusal.value.code == "url_invalid"


async def test_the_books_list_the_charges(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    paid = await pay(client)
    declined = await decline(client, "pm_card_chargeDeclined")
    await pay(client, metadata={}, currency="JPY", amount=900)
    written = await books(stripe_http)
    assert written["provider"] == "stripe"
    assert (written["authorizations"], written["refunds"], written["disputes"]) == ([], [], [])
    assert written["charges"][:2] == [
        {
            "id": paid.latest_charge,
            "amount": 1050,
            "currency": "EUR",
            "reference": "pay_1",
            "status": "succeeded",
            "parent": None,
        },
        {
            "id": declined.charge,
            "amount": 1050,
            "currency": "EUR",
            "reference": "pay_1",
            "status": "declined",
            "parent": None,
        },
    ]
    assert written["charges"][2]["reference"] is None
    assert (written["charges"][2]["amount"], written["charges"][2]["currency"]) == (900, "JPY")


@pytest.mark.parametrize(("answer", "charges"), [("cut_before", 0), ("cut_after", 1)])
async def test_a_connection_is_cut_before_the_effect_or_after(
    stripe_http: httpx.AsyncClient, client: stripe.StripeClient, answer: str, charges: int
) -> None:
    await stripe_http.put("/_simulator/faults", json={"answer": answer})
    options: Any = {"idempotency_key": "lost"}
    with pytest.raises(stripe.APIConnectionError):
        await client.v1.payment_intents.create_async(order(), options)
    assert len((await stripe_http.get("/_simulator/books")).json()["charges"]) == charges
    await stripe_http.put("/_simulator/faults", json={})
    intent = await client.v1.payment_intents.create_async(order(), options)
    assert intent.status == "succeeded"
    assert len((await stripe_http.get("/_simulator/books")).json()["charges"]) == 1


async def test_a_broken_answer_is_stored_under_its_key(
    stripe_http: httpx.AsyncClient, client: stripe.StripeClient
) -> None:
    options: Any = {"idempotency_key": "broken"}
    await stripe_http.put("/_simulator/faults", json={"answer": "broken"})
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await client.v1.payment_intents.create_async(order(), options)
        await stripe_http.put("/_simulator/faults", json={})
    assert len((await stripe_http.get("/_simulator/books")).json()["charges"]) == 1


async def test_an_html_page_can_replace_an_answer(
    stripe_http: httpx.AsyncClient, client: stripe.StripeClient
) -> None:
    await stripe_http.put("/_simulator/faults", json={"answer": "html"})
    with pytest.raises(stripe.APIError):
        await pay(client)
    assert len((await stripe_http.get("/_simulator/books")).json()["charges"]) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [("rate_limited", stripe.RateLimitError), ("unavailable", stripe.APIError)],
)
async def test_a_call_can_be_rejected_before_its_effect(
    stripe_http: httpx.AsyncClient,
    client: stripe.StripeClient,
    answer: str,
    error: type[stripe.StripeError],
) -> None:
    options: Any = {"idempotency_key": "turned away"}
    await stripe_http.put("/_simulator/faults", json={"answer": answer})
    with pytest.raises(error):
        await client.v1.payment_intents.create_async(order(), options)
    assert (await books(stripe_http))["charges"] == []
    await stripe_http.put("/_simulator/faults", json={})
    assert (await client.v1.payment_intents.create_async(order(), options)).amount_received == 1050


async def test_an_answer_can_lie_about_the_amount(
    stripe_http: httpx.AsyncClient, client: stripe.StripeClient
) -> None:
    options: Any = {"idempotency_key": "lie"}
    await stripe_http.put("/_simulator/faults", json={"answer": "lie"})
    for _ in range(2):
        intent = await client.v1.payment_intents.create_async(order(), options)
        assert (intent.amount_received, intent.amount_capturable) == (1051, 0)
        await stripe_http.put("/_simulator/faults", json={})
    truth = await client.v1.payment_intents.retrieve_async(intent.id)
    assert truth.amount_received == 1050
    assert [charge["amount"] for charge in (await books(stripe_http))["charges"]] == [1050]
