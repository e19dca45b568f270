"""Build the bodies of requests to PayPal. Pure.

Sources: developer.paypal.com, Orders v2 and Payments v2.
"""

from __future__ import annotations

import re

from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import OperationId, PaymentId, RefundId
from groat.kernel.money import Money
from groat.platform.http.strict_json import Json
from groat.providers.amounts import to_units
from groat.providers.port import (
    AuthorizeRequest,
    CaptureRequest,
    RefundRequest,
    payment_reference,
    refund_reference,
)
from groat.providers.reading import own_operation_id, own_payment_id, own_refund_id

_SAVED = re.compile(r"(card|paypal):([0-9A-Za-z_-]{1,255})", re.ASCII)
"""Form of a saved payment method. The pattern of its id is that of ``vault_id`` in Orders v2."""

_KEY_PREFIX = "groat-"
"""Prefix of the engine's idempotency keys. The id of the operation follows it."""

_REFERENCE_LENGTH = 80
"""Maximum characters of the merchant's reference in an invoice id, which has 127 at most."""

_WHOLE = frozenset({"HUF", "JPY", "TWD"})
"""Currencies that PayPal takes without decimals (developer.paypal.com, "Currency codes")."""


def paypal_value(money: Money) -> str:
    """Return the amount of ``money`` as PayPal's decimal text.

    Raises:
        InvalidRequest: ``amount_not_supported``; PayPal takes the currency without decimals.
    """
    if money.currency in _WHOLE:
        return str(to_units(money, 0))
    return money.decimal()


def order(request: AuthorizeRequest) -> Json:
    """Return the body that creates an order for a payment.

    Raises:
        InvalidRequest: ``amount_not_supported`` or ``invalid_payment_method``.
    """
    details = request.details
    unit: dict[str, Json] = {
        "custom_id": payment_reference(request.payment_id),
        "invoice_id": _invoice_id(request),
        "amount": _amount(request.amount),
    }
    if details.description is not None:
        unit["description"] = details.description
    if details.statement_descriptor is not None:
        unit["soft_descriptor"] = details.statement_descriptor
    return {
        "intent": "CAPTURE" if request.capture else "AUTHORIZE",
        "purchase_units": [unit],
        "payment_source": payment_source(
            request.payment_method, request.return_url, details.customer_email
        ),
    }


def _invoice_id(request: AuthorizeRequest) -> str:
    """Return the invoice id of an order: the merchant's reference, and the operation's key.

    The payer sees it. An account may refuse a second payment with the same invoice id, so the key
    makes each attempt's different. By the key, a look-up tells the order of an attempt.
    """
    reference = request.details.reference
    known = "" if reference is None else f"{reference[:_REFERENCE_LENGTH]} "
    return f"{known}{request.idempotency_key}"


def own_operation(invoice_id: str | None) -> OperationId | None:
    """Return the operation that an invoice id names, None if it names none."""
    _, _, key = (invoice_id or "").rpartition(" ")
    return own_operation_id(key.removeprefix(_KEY_PREFIX))


def payment_source(
    payment_method: str | None, return_url: str | None, email: str | None = None
) -> Json:
    """Return the payment source of an order (Orders v2, ``payment_source_request``).

    ``card:ID`` and ``paypal:ID`` name a card or a wallet that PayPal's vault has saved. Without a
    payment method the payer signs in at PayPal and needs a ``return_url`` to come back to.
    PayPal's page shows ``email``, so that the payer need not type it.

    Raises:
        InvalidRequest: ``invalid_payment_method``.
    """
    if payment_method is None:
        if return_url is None:
            raise InvalidRequest(
                "invalid_payment_method",
                "A PayPal payment without a payment_method needs a return_url: the customer pays "
                "on PayPal's page.",
            )
        named: dict[str, Json] = {} if email is None else {"email_address": email}
        return {"paypal": {**named, **_context("paypal", return_url)}}
    saved = _SAVED.fullmatch(payment_method)
    if saved is None:
        raise InvalidRequest(
            "invalid_payment_method",
            "PayPal's payment methods are card:ID and paypal:ID, with the ID from PayPal's vault. "
            "Leave payment_method out to let the customer pay on PayPal's page.",
        )
    kind, vault_id = saved.groups()
    return {kind: {"vault_id": vault_id, **_context(kind, return_url)}}


def _context(kind: str, return_url: str | None) -> dict[str, Json]:
    """Return the context that sends the payer back to ``return_url``; empty without one."""
    if return_url is None:
        return {}
    back: dict[str, Json] = {"return_url": return_url, "cancel_url": return_url}
    if kind == "paypal":
        back["user_action"] = "PAY_NOW"  # the amount is final
    return {"experience_context": back}


def capture(request: CaptureRequest) -> Json:
    """Return the body that captures an authorization.

    ``invoice_id`` is the operation's key, so that a look-up finds the capture again.

    Raises:
        InvalidRequest: ``amount_not_supported``.
    """
    return {
        "amount": _amount(request.amount),
        "final_capture": request.final,
        "invoice_id": request.idempotency_key,
    }


def refund(request: RefundRequest) -> Json:
    """Return the body that refunds a capture. It carries the ids of the payment and the refund.

    Raises:
        InvalidRequest: ``amount_not_supported``.
    """
    return {"amount": _amount(request.amount), "custom_id": refund_custom_id(request)}


def refund_custom_id(request: RefundRequest) -> str:
    """Return the ``custom_id`` of a refund: the ids of the payment and the refund, joined by a dot.

    PayPal allows letters, digits and ``-_.,`` in it.
    """
    return f"{payment_reference(request.payment_id)}.{refund_reference(request.refund_id)}"


def own_ids(custom_id: str | None) -> tuple[PaymentId | None, RefundId | None]:
    """Parse the ids of the payment and the refund in a ``custom_id``. Return None for a missing id.

    Any text is valid input: other systems write their own.
    """
    payment, _, refund = (custom_id or "").partition(".")
    return own_payment_id(payment), own_refund_id(refund)


def _amount(money: Money) -> Json:
    return {"currency_code": money.currency, "value": paypal_value(money)}
