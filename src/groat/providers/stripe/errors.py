"""Translate the SDK's errors: the call was refused, was not begun, or has an unknown outcome."""

from __future__ import annotations

import stripe

from groat.providers.domain.facts import NotSent
from groat.providers.domain.failures import FailureCode
from groat.providers.port import Answered, OperationRequest, Reply, Unknown
from groat.providers.reading import NEVER_SENT, read, refusal, unreachable
from groat.providers.stripe import translation


def failure(error: stripe.StripeError, request: OperationRequest) -> Reply:
    """Translate an error of a call that changes something.

    Source: docs.stripe.com/error-handling. A 400, 402 or 404 is a definite refusal. A 401, 403 or
    429 comes before Stripe begins anything. Any other error leaves the outcome unknown. For
    example, a 409 means that the first call with the key is still running.
    """
    match error:
        case stripe.CardError():
            return read(lambda: translation.decline_reports(error.json_body, request))
        case stripe.APIConnectionError(__cause__=cause) if isinstance(cause, NEVER_SENT):
            return unreachable(cause)
        case stripe.AuthenticationError() | stripe.PermissionError():
            return NotSent(FailureCode.CREDENTIALS_REFUSED, f"status {error.http_status}")
        case stripe.RateLimitError():
            return NotSent(FailureCode.RATE_LIMITED, "status 429")
        case stripe.InvalidRequestError(http_status=400 | 404):
            return _refused(error, request)
        case _:
            return unknown(error)


def _refused(error: stripe.StripeError, request: OperationRequest) -> Reply:
    if error.code == "payment_intent_unexpected_state":
        return read(lambda: translation.state_reports(error.json_body, request))
    words = error.code, error.user_message
    return Answered(refusal(request, FailureCode.REJECTED_BY_PROVIDER, *words))


def unknown(error: stripe.StripeError) -> Unknown:
    """Report that an error leaves the outcome unknown.

    The reason leaves out the error's text, which may repeat the data of the request.
    """
    return Unknown(f"{type(error).__name__} {error.http_status or ''}".strip())
