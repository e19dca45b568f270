"""Ownership of movements: the payment of each, and the bearer of a dispute. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from groat.kernel.ids import PaymentId
from groat.movements.domain.attribution import Owner, Place, attribute
from groat.movements.domain.booking import Attributed, Bearer
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


class OwnedMovement(NamedTuple):
    """A movement of the provider's list with its owner, and our payment that it belongs to.

    ``reason`` says why the owner is not known.
    """

    movement: Movement
    owner: Owner
    payment_id: PaymentId | None = None
    reason: str = "owner unknown"


def owned(
    one: OwnedMovement, payments: Mapping[PaymentId, Payment], claims: Mapping[str, int]
) -> Attributed:
    """Return a movement of the provider's list with its place.

    ``claims`` are the disputed amounts by the provider's ids of the disputes.
    """
    payment = None if one.payment_id is None else payments.get(one.payment_id)
    if payment is None:
        owner = Owner.UNKNOWN if one.owner is Owner.OURS and one.payment_id else one.owner
        return Attributed(one.movement, attribute(one.movement, owner, one.reason))
    return ours(one.movement, payment, claims.get(one.movement.source or ""))


def suspended(movement: Movement, reason: str) -> Attributed:
    """Return a movement whose fact could not be applied, for ``reason``."""
    return Attributed(movement, attribute(movement, Owner.UNKNOWN, reason))
