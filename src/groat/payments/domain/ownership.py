"""Ownership: whose money the movements of a report are, and who bears those of a dispute. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from groat.kernel.ids import PaymentId
from groat.movements.domain.attribution import Owner, Place, attribute
from groat.movements.domain.booking import Attributed, Bearer
from groat.payments.domain.dispute import Dispute
from groat.payments.domain.lifecycle import QUARANTINED, Outcome
from groat.payments.domain.payment import Payment
from groat.payments.domain.standing import Arrival
from groat.payments.domain.verdict import Verdict
from groat.providers.domain.facts import DisputeFact
from groat.providers.domain.movements import Movement


def attributed_movements(
    arrival: Arrival, verdict: Verdict, payments: Mapping[PaymentId, Payment]
) -> list[Attributed]:
    """Return the movements of a report with their places.

    A report that waits for an earlier one, or whose payment is not known, brings none: its
    movements come again, with its next try or with the feed. If the fact contradicts the payment,
    its movements are in the books nevertheless, in suspense.
    """
    payment = None if verdict.payment_id is None else payments.get(verdict.payment_id)
    if payment is None or verdict.outcome is Outcome.PREMATURE:
        return []
    fact = arrival.report.fact
    claim = fact.amount.amount if isinstance(fact, DisputeFact) else None
    contradicts = verdict.outcome in QUARANTINED
    return [
        suspended(movement, verdict.outcome.value)
        if contradicts
        else ours(movement, payment, claim)
        for movement in arrival.report.movements
    ]


def ours(movement: Movement, payment: Payment, claim: int | None) -> Attributed:
    """Return a movement of one of our payments. ``claim`` is the disputed amount, if known."""
    attribution = attribute(movement, Owner.OURS)
    if attribution.place is not Place.BENEFICIARY:
        return Attributed(movement, attribution)
    terms = payment.order.terms
    bearer = Bearer(payment.id, terms.beneficiary_id, terms.amount.currency, claim)
    return Attributed(movement, attribution, bearer)


def claim_of(disputes: Mapping[str, Dispute], movement: Movement) -> int | None:
    """Return the disputed amount of a movement; ``disputes`` are by their provider references."""
    dispute = disputes.get(movement.source or "")
    return None if dispute is None else dispute.amount


def suspended(movement: Movement, reason: str) -> Attributed:
    """Return a movement whose fact could not be applied, for ``reason``."""
    return Attributed(movement, attribute(movement, Owner.UNKNOWN, reason))
