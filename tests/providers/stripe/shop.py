"""Payments at a shop, through the adapter and Stripe's own SDK, against the stand-in."""

from __future__ import annotations

from typing import Any

import httpx

from groat.kernel import ids
from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.providers.domain.facts import Captured, Fact
from groat.providers.port import (
    Answered,
    AuthorizeRequest,
    CancelRequest,
    CaptureRequest,
    RefundRequest,
    Reply,
)
from groat.providers.stripe.adapter import StripeProvider
from tests.support.facts import without_words

AMOUNT = Money(1050, "EUR")


def order(payment_method: str = "pm_card_visa", **changes: Any) -> AuthorizeRequest:
    payment_id = PaymentId(ids.uuid7())
    whole = AuthorizeRequest(f"key of {payment_id}", payment_id, AMOUNT, payment_method)
    return replace(whole, **changes)


def facts(reply: Reply) -> list[Fact]:
    assert isinstance(reply, Answered), reply
    return [without_words(report.fact) for report in reply.reports]


def reference(reply: Reply) -> str:
    """Return Stripe's id of the payment that the first report is about."""
    assert isinstance(reply, Answered), reply
    assert reply.reports[0].provider_reference is not None
    return reply.reports[0].provider_reference


def capture_of(request: AuthorizeRequest, intent: str, amount: Money = AMOUNT) -> CaptureRequest:
    return CaptureRequest(f"capture {intent}", request.payment_id, amount, True, intent, intent)


def cancel_of(request: AuthorizeRequest, intent: str) -> CancelRequest:
    return CancelRequest(f"cancel {intent}", request.payment_id, intent, intent)


async def refund_of(
    shop: StripeProvider, request: AuthorizeRequest, amount: Money = AMOUNT
) -> RefundRequest:
    """Let a payment be captured; return the request to refund it."""
    reply = await shop.operations.authorize(request)
    captured = facts(reply)[0]
    assert isinstance(captured, Captured)
    refund_id = RefundId(ids.uuid7())
    return RefundRequest(
        f"key of {refund_id}",
        request.payment_id,
        refund_id,
        amount,
        reference(reply),
        captured.reference,
    )


async def books(control: httpx.AsyncClient) -> Any:
    return (await control.get("/_simulator/books")).json()


async def fault(control: httpx.AsyncClient, **plan: Any) -> None:
    (await control.put("/_simulator/faults", json=plan)).raise_for_status()


async def pull(control: httpx.AsyncClient, trigger: str, intent: str) -> None:
    url = f"/_simulator/triggers/{trigger}"
    (await control.post(url, json={"id": intent})).raise_for_status()


async def keys(control: httpx.AsyncClient) -> set[str]:
    """Return the idempotency keys of whatever has happened."""
    events = (await control.get("/v1/events", params={"limit": 100})).json()["data"]
    return {event["request"]["idempotency_key"] for event in events}
