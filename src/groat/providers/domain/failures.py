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

_STRIPE: dict[str, FailureCode] = {
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

_PAYPAL: dict[str, FailureCode] = {
    "5120": FailureCode.INSUFFICIENT_FUNDS,
    "5400": FailureCode.EXPIRED_CARD,
    "5180": FailureCode.INCORRECT_DETAILS,
    "00N7": FailureCode.INCORRECT_DETAILS,
    "9500": FailureCode.FRAUD_SUSPECTED,
    "9520": FailureCode.LOST_OR_STOLEN,
    "9530": FailureCode.LOST_OR_STOLEN,
    "5100": FailureCode.DO_NOT_HONOR,
    "0500": FailureCode.DO_NOT_HONOR,
    "INSTRUMENT_DECLINED": FailureCode.DO_NOT_HONOR,
    "PAYER_ACTION_REQUIRED": FailureCode.AUTHENTICATION_FAILED,
    "PAYER_CANNOT_PAY": FailureCode.DO_NOT_HONOR,
    "REFUND_FAILED_INSUFFICIENT_FUNDS": FailureCode.INSUFFICIENT_FUNDS,
    "TRANSACTION_REFUSED": FailureCode.FRAUD_SUSPECTED,
}
"""PayPal's processor response codes, and its issues (developer.paypal.com, Orders v2 and Payments
v2). An issue is the name of an error in an answer."""


def from_stripe(decline_code: str | None, code: str | None) -> FailureCode:
    """Return the failure code of a Stripe decline. A decline code is tried before an error code."""
    for given in (decline_code, code):
        if given in _STRIPE:
            return _STRIPE[given]
    return FailureCode.DO_NOT_HONOR


def from_paypal(codes: Iterable[str], otherwise: FailureCode) -> FailureCode:
    """Return the failure code of the first known PayPal code, else ``otherwise``.

    PayPal's codes are processor response codes or issues.
    """
    return next((_PAYPAL[code] for code in codes if code in _PAYPAL), otherwise)


def known_codes(codes: Iterable[str]) -> list[str]:
    """Return the stored codes that this version knows, and drop the others.

    A newer version may have written codes that this one does not know. An unknown code then causes
    no fallback, which is the safe choice.
    """
    return [code for code in codes if code in FailureCode.__members__.values()]
