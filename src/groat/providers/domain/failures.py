"""Failure codes of payments: one set for all providers."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class FailureCode(StrEnum):
    """Every code that a failed payment can carry. ``MEANINGS`` explains each of them."""

    AUTHENTICATION_FAILED = "authentication_failed"
    CREDENTIALS_REFUSED = "credentials_refused"
    DO_NOT_HONOR = "do_not_honor"
    EXPIRED_CARD = "expired_card"
    FRAUD_SUSPECTED = "fraud_suspected"
    INCORRECT_DETAILS = "incorrect_details"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LOST_OR_STOLEN = "lost_or_stolen"
    METHOD_NOT_SUPPORTED = "method_not_supported"
    PROCESSING_ERROR = "processing_error"
    PROVIDER_UNREACHABLE = "provider_unreachable"
    RATE_LIMITED = "rate_limited"
    REJECTED_BY_PROVIDER = "rejected_by_provider"
    RESOLVED_BY_OPERATOR = "resolved_by_operator"


MEANINGS: dict[FailureCode, str] = {
    FailureCode.AUTHENTICATION_FAILED: "The customer did not pass the issuer's authentication.",
    FailureCode.CREDENTIALS_REFUSED: "The provider refused the credentials; it began nothing.",
    FailureCode.DO_NOT_HONOR: "The issuer declined and gave no reason.",
    FailureCode.EXPIRED_CARD: "The card has expired.",
    FailureCode.FRAUD_SUSPECTED: "The provider or the issuer suspects fraud.",
    FailureCode.INCORRECT_DETAILS: "The card's number, date or security code is wrong.",
    FailureCode.INSUFFICIENT_FUNDS: "The customer's account does not hold enough.",
    FailureCode.LOST_OR_STOLEN: "The card was reported lost or stolen.",
    FailureCode.METHOD_NOT_SUPPORTED: "The payment method cannot be used for this payment.",
    FailureCode.PROCESSING_ERROR: "The payment could not be processed; a later try may succeed.",
    FailureCode.PROVIDER_UNREACHABLE: "The provider could not be reached; it began nothing.",
    FailureCode.RATE_LIMITED: "The provider refuses further calls for now; it began nothing.",
    FailureCode.REJECTED_BY_PROVIDER: "The provider refused the request itself as invalid.",
    FailureCode.RESOLVED_BY_OPERATOR: "An operator found that nothing was taken.",
}

RETRYABLE = frozenset(
    {
        FailureCode.CREDENTIALS_REFUSED,
        FailureCode.DO_NOT_HONOR,
        FailureCode.METHOD_NOT_SUPPORTED,
        FailureCode.PROCESSING_ERROR,
        FailureCode.PROVIDER_UNREACHABLE,
        FailureCode.RATE_LIMITED,
    }
)
"""Failures after which another provider may accept the payment.

Most other failures are about the customer. For example, a customer without funds has none at
another provider either.
"""

HARD = frozenset({FailureCode.FRAUD_SUSPECTED, FailureCode.LOST_OR_STOLEN})
"""Failures that end a payment. After any other failure, another payment method may succeed."""


def known_codes(codes: Iterable[str]) -> list[str]:
    """Return the stored codes that this version knows, and drop the others.

    A newer version may have written codes that this one does not know. An unknown code then causes
    no fallback, which is the safe choice.
    """
    return [code for code in codes if code in FailureCode.__members__.values()]
