"""Translate Stripe's decline codes and error codes to failure codes. Pure."""

from __future__ import annotations

from groat.providers.domain.failures import FailureCode

_CODES: dict[str, FailureCode] = {
    "authentication_required": FailureCode.AUTHENTICATION_FAILED,
    "payment_intent_authentication_failure": FailureCode.AUTHENTICATION_FAILED,
    "expired_card": FailureCode.EXPIRED_CARD,
    "expired_or_canceled_card": FailureCode.EXPIRED_CARD,
    "fraudulent": FailureCode.FRAUD_SUSPECTED,
    "incorrect_cvc": FailureCode.INCORRECT_DETAILS,
    "incorrect_number": FailureCode.INCORRECT_DETAILS,
    "insufficient_funds": FailureCode.INSUFFICIENT_FUNDS,
    "invalid_expiry_month": FailureCode.INCORRECT_DETAILS,
    "invalid_expiry_year": FailureCode.INCORRECT_DETAILS,
    "lost_card": FailureCode.LOST_OR_STOLEN,
    "lost_or_stolen_card": FailureCode.LOST_OR_STOLEN,
    "processing_error": FailureCode.PROCESSING_ERROR,
    "stolen_card": FailureCode.LOST_OR_STOLEN,
    "card_not_supported": FailureCode.METHOD_NOT_SUPPORTED,
    "currency_not_supported": FailureCode.METHOD_NOT_SUPPORTED,
}
"""Stripe's decline codes and error codes (docs.stripe.com/declines/codes, /error-codes), and its
reasons of failed refunds (docs.stripe.com/refunds)."""


def failure_code(decline_code: str | None, code: str | None) -> FailureCode:
    """Return the failure code of a Stripe decline. A decline code is tried before an error code."""
    for given in (decline_code, code):
        if given in _CODES:
            return _CODES[given]
    return FailureCode.DO_NOT_HONOR
