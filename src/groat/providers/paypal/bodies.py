"""What we send to PayPal: pure. Sources: developer.paypal.com, Orders v2 and Payments v2."""

from __future__ import annotations

from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.money import Money
from groat.platform.strict_json import Json
from groat.providers.amounts import to_units
from groat.providers.port import (
    AuthorizeRequest,
    CaptureRequest,
    RefundRequest,
    payment_reference,
    refund_reference,
)
from groat.providers.reading import own_payment_id, own_refund_id

_WHOLE = frozenset({"HUF", "JPY", "TWD"})
"""Currencies that PayPal takes without decimals (developer.paypal.com, "Currency codes")."""


def paypal_value(money: Money) -> str:
    """Return ``money`` as PayPal writes it.

    Raises:
        InvalidRequest: ``amount_not_supported``.
    """
    if money.currency in _WHOLE:
        return str(to_units(money, 0))
    return money.decimal()


def order(request: AuthorizeRequest) -> Json:
    """Return an order. A token has no ``experience_context``, so the context is the order's.

    Raises:
        InvalidRequest: ``amount_not_supported``.
    """
    body: dict[str, Json] = {
        "intent": "CAPTURE" if request.capture else "AUTHORIZE",
        "purchase_units": [
            {
                "custom_id": payment_reference(request.payment_id),
                "amount": _amount(request.amount),
            }
        ],
        "payment_source": {"token": {"id": request.payment_method, "type": "PAYMENT_METHOD_TOKEN"}},
    }
    if request.return_url is not None:
        url = request.return_url
        body["application_context"] = {"return_url": url, "cancel_url": url}
    return body


def capture(request: CaptureRequest) -> Json:
    """Return the capture of an authorization, called by its key so that it is found again.

    Raises:
        InvalidRequest: ``amount_not_supported``.
    """
    return {
        "amount": _amount(request.amount),
        "final_capture": request.final,
        "invoice_id": request.idempotency_key,
    }


def refund(request: RefundRequest) -> Json:
    """Return the refund of a capture, which carries our payment's id and our refund's.

    Raises:
        InvalidRequest: ``amount_not_supported``.
    """
    return {"amount": _amount(request.amount), "custom_id": refund_custom_id(request)}


def refund_custom_id(request: RefundRequest) -> str:
    """Return what we call a refund; PayPal takes letters, digits and ``-_.,`` there."""
    return f"{payment_reference(request.payment_id)}.{refund_reference(request.refund_id)}"


def own_ids(custom_id: str | None) -> tuple[PaymentId | None, RefundId | None]:
    """Return our ids in a refund's ``custom_id``, as far as they are there: of any text."""
    payment, _, refund = (custom_id or "").partition(".")
    return own_payment_id(payment), own_refund_id(refund)


def _amount(money: Money) -> Json:
    return {"currency_code": money.currency, "value": paypal_value(money)}
