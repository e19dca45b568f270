"""Effects: movements of money at a provider, each posted once by its key. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from groat.kernel.ids import DisputeId, HoldId, ProviderAccountId, RefundId
from groat.kernel.money import Money
from groat.kernel.value import Value
from groat.payments.domain.arrival import Arrival
from groat.payments.domain.payment import Payment
from groat.providers.domain.facts import (
    Captured,
    DisputeReinstated,
    DisputeWithdrawn,
    FeeCharged,
    Refunded,
)


class EffectKind(StrEnum):
    """The movements of money at a provider."""

    CAPTURED = "captured"
    FEE = "fee"
    REFUNDED = "refunded"
    DISPUTE_WITHDRAWN = "dispute_withdrawn"
    DISPUTE_REINSTATED = "dispute_reinstated"


class EffectKey(NamedTuple):
    """The identity of an effect. It contains no event id: two events may report one capture."""

    provider_account_id: ProviderAccountId
    kind: EffectKind
    reference: str


class Effect(Value):
    """A movement of money at a provider, which the ledger posts exactly once.

    A refund spends the hold ``hold_id``. When a dispute gives money back, ``shortfall`` is the part
    of it that the beneficiary still owes us.
    """

    key: EffectKey
    payment: Payment
    money: Money
    hold_id: HoldId | None = None
    refund_id: RefundId | None = None
    dispute_id: DisputeId | None = None
    shortfall: int = 0


def effect_key(arrival: Arrival) -> EffectKey | None:
    """Return the key of the effect of an arrival, None if the arrival moves no money."""
    match arrival.report.fact:
        case Captured(reference=reference):
            kind = EffectKind.CAPTURED
        case FeeCharged(reference=reference):  # a capture has one fee, under any id
            kind, reference = EffectKind.FEE, arrival.report.capture_reference or reference
        case Refunded(reference=reference):
            kind = EffectKind.REFUNDED
        case DisputeWithdrawn(reference=reference):
            kind = EffectKind.DISPUTE_WITHDRAWN
        case DisputeReinstated(reference=reference):
            kind = EffectKind.DISPUTE_REINSTATED
        case _:
            return None
    return EffectKey(arrival.provider_account_id, kind, reference)


def capture_key(arrival: Arrival) -> EffectKey | None:
    """Return the key of the capture that identifies the payment of an arrival without its id."""
    reference = arrival.report.capture_reference
    if arrival.report.payment_id is not None or reference is None:
        return None
    return EffectKey(arrival.provider_account_id, EffectKind.CAPTURED, reference)


def fee_capture_key(arrival: Arrival) -> EffectKey | None:
    """Return the key of the capture that a fee was charged on, None if the fact is no fee."""
    reference = arrival.report.capture_reference
    if not isinstance(arrival.report.fact, FeeCharged) or reference is None:
        return None
    return EffectKey(arrival.provider_account_id, EffectKind.CAPTURED, reference)
