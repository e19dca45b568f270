"""What the SDK's errors say of a call: a refusal, nothing begun, or an unknown outcome."""

from __future__ import annotations

import stripe

from groat.providers.domain.facts import NotSent
from groat.providers.domain.failures import FailureCode
from groat.providers.port import Answered, OperationRequest, Reply, Unknown
from groat.providers.reading import NEVER_SENT, read, refusal, unreachable
from groat.providers.stripe import translation


def failure(error: stripe.StripeError, request: OperationRequest) -> Reply:
    """Sort an error into a refusal, a call that was not begun, or an unknown outcome.

    Source: docs.stripe.com/error-handling. A 4xx is a definite no, but for 409, which says that
    the first call with the key is still running. 401, 403 and 429 come before anything is begun.
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
    return Answered(refusal(request, FailureCode.REJECTED_BY_PROVIDER))


def unknown(error: stripe.StripeError) -> Unknown:
    """Return that an error leaves the outcome open. Its text may repeat what we sent: not that."""
    return Unknown(f"{type(error).__name__} {error.http_status or ''}".strip())
