"""PayPal's objects in JSON, in the form of its REST API reference.

``host`` is the simulator's own address as the client knows it, without a slash at the end.
"""

from __future__ import annotations

from datetime import datetime

from groat.kernel.money import Money
from groat.simulator.paypal.fees import fee_on
from groat.simulator.paypal.model import (
    TAKEN,
    PayPalAuthorization,
    PayPalCapture,
    PayPalDispute,
    PayPalOrder,
    PayPalRefund,
    Records,
    Webhook,
)
from groat.simulator.paypal.requests import PurchaseUnitBody
from groat.simulator.wire import JsonObject

CHECKOUT_PATH = "/checkoutnow"
"""Path of the page on which a payer approves an order."""

EVENTS_PATH = "/v1/notifications/webhooks-events"
MERCHANT_ID = "GROATSIMULATE"
PAYER_ID = "SIMULATEDPAYR"
PAYER_EMAIL = "payer@example.com"
REVERSAL_NOTE = "Payment reversed"
"""The note on reversals, which PayPal makes by itself."""


def order_object(order: PayPalOrder, records: Records, host: str) -> JsonObject:
    """Return an order with its payments. An order with a declined capture is completed too."""
    path = f"{host}/v2/checkout/orders/{order.id}"
    links = [link(path, "self")]
    if order.waits:
        relation = "approve" if order.status == "CREATED" else "payer-action"
        links.append(link(f"{host}{CHECKOUT_PATH}?token={order.id}", relation))
    if order.status in {"CREATED", "APPROVED"}:
        links.append(link(f"{path}/{order.intent.lower()}", order.intent.lower(), "POST"))
    return {
        "id": order.id,
        "intent": order.intent,
        "status": order.status,
        **_source(order),
        "purchase_units": [_unit_object(order, records, host)],
        **_times(order),
        "links": links,
    }


def reversed_approval(order: PayPalOrder) -> JsonObject:
    """Return the resource of a reversed approval, whose id has another name than an order's."""
    unit: JsonObject = {
        "reference_id": order.unit.reference_id,
        "amount": amount(order.money),
        **_references(order.unit),
    }
    return {"order_id": order.id, "purchase_units": [unit]}


def authorization_object(
    authorization: PayPalAuthorization, order: PayPalOrder, host: str
) -> JsonObject:
    """Return an authorization."""
    path = f"{host}/v2/payments/authorizations/{authorization.id}"
    return {
        "id": authorization.id,
        "status": authorization.status,
        "amount": amount(authorization.money),
        "expiration_time": rfc3339(authorization.expires),
        "seller_protection": {"status": "NOT_ELIGIBLE"},
        **_references(order.unit),
        "supplementary_data": {"related_ids": {"order_id": order.id}},
        "links": [
            link(path, "self"),
            link(f"{path}/capture", "capture", "POST"),
            link(f"{path}/void", "void", "POST"),
            link(f"{host}/v2/checkout/orders/{order.id}", "up"),
        ],
        **_times(authorization),
    }


def capture_object(capture: PayPalCapture, order: PayPalOrder, host: str) -> JsonObject:
    """Return a capture, in any status."""
    related = {"order_id": order.id}
    up = f"{host}/v2/checkout/orders/{order.id}"
    if capture.authorization_id is not None:
        related["authorization_id"] = capture.authorization_id
        up = f"{host}/v2/payments/authorizations/{capture.authorization_id}"
    path = f"{host}/v2/payments/captures/{capture.id}"
    return {
        "id": capture.id,
        "status": capture.status,
        **({"status_details": {"reason": "PENDING_REVIEW"}} if capture.status == "PENDING" else {}),
        "amount": amount(capture.money),
        "final_capture": capture.final,
        "disbursement_mode": "INSTANT",
        "seller_protection": {"status": "NOT_ELIGIBLE"},
        **_references(order.unit),
        **({} if capture.invoice_id is None else {"invoice_id": capture.invoice_id}),
        **_processor_response(order, capture.response_code),
        "supplementary_data": {"related_ids": related},
        "links": [link(path, "self"), link(f"{path}/refund", "refund", "POST"), link(up, "up")],
        **_times(capture),
        **(_breakdown(capture.money) if capture.status in TAKEN else {}),
    }


def refund_object(refund: PayPalRefund, records: Records, host: str) -> JsonObject:
    """Return a refund. Only its link ``up`` names its capture."""
    made = records.refunds_of(refund.capture_id)
    until = [one.money.amount for one in made if one.created <= refund.created]
    fee, currency = refund.fee_back, refund.money.currency
    known: dict[str, str | None] = {
        "custom_id": refund.custom_id,
        "invoice_id": refund.invoice_id,
        "note_to_payer": REVERSAL_NOTE if refund.reversal else refund.note,
    }
    return {
        "id": refund.id,
        "status": refund.status,
        "amount": amount(refund.money),
        **{name: value for name, value in known.items() if value is not None},
        "seller_payable_breakdown": {
            "gross_amount": amount(refund.money),
            "paypal_fee": amount(fee),
            "net_amount": amount(Money(refund.money.amount - fee.amount, currency)),
            "total_refunded_amount": amount(Money(sum(until), currency)),
        },
        "links": [
            link(f"{host}/v2/payments/refunds/{refund.id}", "self"),
            link(f"{host}/v2/payments/captures/{refund.capture_id}", "up"),
        ],
        **_times(refund),
    }


