from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import stripe

from groat.kernel import ids
from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.money import Money
from groat.providers.domain.facts import (
    Canceled,
    Captured,
    Declined,
    Expired,
    Fact,
    NotSent,
    Processing,
    RefundFailed,
    Report,
    RequiresAction,
)
from groat.providers.domain.failures import FailureCode
from groat.providers.port import (
    Answered,
    AuthorizeRequest,
    CancelRequest,
    CaptureRequest,
    OperationRequest,
    RefundRequest,
    Reply,
    Unknown,
)
from groat.providers.stripe.errors import failure

AMOUNT = Money(1050, "EUR")
PAYMENT_ID, REFUND_ID = PaymentId(ids.uuid7()), RefundId(ids.uuid7())
AUTHORIZATION = AuthorizeRequest("key", PAYMENT_ID, AMOUNT, "pm_card_visa")
CAPTURE = CaptureRequest("key", PAYMENT_ID, AMOUNT, True, "pi_1", "pi_1")
CANCEL = CancelRequest("key", PAYMENT_ID, "pi_1", "pi_1")
REFUND = RefundRequest("key", PAYMENT_ID, REFUND_ID, AMOUNT, "pi_1", "ch_1")

# The SDK leaves these three without types.
_connection_error: Callable[..., stripe.StripeError] = stripe.APIConnectionError
_stripes_card_error: Callable[..., stripe.StripeError] = stripe.CardError
_invalid_request: Callable[..., stripe.StripeError] = stripe.InvalidRequestError


_REJECTED = Declined(FailureCode.REJECTED_BY_PROVIDER, message="no")
REFUSED = Answered((Report(PAYMENT_ID, None, _REJECTED),))


def _lost(cause: Exception) -> stripe.StripeError:
    error = _connection_error("lost")
    error.__cause__ = cause
    return error


def _state_error(intent: object) -> stripe.StripeError:
    body: Any = {"error": {"code": "payment_intent_unexpected_state", "payment_intent": intent}}
    code: Any = "payment_intent_unexpected_state"
    return _invalid_request("no", None, code, http_status=400, json_body=body)


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
    decline_code = details.get("decline_code")
    assert decline_code is None or isinstance(decline_code, str)
    declined = Declined(code, decline_code, stays_open=intent is not None)
    expected = Report(PAYMENT_ID, intent, declined)
    assert failure(_card_error({"error": details}), AUTHORIZATION) == Answered((expected,))


@pytest.mark.parametrize(
    "error",
    [
        _invalid_request("no", None, http_status=400),
        _invalid_request("no", None, http_status=404),
    ],
    ids=repr,
)
def test_a_definite_no_to_the_request_is_a_refusal(error: stripe.StripeError) -> None:
    assert failure(error, AUTHORIZATION) == REFUSED


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
        (_lost(httpx.PoolTimeout("no")), Unknown("APIConnectionError")),  # our own overload
    ],
)
def test_a_call_that_stripe_did_not_begin_was_not_sent(
    error: stripe.StripeError, reply: Reply
) -> None:
    assert failure(error, AUTHORIZATION) == reply


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
    assert isinstance(failure(error, AUTHORIZATION), Unknown)


def _intent(**changes: object) -> dict[str, object]:
    return {"object": "payment_intent", "id": "pi_1", "currency": "eur", **changes}


TAKEN = _intent(status="succeeded", amount_received=1050, latest_charge="ch_1")


@pytest.mark.parametrize("request_", [CAPTURE, CANCEL], ids=["capture", "cancel"])
@pytest.mark.parametrize(
    ("intent", "fact"),
    [
        (TAKEN, Captured("ch_1", AMOUNT)),
        (_intent(status="canceled"), Canceled()),
        (_intent(status="canceled", cancellation_reason="expired"), Expired()),
        (
            _intent(status="requires_capture", amount_capturable=1050),
            Declined(FailureCode.REJECTED_BY_PROVIDER),
        ),
        (_intent(status="requires_action"), Declined(FailureCode.REJECTED_BY_PROVIDER)),
        (_intent(status="requires_payment_method"), Declined(FailureCode.REJECTED_BY_PROVIDER)),
    ],
)
def test_a_late_command_reports_the_present_state(
    request_: OperationRequest, intent: object, fact: Fact
) -> None:
    reply = failure(_state_error(intent), request_)
    assert isinstance(reply, Answered)
    assert [report.fact for report in reply.reports] == [fact]
    assert {report.provider_reference for report in reply.reports} == {"pi_1"}


def test_a_processing_intent_decides_no_command() -> None:
    reply = failure(_state_error(_intent(status="processing")), CAPTURE)
    assert reply == Answered((Report(None, "pi_1", Processing()),))


def test_a_late_confirmation_reports_the_present_state() -> None:
    reply = failure(_state_error(_intent(status="requires_action")), AUTHORIZATION)
    assert reply == Answered((Report(None, "pi_1", RequiresAction(None)),))


def test_a_state_without_its_intent_leaves_the_outcome_unknown() -> None:
    assert isinstance(failure(_state_error(None), CAPTURE), Unknown)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (_invalid_request("no", None, http_status=400), FailureCode.REJECTED_BY_PROVIDER),
        (_state_error(TAKEN), FailureCode.REJECTED_BY_PROVIDER),
        (_card_error({"error": {"code": "expired_card"}}), FailureCode.EXPIRED_CARD),
    ],
    ids=["invalid", "state", "card"],
)
def test_a_refused_refund_has_failed(error: stripe.StripeError, code: FailureCode) -> None:
    failed = Report(PAYMENT_ID, "pi_1", RefundFailed(code), REFUND_ID, "ch_1")
    assert failure(error, REFUND) == Answered((failed,))
