"""Decline codes, normalised: what a merchant can act on, whichever provider said no."""

from __future__ import annotations

DECLINE_CODES: dict[str, str] = {
    "authentication_failed": "The customer did not pass the issuer's authentication.",
    "do_not_honor": "The issuer said no and gave no reason.",
    "expired_card": "The card has expired.",
    "fraud_suspected": "The provider or the issuer suspects fraud.",
    "incorrect_details": "The card's number, date or security code is wrong.",
    "insufficient_funds": "The account does not hold enough.",
    "lost_or_stolen": "The card was reported lost or stolen.",
    "method_not_supported": "This payment method cannot be used for this payment.",
    "processing_error": "The provider or the issuer could not process it; it may pass later.",
    "rejected_by_provider": "The provider refused the request itself; look at the operation.",
}
"""Every code a ``Declined`` fact may carry, and what it says."""

_STRIPE: dict[str, str] = {
    "authentication_required": "authentication_failed",
    "expired_card": "expired_card",
    "fraudulent": "fraud_suspected",
    "incorrect_cvc": "incorrect_details",
    "incorrect_number": "incorrect_details",
    "insufficient_funds": "insufficient_funds",
    "invalid_expiry_month": "incorrect_details",
    "invalid_expiry_year": "incorrect_details",
    "lost_card": "lost_or_stolen",
    "processing_error": "processing_error",
    "stolen_card": "lost_or_stolen",
    "card_not_supported": "method_not_supported",
    "currency_not_supported": "method_not_supported",
}
"""Stripe's decline codes and card error codes (docs.stripe.com/declines/codes)."""

_PAYPAL: dict[str, str] = {
    "5120": "insufficient_funds",
    "5400": "expired_card",
    "5180": "incorrect_details",
    "00N7": "incorrect_details",
    "9500": "fraud_suspected",
    "9520": "lost_or_stolen",
    "9530": "lost_or_stolen",
    "5100": "do_not_honor",
    "0500": "do_not_honor",
    "INSTRUMENT_DECLINED": "do_not_honor",
    "PAYER_ACTION_REQUIRED": "authentication_failed",
}
"""PayPal's processor response codes and order issues (developer.paypal.com, Orders v2)."""


def from_stripe(decline_code: str | None, code: str | None) -> str:
    """Return our code for a Stripe decline; the decline code says more than the error code."""
    for given in (decline_code, code):
        if given in _STRIPE:
            return _STRIPE[given]
    return "do_not_honor"


def from_paypal(code: str) -> str:
    """Return our code for a PayPal processor response or issue."""
    return _PAYPAL.get(code, "do_not_honor")
