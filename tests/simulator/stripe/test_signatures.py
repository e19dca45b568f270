"""What the fault plan does to the signatures of deliveries, as the official SDK sees it."""

from __future__ import annotations

import httpx
import pytest
import stripe

from tests.support.http_servers import Received, Receiver, settled, until

PAYMENT = {"amount": "5", "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}


async def listen(stripe_http: httpx.AsyncClient, url: str) -> str:
    """Hear of charges; return the endpoint's secret."""
    form = {"url": url, "enabled_events[]": "charge.succeeded"}
    secret: str = (await stripe_http.post("/v1/webhook_endpoints", data=form)).json()["secret"]
    return secret


async def pay(stripe_http: httpx.AsyncClient, **plan: object) -> None:
    await stripe_http.put("/_simulator/faults", json=plan)
    await stripe_http.post("/v1/payment_intents", data=PAYMENT)


def verify(delivery: Received, secret: str, tolerance: int = 300) -> None:
    header = delivery.headers["Stripe-Signature"]
    stripe.WebhookSignature.verify_header(delivery.body.decode(), header, secret, tolerance)


@pytest.mark.parametrize("stale_seconds", [400, -400])
async def test_a_signature_can_carry_a_past_or_future_time(
    stripe_http: httpx.AsyncClient, receiver: Receiver, stale_seconds: int
) -> None:
    secret = await listen(stripe_http, receiver.url)
    await pay(stripe_http)
    await settled(stripe_http)
    await pay(stripe_http, stale_seconds=stale_seconds)
    await settled(stripe_http)
    now, then = (signed_at(delivery) for delivery in receiver.deliveries)
    assert now - then == stale_seconds
    verify(receiver.deliveries[1], secret, tolerance=500)
    if stale_seconds > 0:
        with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
            verify(receiver.deliveries[1], secret)


async def test_a_signature_can_be_made_with_a_wrong_secret(
    stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answers = [400]
    secret = await listen(stripe_http, receiver.url)
    await pay(stripe_http, wrong_secret=1)
    await until(lambda: len(receiver.deliveries) == 1)
    await stripe_http.put("/_simulator/faults", json={})
    await settled(stripe_http)
    wrong, right = receiver.deliveries
    with pytest.raises(stripe.SignatureVerificationError):
        verify(wrong, secret)
    verify(right, secret)


async def test_two_secrets_sign_while_they_are_rolled(
    stripe_http: httpx.AsyncClient, receiver: Receiver
) -> None:
    secret = await listen(stripe_http, receiver.url)
    for _ in range(2):
        await pay(stripe_http, two_secrets=True)
        await settled(stripe_http)
    for delivery in receiver.deliveries:
        verify(delivery, secret)
        _, older, newer = delivery.headers["Stripe-Signature"].split(",")
        assert older.startswith("v1=")
        assert older != newer
        with pytest.raises(stripe.SignatureVerificationError):
            verify(alone(delivery, older), secret)
        verify(alone(delivery, newer), secret)


def signed_at(delivery: Received) -> int:
    return int(delivery.headers["Stripe-Signature"].split(",")[0].removeprefix("t="))


def alone(delivery: Received, signature: str) -> Received:
    """Return a delivery with one of its signatures."""
    headers = delivery.headers.mutablecopy()
    headers["Stripe-Signature"] = f"t={signed_at(delivery)},{signature}"
    return Received(headers, delivery.body)
