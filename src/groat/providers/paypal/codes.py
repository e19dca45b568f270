"""Translate PayPal's processor response codes and issues to failure codes. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from groat.providers.domain.failures import FailureCode

_CODES: dict[str, FailureCode] = {
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


def failure_code(codes: Iterable[str], otherwise: FailureCode) -> FailureCode:
    """Return the failure code of the first known PayPal code, else ``otherwise``.

    PayPal's codes are processor response codes or issues.
    """
    return next((_CODES[code] for code in codes if code in _CODES), otherwise)