def dispute_object(dispute: PayPalDispute, records: Records, host: str) -> JsonObject:
    """Return a dispute in the seller's view."""
    outcome: JsonObject = {
        "outcome_code": dispute.outcome,
        "amount_refunded": amount(dispute.given_back),
    }
    return {
        **dispute_summary(dispute, host),
        "disputed_transactions": [
            _disputed_transaction(records, capture_id) for capture_id in dispute.capture_ids
        ],
        "dispute_life_cycle_stage": "INQUIRY" if dispute.status == "OPEN" else "CHARGEBACK",
        **({"dispute_outcome": outcome} if dispute.outcome else {}),
    }


def _disputed_transaction(records: Records, capture_id: str) -> JsonObject:
    capture = records.captures[capture_id]
    custom = records.orders[capture.order_id].unit.custom_id
    return {
        "buyer_transaction_id": capture_id[::-1],
        "seller_transaction_id": capture_id,
        "create_time": rfc3339(capture.created),
        "transaction_status": "COMPLETED",
        "gross_amount": amount(capture.money),
        "seller": {"merchant_id": MERCHANT_ID},
        **({"custom": custom} if custom else {}),
    }


def dispute_summary(dispute: PayPalDispute, host: str) -> JsonObject:
    """Return a dispute in the short form of a list."""
    return {
        "dispute_id": dispute.id,
        **_times(dispute),
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "status": dispute.status,
        "dispute_amount": amount(dispute.money),
        "dispute_channel": "EXTERNAL" if dispute.chargeback else "INTERNAL",
        "links": [link(f"{host}/v1/customer/disputes/{dispute.id}", "self")],
    }


def webhook_object(webhook: Webhook, host: str) -> JsonObject:
    """Return a webhook. The signature of every delivery covers the webhook's id."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "event_types": [{"name": name, "status": "ENABLED"} for name in webhook.event_types],
        "links": [link(f"{host}/v1/notifications/webhooks/{webhook.id}", "self")],
    }


def amount(money: Money) -> JsonObject:
    """Return money in PayPal's form: a string with all decimals of the currency."""
    return {"currency_code": money.currency, "value": money.decimal()}


def link(href: str, relation: str, method: str = "GET") -> JsonObject:
    """Return a link to a related object or action."""
    return {"href": href, "rel": relation, "method": method}


def rfc3339(moment: datetime) -> str:
    """Return a time in PayPal's form."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _unit_object(order: PayPalOrder, records: Records, host: str) -> JsonObject:
    payments = {
        "authorizations": [
            _within_order(authorization_object(found, order, host), order, found.response_code)
            for found in records.authorizations_of(order.id)
        ],
        "captures": [
            _within_order(capture_object(found, order, host), order, found.response_code)
            for found in records.captures_of(order.id)
        ],
        "refunds": [refund_object(found, records, host) for found in records.refunds_in(order.id)],
    }
    present = {kind: found for kind, found in payments.items() if found}
    return {
        "reference_id": order.unit.reference_id,
        "amount": amount(order.money),
        "payee": {"merchant_id": MERCHANT_ID},
        **_references(order.unit),
        **order.unit.model_dump(include={"description", "soft_descriptor"}, exclude_none=True),
        **({"payments": present} if present else {}),
    }


def _within_order(payment: JsonObject, order: PayPalOrder, code: str) -> JsonObject:
    """Return an authorization or a capture in the form that its order shows.

    It lacks the ids of related objects, and has the processor's response to a card (Orders v2).
    """
    shown = {name: value for name, value in payment.items() if name != "supplementary_data"}
    return {**shown, **_processor_response(order, code)}


def _source(order: PayPalOrder) -> JsonObject:
    """Return the payment source of an order, as far as it is known."""
    if order.status == "CREATED":
        return {}
    if order.method.kind == "card":
        return {
            "payment_source": {"card": {"brand": "VISA", "last_digits": "1111", "type": "CREDIT"}}
        }
    known = {"account_id": PAYER_ID, "account_status": "VERIFIED", "email_address": PAYER_EMAIL}
    return {"payment_source": {"paypal": {} if order.waits else known}}


def _processor_response(order: PayPalOrder, code: str) -> JsonObject:
    """Return the processor's response, which only cards have."""
    if order.method.kind != "card":
        return {}
    return {"processor_response": {"response_code": code}}


def _references(unit: PurchaseUnitBody) -> JsonObject:
    return unit.model_dump(include={"custom_id", "invoice_id"}, exclude_none=True)


def _times(
    record: PayPalOrder | PayPalAuthorization | PayPalCapture | PayPalRefund | PayPalDispute,
) -> JsonObject:
    return {"create_time": rfc3339(record.created), "update_time": rfc3339(record.updated)}


def _breakdown(gross: Money) -> JsonObject:
    """Return gross amount, fee and net amount."""
    fee = fee_on(gross)
    return {
        "seller_receivable_breakdown": {
            "gross_amount": amount(gross),
            "paypal_fee": amount(fee),
            "net_amount": amount(Money(gross.amount - fee.amount, gross.currency)),
        }
    }
