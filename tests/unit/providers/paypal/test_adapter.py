from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from groat.kernel import ids
from groat.kernel.ids import PaymentId
from groat.kernel.money import Money
from groat.providers.domain.failures import FailureCode
from groat.providers.paypal.adapter import PayPalProvider, _order
from groat.providers.paypal.translation import Problem, refusal_code
from groat.providers.port import Answered, Authorization, Envelope, Rejection, Unknown
from tests.unit.providers.paypal.certificates import NOW, identity

AUTHORIZATION = Authorization("key", PaymentId(ids.uuid7()), Money(1050, "EUR"), "vault_visa")


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


def test_an_order_carries_our_id_and_the_amount_in_full() -> None:
    assert _order(AUTHORIZATION) == {
        "intent": "CAPTURE",
        "purchase_units": [
            {
                "custom_id": AUTHORIZATION.own_reference,
                "amount": {"currency_code": "EUR", "value": "10.50"},
            }
        ],
        "payment_source": {"token": {"id": "vault_visa", "type": "PAYMENT_METHOD_TOKEN"}},
    }


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (
            {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "INSTRUMENT_DECLINED"}]},
            FailureCode.DO_NOT_HONOR,
        ),
        (
            {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "PAYER_ACTION_REQUIRED"}]},
            FailureCode.AUTHENTICATION_FAILED,
        ),
        (
            {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "MISSING_REQUIRED_PARAMETER"}]},
            FailureCode.REJECTED_BY_PROVIDER,
        ),
        ({"name": "INVALID_REQUEST", "details": []}, FailureCode.REJECTED_BY_PROVIDER),
        ({"name": "INVALID_REQUEST"}, FailureCode.REJECTED_BY_PROVIDER),
    ],
)
def test_a_refusal_is_the_payers_or_of_the_request(
    problem: dict[str, object], code: FailureCode
) -> None:
    assert refusal_code(Problem.model_validate(problem)) is code


@given(st.binary() | st.just(b"{}"))
def test_a_refusal_that_cannot_be_read_is_not_taken_for_one(body: bytes) -> None:
    with pytest.raises(ValidationError):
        Problem.model_validate_json(body)


def test_an_envelope_has_the_events_id_and_type(provider: PayPalProvider) -> None:
    body = b'{"id":"WH-1-2","event_type":"PAYMENT.CAPTURE.COMPLETED"}'
    assert provider.read_envelope(body) == Envelope("WH-1-2", "PAYMENT.CAPTURE.COMPLETED")


@given(st.binary())
async def test_any_bytes_are_answered(provider: PayPalProvider, body: bytes) -> None:
    assert provider.read_envelope(body) is Rejection.BODY_MALFORMED
    assert isinstance(await provider.interpret_webhook("PAYMENT.CAPTURE.COMPLETED", body), Unknown)
    assert await provider.verify_webhook({}, body, NOW) is Rejection.SIGNATURE_MISSING


async def test_an_event_whose_resource_leads_elsewhere_is_not_looked_up(
    provider: PayPalProvider,
) -> None:
    body = json.dumps({"resource": {"id": "../orders"}}).encode()
    reply = await provider.interpret_webhook("PAYMENT.CAPTURE.COMPLETED", body)
    assert reply == Unknown("unreadable: no capture's id in the event")


@pytest.mark.parametrize("kind", ["CHECKOUT.ORDER.APPROVED", "CUSTOMER.DISPUTE.CREATED", ""])
async def test_other_events_say_nothing_of_interest(provider: PayPalProvider, kind: str) -> None:
    assert await provider.interpret_webhook(kind, b"anything") == Answered(())


async def test_a_webhook_with_a_certificate_from_elsewhere_is_not_believed(
    provider: PayPalProvider,
) -> None:
    headers = {
        "paypal-transmission-id": "1",
        "paypal-transmission-time": "2026-01-01T00:00:00Z",
        "paypal-cert-url": "https://evil.example/v1/notifications/certs/x",
        "paypal-auth-algo": "SHA256withRSA",
        "paypal-transmission-sig": "c2ln",
    }
    rejection = await provider.verify_webhook(headers, b"{}", NOW)
    assert rejection is Rejection.CERTIFICATE_NOT_ALLOWED
