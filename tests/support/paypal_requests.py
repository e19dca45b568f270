"""Requests to PayPal's adapter, for the tests."""

from __future__ import annotations

from groat.kernel import ids
from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.money import Money
from groat.providers.port import AuthorizeRequest, CancelRequest, CaptureRequest, RefundRequest

PAYMENT_ID = PaymentId(ids.uuid7())
REFUND_ID = RefundId(ids.uuid7())
AMOUNT = Money(1050, "EUR")
ORDER_ID = "5O190127TN364715T"
AUTHORIZATION_ID = "0VF52814937998046"
CAPTURE_ID = "2GG279541U471931P"


def new_key() -> str:
    """Return a key as the engine makes them: an operation's id."""
    return ids.render("operation", ids.uuid7())


def authorize_request(
    method: str | None = "card:vault_visa",
    *,
    capture: bool = True,
    order_id: str | None = None,
    return_url: str | None = None,
    amount: Money = AMOUNT,
    key: str | None = None,
) -> AuthorizeRequest:
    return AuthorizeRequest(
        key or new_key(), PAYMENT_ID, amount, method, capture, return_url, order_id
    )


def capture_request(
    amount: Money = AMOUNT,
    *,
    final: bool = True,
    order_id: str = ORDER_ID,
    authorization_id: str = AUTHORIZATION_ID,
) -> CaptureRequest:
    return CaptureRequest(new_key(), PAYMENT_ID, amount, final, order_id, authorization_id)


def cancel_request(
    order_id: str = ORDER_ID, authorization_id: str | None = AUTHORIZATION_ID
) -> CancelRequest:
    return CancelRequest(new_key(), PAYMENT_ID, order_id, authorization_id)


def refund_request(
    amount: Money = AMOUNT,
    *,
    order_id: str = ORDER_ID,
    capture_id: str = CAPTURE_ID,
    refund_id: RefundId = REFUND_ID,
) -> RefundRequest:
    return RefundRequest(new_key(), PAYMENT_ID, refund_id, amount, order_id, capture_id)
