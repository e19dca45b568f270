"""Events as Stripe sends them."""

from __future__ import annotations


def charge_event(event_id: str, charge: str, payment: str, amount: int) -> dict[str, object]:
    """Return what Stripe sends when it has taken ``amount`` cents."""
    subject = {
        "object": "charge",
        "id": charge,
        "status": "succeeded",
        "captured": True,
        "currency": "eur",
        "amount": amount,
        "amount_captured": amount,
        "payment_intent": "pi_1",
        "metadata": {"groat_payment": payment},
    }
    return {"id": event_id, "type": "charge.succeeded", "data": {"object": subject}}
