from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import httpx
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel import ids
from groat.kernel.ids import PaymentId
from groat.kernel.money import Money
from groat.providers.domain.facts import Captured, Declined, NotSent, Report
from groat.providers.domain.failures import FailureCode
from groat.providers.port import (
    Answered,
    Authorization,
    Envelope,
    Rejection,
    Reply,
    Unknown,
)
from groat.providers.stripe.adapter import StripeProvider, _failure
from groat.simulator.signatures import stripe_signature

AUTHORIZATION = Authorization("key", PaymentId(ids.uuid7()), Money(1050, "EUR"), "pm_card_visa")
NOW = datetime(2026, 1, 1, tzinfo=UTC)

# The SDK leaves these three without types.
_connection_error: Callable[..., stripe.StripeError] = stripe.APIConnectionError
_stripes_card_error: Callable[..., stripe.StripeError] = stripe.CardError
_invalid_request: Callable[..., stripe.StripeError] = stripe.InvalidRequestError


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[StripeProvider]:
    credentials = {"api_key": "sk_test", "webhook_secret": "whsec_old,whsec_new"}
    adapter = StripeProvider(credentials, timeout_seconds=1)
    yield adapter
    await adapter.close()


REFUSED = Answered(
    (Report(AUTHORIZATION.payment_id, None, Declined(FailureCode.REJECTED_BY_PROVIDER)),)
)


def _lost(cause: Exception) -> stripe.StripeError:
    error = _connection_error("lost")
    error.__cause__ = cause
    return error


def _card_error(body: object) -> stripe.StripeError:
    return _stripes_card_error("no", None, "card_declined", http_status=402, json_body=body)


@pytest.mark.parametrize(
    ("details", "intent", "code"),
    [
        (
            {"decline_code": "insufficient_funds", "payment_intent": {"id": "pi_1"}},
            "pi_1",
            FailureCode.INSUFFICIENT_FUNDS,
        ),
        ({"decline_code": "stolen_card"}, None, FailureCode.LOST_OR_STOLEN),
        ({"payment_intent": None}, None, FailureCode.DO_NOT_HONOR),
        ({}, None, FailureCode.DO_NOT_HONOR),
    ],
)
def test_a_card_error_is_a_decline(
    details: dict[str, object], intent: str | None, code: FailureCode
) -> None:
    expected = Report(AUTHORIZATION.payment_id, intent, Declined(code))
    assert _failure(_card_error({"error": details}), AUTHORIZATION) == Answered((expected,))


@pytest.mark.parametrize(
    "error",
    [
        _invalid_request("no", None, http_status=400),
        _invalid_request("no", None, http_status=404),
    ],
    ids=repr,
)
def test_a_definite_no_to_the_request_is_a_refusal(error: stripe.StripeError) -> None:
    assert _failure(error, AUTHORIZATION) == REFUSED


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (
            stripe.RateLimitError("no", http_status=429),
            NotSent(FailureCode.RATE_LIMITED, "status 429"),
        ),
        (
            stripe.AuthenticationError("no", http_status=401),
            NotSent(FailureCode.CREDENTIALS_REFUSED, "status 401"),
        ),
        (
            stripe.PermissionError("no", http_status=403),
            NotSent(FailureCode.CREDENTIALS_REFUSED, "status 403"),
        ),
        (
            _lost(httpx.ConnectError("no")),
            NotSent(FailureCode.PROVIDER_UNREACHABLE, "ConnectError"),
        ),
        (
            _lost(httpx.ConnectTimeout("no")),
            NotSent(FailureCode.PROVIDER_UNREACHABLE, "ConnectTimeout"),
        ),
        (_lost(httpx.PoolTimeout("no")), NotSent(FailureCode.PROVIDER_UNREACHABLE, "PoolTimeout")),
    ],
)
def test_what_was_not_begun_at_stripe_was_not_sent(error: stripe.StripeError, reply: Reply) -> None:
    assert _failure(error, AUTHORIZATION) == reply


@pytest.mark.parametrize(
    "error",
    [
        _connection_error("lost"),
        _lost(httpx.ReadTimeout("no")),
        _lost(httpx.WriteError("no")),
        _lost(httpx.RemoteProtocolError("no")),
        stripe.APIError("no", http_status=500),
        stripe.APIError("no", http_status=503),
        stripe.APIError("no", http_status=409),
        _invalid_request("no", None, http_status=409),
        _invalid_request("never sent at all?", None),
        stripe.IdempotencyError("no", http_status=400),
        stripe.StripeError("no"),
        _card_error(None),
        _card_error("<html>"),
        _card_error({"error": {"payment_intent": "pi_1"}}),
    ],
    ids=repr,
)
def test_everything_else_leaves_the_outcome_unknown(error: stripe.StripeError) -> None:
    assert isinstance(_failure(error, AUTHORIZATION), Unknown)


async def test_an_event_of_interest_is_read(provider: StripeProvider) -> None:
    intent = {
        "object": "payment_intent",
        "id": "pi_1",
        "status": "succeeded",
        "currency": "eur",
        "amount_received": 1050,
        "latest_charge": "ch_1",
    }
    body = json.dumps({"data": {"object": intent}}).encode()
    captured = Report(None, "pi_1", Captured("ch_1", Money(1050, "EUR")))
    reply = await provider.interpret_webhook("payment_intent.succeeded", body)
    assert reply == Answered((captured,))


async def test_webhooks_are_verified_with_every_active_secret(provider: StripeProvider) -> None:
    for secret in ("whsec_old", "whsec_new"):
        header = stripe_signature(secret, b"{}", int(NOW.timestamp()))
        assert await provider.verify_webhook({"stripe-signature": header}, b"{}", NOW) is None
    stranger = {"stripe-signature": stripe_signature("whsec_x", b"{}", int(NOW.timestamp()))}
    rejection = await provider.verify_webhook(stranger, b"{}", NOW)
    assert rejection is Rejection.SIGNATURE_MISMATCH
    assert await provider.verify_webhook({}, b"{}", NOW) is Rejection.SIGNATURE_MISSING


def test_an_envelope_has_the_events_id_and_type(provider: StripeProvider) -> None:
    body = b'{"id":"evt_1","type":"charge.succeeded","data":{}}'
    assert provider.read_envelope(body) == Envelope("evt_1", "charge.succeeded")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"id": "evt_1"},
        {"id": "", "type": "a"},
        {"id": 1, "type": "a"},
        {"id": "a\x00", "type": "a"},
    ],
)
def test_an_event_that_cannot_be_told_apart_is_malformed(
    provider: StripeProvider, event: dict[str, object]
) -> None:
    assert provider.read_envelope(json.dumps(event).encode()) is Rejection.BODY_MALFORMED


@given(st.binary())
async def test_any_bytes_are_answered(provider: StripeProvider, body: bytes) -> None:
    assert provider.read_envelope(body) is Rejection.BODY_MALFORMED
    assert isinstance(await provider.interpret_webhook("charge.succeeded", body), Unknown)


@pytest.mark.parametrize("about", [{}, [], None, {"object": "charge"}, {"object": "payout"}])
async def test_an_event_of_interest_that_cannot_be_read_is_tried_again(
    provider: StripeProvider, about: object
) -> None:
    body = json.dumps({"data": {"object": about}}).encode()
    assert isinstance(await provider.interpret_webhook("charge.succeeded", body), Unknown)


@pytest.mark.parametrize("kind", ["payout.paid", "charge.captured", "v2.core.event"])
async def test_other_events_say_nothing_of_interest(provider: StripeProvider, kind: str) -> None:
    assert await provider.interpret_webhook(kind, b"anything") == Answered(())
