"""Payment intents, charges and their errors in the JSON of Stripe's API."""

from __future__ import annotations

from groat.simulator.stripe.cards import Decline, StripeCard
from groat.simulator.stripe.model import Intent, IntentExtras, Method, StripeCharge
from groat.simulator.wire import JsonObject

PAGE_PATH = "/3d_secure"
"""Path of the simulated page of the customer's bank."""

_NO_ADDRESS = {
    "address": {
        "city": None,
        "country": None,
        "line1": None,
        "line2": None,
        "postal_code": None,
        "state": None,
    },
    "email": None,
    "name": None,
    "phone": None,
}


def payment_intent(intent: Intent) -> JsonObject:
    """Return the present state of an intent."""
    charge, extras = intent.charge, intent.extras
    capturable = intent.amount if intent.status == "requires_capture" else 0
    return {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": capturable,
        "amount_details": {"tip": {}},
        "amount_received": charge.amount_captured if charge else 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": _automatic_methods(intent.allow_redirects),
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": intent.capture_method,
        "client_secret": intent.client_secret,
        "confirmation_method": extras.confirmation_method,
        "created": intent.created,
        "currency": intent.currency,
        "customer": extras.customer,
        "description": intent.description,
        "last_payment_error": intent.error,
        "latest_charge": charge.id if charge else None,
        "livemode": False,
        "metadata": intent.metadata,
        "next_action": intent.next_action,
        "on_behalf_of": None,
        "payment_method": intent.method.id if intent.method else None,
        "payment_method_options": {},
        "payment_method_types": intent.payment_method_types,
        "processing": None,
        "receipt_email": extras.receipt_email,
        "setup_future_usage": extras.setup_future_usage,
        "shipping": _shipping(extras),
        "statement_descriptor": extras.statement_descriptor,
        "statement_descriptor_suffix": extras.statement_descriptor_suffix,
        "status": intent.status,
        "transfer_data": None,
        "transfer_group": extras.transfer_group,
    }


def charge(made: StripeCharge) -> JsonObject:
    """Return the present state of a charge. Its metadata and description are the intent's."""
    intent, decline = made.intent, made.decline
    return {
        "id": made.id,
        "object": "charge",
        "amount": intent.amount,
        "amount_captured": made.amount_captured,
        "amount_refunded": made.amount_refunded,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": made.balance_transaction,
        "billing_details": _NO_ADDRESS,
        "calculated_statement_descriptor": "GROAT SIMULATOR",
        "captured": made.captured,
        "created": made.created,
        "currency": intent.currency,
        "customer": intent.extras.customer,
        "description": intent.description,
        "disputed": made.dispute is not None,
        "failure_balance_transaction": made.failure_balance_transaction,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent.metadata,
        "on_behalf_of": None,
        "outcome": _outcome(decline),
        "paid": made.paid,
        "payment_intent": intent.id,
        "payment_method": made.method.id,
        "payment_method_details": _method_details(made),
        "receipt_email": intent.extras.receipt_email,
        "receipt_url": None,
        "refunded": made.captured and made.unrefunded == 0,
        "shipping": _shipping(intent.extras),
        "statement_descriptor": intent.extras.statement_descriptor,
        "status": "pending" if made.pending else "succeeded" if made.paid else "failed",
    }


def next_action(intent: Intent, host: str) -> JsonObject:
    """Return the customer's next action: a redirect to the bank's page, or a step in Stripe.js."""
    if intent.return_url is None:
        step = {"type": "three_d_secure_redirect"}
        return {"type": "use_stripe_sdk", "use_stripe_sdk": step}
    page = {"return_url": intent.return_url, "url": f"{host}{PAGE_PATH}/{intent.id}"}
    return {"type": "redirect_to_url", "redirect_to_url": page}


def decline_error(declined: StripeCharge, decline: Decline) -> JsonObject:
    """Return the ``card_error`` of a declined charge."""
    error: JsonObject = {
        "charge": declined.id,
        "code": decline.code,
        "message": decline.message,
        "payment_method": payment_method(declined.method),
        "type": "card_error",
    }
    if decline.decline_code is None:
        return error
    return {**error, "decline_code": decline.decline_code}


def authentication_error(method: Method) -> JsonObject:
    """Return the error of an intent whose customer failed the authentication."""
    return {
        "code": "payment_intent_authentication_failure",
        "message": "The provided PaymentMethod has failed authentication.",
        "payment_method": payment_method(method),
        "type": "invalid_request_error",
    }


def decline_reply(intent: JsonObject, error: JsonObject) -> JsonObject:
    """Return the body of the 402 for a declined charge, which carries the intent."""
    return {"error": {**error, "payment_intent": intent}}


def _automatic_methods(allow_redirects: str | None) -> JsonObject | None:
    if allow_redirects is None:
        return None
    return {"allow_redirects": allow_redirects, "enabled": True}


def _shipping(extras: IntentExtras) -> JsonObject | None:
    return None if extras.shipping is None else extras.shipping.model_dump()


def _method_details(made: StripeCharge) -> JsonObject:
    if made.card.debit:
        return {made.card.brand: _bank_account(made.card), "type": made.card.brand}
    card = _card(made.card)
    if made.capture_before is not None:
        card = {**card, "capture_before": made.capture_before}
    return {"card": card, "type": "card"}


def payment_method(method: Method) -> JsonObject:
    """Return a payment method."""
    kind = method.card.brand if method.card.debit else "card"
    return {
        "id": method.id,
        "object": "payment_method",
        "billing_details": _NO_ADDRESS,
        kind: _bank_account(method.card) if method.card.debit else _card(method.card),
        "customer": method.customer,
        "livemode": False,
        "metadata": method.metadata,
        "type": kind,
    }


def _card(card: StripeCard) -> JsonObject:
    return {
        "brand": card.brand,
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "funding": "credit",
        "last4": card.last4,
    }


def _bank_account(account: StripeCard) -> JsonObject:
    if account.brand == "sepa_debit":
        return {"bank_code": "19043", "branch_code": "", "country": "AT", "last4": account.last4}
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "last4": account.last4,
        "routing_number": "110000000",
    }


def _outcome(decline: Decline | None) -> JsonObject:
    if decline is None:
        return {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "network_status": "declined_by_network",
        "reason": decline.decline_code or decline.code,
        "risk_level": "normal",
        "seller_message": "The bank did not accept this charge.",
        "type": "issuer_declined",
    }
