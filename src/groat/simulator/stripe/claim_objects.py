"""Refunds and disputes in the JSON of Stripe's API."""

from __future__ import annotations

from groat.simulator.stripe.balance_objects import balance_transaction
from groat.simulator.stripe.model import StripeDispute, StripeRefund
from groat.simulator.wire import JsonObject

_ANSWER_SECONDS_MAX = 9 * 24 * 3600


def refund(made: StripeRefund) -> JsonObject:
    """Return the present state of a refund."""
    common: JsonObject = {
        "id": made.id,
        "object": "refund",
        "amount": made.amount,
        "balance_transaction": made.balance_transaction,
        "charge": made.charge.id,
        "created": made.created,
        "currency": made.charge.intent.currency,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": made.metadata,
        "payment_intent": made.charge.intent.id,
        "reason": made.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": made.status,
        "transfer_reversal": None,
    }
    match made.status:
        case "pending":
            return {**common, "pending_reason": made.pending_reason}
        case "succeeded":
            return common
        case "failed":
            returned = made.failure_balance_transaction
            reason = "expired_or_canceled_card"
            return {**common, "failure_balance_transaction": returned, "failure_reason": reason}


def dispute(made: StripeDispute) -> JsonObject:
    """Return the present state of a dispute."""
    charge = made.charge
    evidence: JsonObject = made.evidence.model_dump()
    return {
        "id": made.id,
        "object": "dispute",
        "amount": made.amount,
        "balance_transactions": [
            balance_transaction(one, one.available_on) for one in made.transactions
        ],
        "charge": charge.id,
        "created": made.created,
        "currency": charge.intent.currency,
        "enhanced_eligibility_types": [],
        "evidence": evidence,
        "evidence_details": {
            "due_by": made.created + _ANSWER_SECONDS_MAX,
            "enhanced_eligibility": {},
            "has_evidence": any(evidence.values()),
            "past_due": False,
            "submission_count": made.submissions,
        },
        "is_charge_refundable": made.inquiry or made.status == "won",
        "livemode": False,
        "metadata": made.metadata,
        "payment_intent": charge.intent.id,
        "payment_method_details": {
            "card": {
                "brand": charge.card.brand,
                "case_type": "inquiry" if made.inquiry else "chargeback",
                "network_reason_code": "83",
            },
            "type": "card",
        },
        "reason": "fraudulent",
        "status": made.status,
    }
