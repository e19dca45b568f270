"""PayPal's objects as they go over the wire, in the shape of its REST API reference.

``host`` is the simulator's own address, as its client knows it, without a slash at the end.
"""

from __future__ import annotations

from groat.kernel.money import Money
from groat.simulator.paypal.model import Capture, Happening, Order, Webhook
from groat.simulator.wire import JsonObject

MERCHANT_ID = "GROATSIMULATE"


def amount(money: Money) -> JsonObject:
    """Return money as PayPal writes it: a string with all of the currency's decimals."""
    return {"currency_code": money.currency, "value": money.decimal()}


def capture_object(capture: Capture, host: str) -> JsonObject:
    """Return a capture, paid or declined."""
    link = f"{host}/v2/payments/captures/{capture.id}"
    common: JsonObject = {
        "id": capture.id,
        "status": "COMPLETED" if capture.paid else "DECLINED",
        "amount": amount(capture.money),
        "final_capture": True,
        "disbursement_mode": "INSTANT",
        "seller_protection": {"status": "NOT_ELIGIBLE"},
        **_references(capture),
        "processor_response": {"response_code": capture.response_code},
        "supplementary_data": {"related_ids": {"order_id": capture.order_id}},
        "links": [
            _link(link, "self"),
            _link(f"{host}/v2/checkout/orders/{capture.order_id}", "up"),
        ],
        "create_time": capture.created,
        "update_time": capture.created,
    }
    if not capture.paid:
        return common
    return {**common, "seller_receivable_breakdown": _breakdown(capture.money)}


def order_object(order: Order, host: str) -> JsonObject:
    """Return an order, which is completed even if its capture was declined."""
    unit = order.capture.unit
    return {
        "id": order.id,
        "intent": "CAPTURE",
        "status": "COMPLETED",
        "payment_source": {"card": {"brand": "VISA", "last_digits": "1111", "type": "CREDIT"}},
        "purchase_units": [
            {
                "reference_id": unit.reference_id,
                "amount": amount(order.capture.money),
                "payee": {"merchant_id": MERCHANT_ID},
                **_references(order.capture),
                "payments": {"captures": [capture_object(order.capture, host)]},
            }
        ],
        "create_time": order.created,
        "update_time": order.created,
        "links": [_link(f"{host}/v2/checkout/orders/{order.id}", "self")],
    }


def happenings(order: Order, host: str) -> list[Happening]:
    """Return what there is to tell of a new order: of its capture and, if paid, of itself."""
    capture = order.capture
    subject = capture_object(capture, host)
    if not capture.paid:
        summary = f"A payment of {capture.money} was declined"
        return [Happening("PAYMENT.CAPTURE.DECLINED", "capture", summary, subject)]
    return [
        Happening(
            "PAYMENT.CAPTURE.COMPLETED",
            "capture",
            f"Payment completed for {capture.money}",
            subject,
        ),
        Happening(
            "CHECKOUT.ORDER.COMPLETED",
            "checkout-order",
            "Checkout Order Completed",
            order_object(order, host),
        ),
    ]


def event_object(event_id: str, created: str, what: Happening, host: str) -> JsonObject:
    """Return the envelope of a webhook."""
    link = f"{host}/v1/notifications/webhooks-events/{event_id}"
    return {
        "id": event_id,
        "event_version": "1.0",
        "create_time": created,
        "resource_type": what.resource_type,
        "resource_version": "2.0",
        "event_type": what.event_type,
        "summary": what.summary,
        "resource": what.resource,
        "links": [_link(link, "self"), _link(f"{link}/resend", "resend", method="POST")],
    }


def webhook_object(webhook: Webhook, host: str) -> JsonObject:
    """Return a webhook; its id is part of what every delivery is signed for."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "event_types": [{"name": name, "status": "ENABLED"} for name in webhook.event_types],
        "links": [_link(f"{host}/v1/notifications/webhooks/{webhook.id}", "self")],
    }


def _references(capture: Capture) -> JsonObject:
    return capture.unit.model_dump(include={"custom_id", "invoice_id"}, exclude_none=True)


def _breakdown(gross: Money) -> JsonObject:
    """Return a fee of 3 percent, rounded down to whole minor units: the simulator's own price."""
    fee = Money(gross.amount * 3 // 100, gross.currency)
    net = Money(gross.amount - fee.amount, gross.currency)
    return {"gross_amount": amount(gross), "paypal_fee": amount(fee), "net_amount": amount(net)}


def _link(href: str, relation: str, method: str = "GET") -> JsonObject:
    return {"href": href, "rel": relation, "method": method}
