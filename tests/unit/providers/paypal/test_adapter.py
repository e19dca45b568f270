from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.money import Money
from groat.providers.domain.facts import Declined, RefundFailed, Report
from groat.providers.domain.failures import FailureCode
from groat.providers.paypal.adapter import PayPalProvider
from groat.providers.port import Answered, Envelope, Provider, Rejection, Unreadable
from tests.support.paypal_certificates import NOW, identity
from tests.support.paypal_requests import (
    CAPTURE_ID,
    ORDER_ID,
    PAYMENT_ID,
    REFUND_ID,
    authorize_request,
    capture_request,
    refund_request,
)

FRACTION = Money(50_050, "HUF")
"""PayPal takes this currency without decimals."""

HEADERS = {
    "paypal-transmission-id": "69cd13f0-d67a",
    "paypal-transmission-time": "2026-01-01T00:00:00Z",
    "paypal-cert-url": "https://evil.example/v1/notifications/certs/x",
    "paypal-auth-algo": "SHA256withRSA",
    "paypal-transmission-sig": "c2ln",
}


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[PayPalProvider]:
    credentials = {
        "client_id": "groat",
        "client_secret": "groat",
        "webhook_id": "WH-1",
        "certificate_root": identity().root_pem.decode(),
    }
    adapter = PayPalProvider(credentials, timeout_seconds=1)
    yield adapter
    await adapter.close()


def test_an_envelope_has_the_events_id_and_type_and_the_transmissions_id(
    provider: PayPalProvider,
) -> None:
    body = b'{"id":"WH-1-2","event_type":"PAYMENT.CAPTURE.COMPLETED"}'
    envelope = Envelope("WH-1-2", "PAYMENT.CAPTURE.COMPLETED", "69cd13f0-d67a")
    assert provider.webhooks.envelope(HEADERS, body) == envelope


@pytest.mark.parametrize(
    ("transmission_id", "rejection"),
    [
        ("", Rejection.SIGNATURE_MISSING),
        ("a|b", Rejection.SIGNATURE_MALFORMED),
        ("a" * 256, Rejection.SIGNATURE_MALFORMED),
    ],
)
def test_without_a_transmission_id_there_is_no_envelope(
    provider: PayPalProvider, transmission_id: str, rejection: Rejection
) -> None:
    headers = {**HEADERS, "paypal-transmission-id": transmission_id}
    body = b'{"id":"WH-1-2","event_type":"PAYMENT.CAPTURE.COMPLETED"}'
    assert provider.webhooks.envelope(headers, body) is rejection


@given(st.binary())
async def test_any_bytes_get_an_answer(provider: PayPalProvider, body: bytes) -> None:
    assert provider.webhooks.envelope(HEADERS, body) is Rejection.BODY_MALFORMED
    said = await provider.webhooks.interpret("PAYMENT.CAPTURE.COMPLETED", body)
    assert isinstance(said, Unreadable)
    assert await provider.webhooks.verify({}, body, NOW) is Rejection.SIGNATURE_MISSING


async def test_an_event_with_a_foreign_resource_url_is_not_looked_up(
    provider: PayPalProvider,
) -> None:
    body = json.dumps({"resource": {"id": "../orders"}}).encode()
    reply = await provider.webhooks.interpret("PAYMENT.CAPTURE.COMPLETED", body)
    assert reply == Unreadable("no id of its capture in the event")


@pytest.mark.parametrize("kind", ["BILLING.PLAN.CREATED", "PAYMENT.SALE.COMPLETED", ""])
async def test_other_events_report_no_fact(provider: PayPalProvider, kind: str) -> None:
    assert await provider.webhooks.interpret(kind, b"anything") == Answered(())
    assert provider.webhooks.read(kind, b"anything") == Answered(())


def test_an_event_of_interest_needs_a_call_to_paypal(provider: PayPalProvider) -> None:
    assert provider.webhooks.read("PAYMENT.CAPTURE.COMPLETED", b"anything") is None


async def test_a_webhook_with_a_foreign_certificate_url_is_refused(
    provider: PayPalProvider,
) -> None:
    rejection = await provider.webhooks.verify(HEADERS, b"{}", NOW)
    assert rejection is Rejection.CERTIFICATE_NOT_ALLOWED


def test_the_adapter_supports_captures_in_parts(provider: PayPalProvider) -> None:
    kept: Provider = provider
    assert not kept.operations.captures_once


async def test_a_call_without_an_order_id_cannot_be_looked_up(
    provider: PayPalProvider,
) -> None:
    assert await provider.lookups.fetch(authorize_request()) == Answered(())


async def test_an_amount_that_paypal_cannot_express_is_refused_without_a_call(
    provider: PayPalProvider,
) -> None:
    no = Declined(FailureCode.METHOD_NOT_SUPPORTED)
    reply = await provider.operations.authorize(authorize_request(amount=FRACTION))
    assert reply == Answered((Report(PAYMENT_ID, None, no),))
    assert await provider.operations.capture(capture_request(FRACTION)) == Answered(
        (Report(PAYMENT_ID, ORDER_ID, no),)
    )
    failed = RefundFailed(FailureCode.METHOD_NOT_SUPPORTED)
    assert await provider.operations.refund(refund_request(FRACTION)) == Answered(
        (Report(PAYMENT_ID, ORDER_ID, failed, REFUND_ID, CAPTURE_ID),)
    )
