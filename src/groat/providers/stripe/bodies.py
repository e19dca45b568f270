"""Build the parameters of calls to Stripe. Pure. Source: docs.stripe.com/api."""

from __future__ import annotations

from typing import Literal

from stripe.params import (
    PaymentIntentCaptureParams,
    PaymentIntentConfirmParams,
    PaymentIntentCreateParams,
    PaymentIntentUpdateParams,
    RefundCreateParams,
)

from groat.kernel.errors import InvalidRequest
from groat.providers.port import (
    AuthorizeRequest,
    CaptureRequest,
    RefundRequest,
    operation_reference,
    payment_reference,
    refund_reference,
)
from groat.providers.stripe.amounts import stripe_units

PAYMENT_METADATA = "groat_payment"
"""Metadata key of the payment's id on PaymentIntents and refunds. Stripe copies it to charges."""

OPERATION_METADATA = "groat_operation"
"""Metadata key of the id of the operation that confirmed a PaymentIntent last. A charge has the id
of the operation that made it, because Stripe copies the metadata at that moment."""

REFUND_METADATA = "groat_refund"
"""Metadata key of the refund's id on refunds."""

WITH_MOVEMENT = "latest_charge.balance_transaction"
"""Fields of a PaymentIntent to expand, so that it contains its charge and the movement of that."""

MOVEMENT = "balance_transaction"
"""Field of a charge or a refund to expand, so that it contains its movement."""

FAILURE_MOVEMENT = "failure_balance_transaction"
"""Field of a failed charge or refund to expand. It returns the money of ``MOVEMENT``."""

NEEDS_METHOD = "A Stripe payment needs a payment_method, the id of a PaymentMethod."


def intent(request: AuthorizeRequest) -> PaymentIntentCreateParams:
    """Return the parameters that create a PaymentIntent.

    ``capture_method`` is not ``automatic_async``: then the answer would have no movement yet.

    Raises:
        InvalidRequest: ``amount_not_supported``; or ``invalid_payment_method`` if there is none.
    """
    if request.payment_method is None:
        raise InvalidRequest("invalid_payment_method", NEEDS_METHOD)
    redirects: Literal["always", "never"] = "always" if request.return_url else "never"
    details = request.details
    order: PaymentIntentCreateParams = {
        "amount": stripe_units(request.amount),
        "currency": request.amount.currency.lower(),
        "payment_method": request.payment_method,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": redirects},
        "capture_method": "automatic" if request.capture else "manual",
        "confirm": True,
        "metadata": _metadata(request),
        "expand": [WITH_MOVEMENT],
    }
    if request.return_url is not None:
        order["return_url"] = request.return_url
    if details.description is not None:
        order["description"] = details.description
    if details.statement_descriptor is not None:
        order["statement_descriptor_suffix"] = details.statement_descriptor
    if details.customer_email is not None:
        order["receipt_email"] = details.customer_email
    return order


def _metadata(request: AuthorizeRequest) -> dict[str, str]:
    """Return the metadata of a PaymentIntent. Groat's own keys cannot be replaced."""
    details = request.details
    own = {
        "reference": details.reference,
        "customer": details.customer_reference,
        PAYMENT_METADATA: payment_reference(request.payment_id),
        OPERATION_METADATA: _operation(request),
    }
    return {**details.metadata, **{key: value for key, value in own.items() if value is not None}}


def _operation(request: AuthorizeRequest) -> str | None:
    wanted = request.operation_id
    return None if wanted is None else operation_reference(wanted)


def next_attempt(request: AuthorizeRequest) -> PaymentIntentUpdateParams:
    """Return the parameters that prepare a declined PaymentIntent for another attempt.

    Raises:
        InvalidRequest: ``invalid_payment_method``; there is none.
    """
    if request.payment_method is None:
        raise InvalidRequest("invalid_payment_method", NEEDS_METHOD)
    params: PaymentIntentUpdateParams = {"payment_method": request.payment_method}
    operation = _operation(request)
    if operation is not None:
        params["metadata"] = {OPERATION_METADATA: operation}
    return params


def confirmation(request: AuthorizeRequest) -> PaymentIntentConfirmParams:
    """Return the parameters that confirm a PaymentIntent."""
    params: PaymentIntentConfirmParams = {"expand": [WITH_MOVEMENT]}
    if request.return_url is not None:
        params["return_url"] = request.return_url
    return params


def capture(request: CaptureRequest) -> PaymentIntentCaptureParams:
    """Return the parameters that capture a PaymentIntent.

    Raises:
        InvalidRequest: ``amount_not_supported``.
    """
    return {"amount_to_capture": stripe_units(request.amount), "expand": [WITH_MOVEMENT]}


def refund(request: RefundRequest) -> RefundCreateParams:
    """Return the parameters that refund a charge. They carry the ids of payment and refund.

    Raises:
        InvalidRequest: ``amount_not_supported``.
    """
    return {
        "charge": request.capture_reference,
        "amount": stripe_units(request.amount),
        "expand": [MOVEMENT],
        "metadata": {
            PAYMENT_METADATA: payment_reference(request.payment_id),
            REFUND_METADATA: refund_reference(request.refund_id),
        },
    }
