"""Calls that go wrong: because their payment method asks for it, or one kind of call by plan."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe

from groat.simulator.calls import split_token
from tests.simulator.stripe.shop import authorize, books, order, pay

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

KEY: Any = {"idempotency_key": "key_1"}


@pytest.mark.parametrize(
    ("fault", "error", "charges"),
    [
        ("cut_before", stripe.APIConnectionError, 0),
        ("rate_limited", stripe.RateLimitError, 0),
        ("unavailable", stripe.APIError, 0),
        ("cut_after", stripe.APIConnectionError, 1),
        ("html", stripe.APIError, 1),
    ],
)
async def test_the_first_call_fails_and_its_retry_succeeds(
    client: stripe.StripeClient,
    stripe_http: httpx.AsyncClient,
    fault: str,
    error: type[stripe.StripeError],
    charges: int,
) -> None:
    wanted = order(f"pm_card_visa_fault_{fault}")
    with pytest.raises(error):
        await client.v1.payment_intents.create_async(wanted, KEY)
    assert len((await books(stripe_http))["charges"]) == charges
    intent = await client.v1.payment_intents.create_async(wanted, KEY)
    assert intent.status == "succeeded"
    assert len((await books(stripe_http))["charges"]) == 1


async def test_a_broken_answer_stays_broken_under_its_key(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await client.v1.payment_intents.create_async(order("pm_card_visa_fault_broken"), KEY)
    assert len((await books(stripe_http))["charges"]) == 1


async def test_a_false_answer_concerns_one_payment_only(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client, payment_method="pm_card_visa_fault_lie")
    assert intent.amount_received == 1051
    assert (await client.v1.payment_intents.retrieve_async(intent.id)).amount_received == 1050
    assert (await pay(client)).amount_received == 1050
    assert [charge["amount"] for charge in (await books(stripe_http))["charges"]] == [1050, 1050]


async def test_no_other_call_of_the_payment_fails(client: stripe.StripeClient) -> None:
    intent = await authorize(client, payment_method="pm_card_visa_fault_lie")
    assert intent.amount_capturable == 1051
    captured = await client.v1.payment_intents.capture_async(intent.id)
    assert captured.amount_received == 1050
    refund = await client.v1.refunds.create_async({"payment_intent": intent.id})
    assert refund.amount == 1050


async def test_a_confirmation_can_request_a_fault(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    intent = await pay(client, confirm=False, payment_method="pm_card_visa")
    with pytest.raises(stripe.APIConnectionError):
        await client.v1.payment_intents.confirm_async(
            intent.id, {"payment_method": "pm_card_visa_fault_cut_after"}
        )
    assert len((await books(stripe_http))["charges"]) == 1


async def test_any_card_can_request_a_fault(client: stripe.StripeClient) -> None:
    token = "pm_card_chargeDeclined_fault_cut_after"
    with pytest.raises(stripe.APIConnectionError):
        await client.v1.payment_intents.create_async(order(token), KEY)
    with pytest.raises(stripe.CardError):
        await client.v1.payment_intents.create_async(order(token), KEY)


@pytest.mark.parametrize("token", ["pm_card_visa_fault_fire", "pm_card_none_fault_lie"])
async def test_an_unknown_fault_or_card_is_refused(client: stripe.StripeClient, token: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await pay(client, payment_method=token)
    assert refusal.value.code == "resource_missing"
    assert token in str(refusal.value)


@pytest.mark.parametrize(
    "content", ["payment_method[x]=a_fault_lie", "a=1&a=2&b=_fault_lie", "metadata[k]=x_fault_lie"]
)
async def test_only_a_payment_method_can_request_a_fault(
    stripe_http: httpx.AsyncClient, content: str
) -> None:
    reply = await stripe_http.post("/v1/payment_intents", content=content)
    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("kind", ["payments", "captures", "cancellations", "refunds"])
async def test_a_plan_can_fail_one_kind_of_call(stripe_http: httpx.AsyncClient, kind: str) -> None:
    await stripe_http.put("/_simulator/faults", json={"answer": "unavailable", "on": kind})
    paths = {
        "payments": ["/v1/payment_intents", "/v1/payment_intents/pi_1/confirm"],
        "captures": ["/v1/payment_intents/pi_1/capture"],
        "cancellations": ["/v1/payment_intents/pi_1/cancel"],
        "refunds": ["/v1/refunds"],
        None: ["/v1/disputes/du_1", "/v1/disputes/du_1/close", "/v1/webhook_endpoints"],
    }
    for of_kind, posts in paths.items():
        for path in posts:
            reply = await stripe_http.post(path)
            assert (reply.status_code == 503) is (of_kind == kind), path


async def test_only_refunds_time_out(
    client: stripe.StripeClient, stripe_http: httpx.AsyncClient
) -> None:
    await stripe_http.put("/_simulator/faults", json={"answer_ms": 1_000, "on": "refunds"})
    intent = await pay(client)
    with pytest.raises(httpx.ReadTimeout):
        await stripe_http.post("/v1/refunds", data={"payment_intent": intent.id}, timeout=0.3)
    assert len((await books(stripe_http))["refunds"]) == 1


def test_the_documented_token_is_a_visa_that_is_cut_off() -> None:
    assert split_token("pm_card_visa_fault_cut_after") == ("pm_card_visa", "cut_after")
