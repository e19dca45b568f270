"""A payment's life, as data: for every status and every fact, what comes of it.

The table is total. Terminal statuses are never left; a fact that contradicts one is recorded as
late and changes nothing. Order never comes from timestamps: this table decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from groat.providers.domain.facts import Captured, Declined, Fact, NotSent


class Status(StrEnum):
    """Where a payment stands. Amounts, not statuses, say how much was captured.

    A payment is ``processing`` from the moment its first operation is written down, which is before
    the provider is called.
    """

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


TERMINAL = frozenset({Status.SUCCEEDED, Status.FAILED})


@dataclass(frozen=True, slots=True)
class Next:
    """The fact takes the payment to ``status``."""

    status: Status


class Outcome(StrEnum):
    """What became of a fact."""

    APPLIED = "applied"
    ALREADY_SO = "already_so"
    LATE = "late"
    UNKNOWN_PAYMENT = "unknown_payment"
    AMOUNT_MISMATCH = "amount_mismatch"
    CONTRADICTION = "contradiction"


QUARANTINED = frozenset({Outcome.AMOUNT_MISMATCH, Outcome.CONTRADICTION})
"""Money may have moved in a way that the payment cannot account for: nothing is posted, and an
operator decides."""

Answer: TypeAlias = Next | Outcome
FactKind: TypeAlias = type[Captured] | type[Declined] | type[NotSent]

LIFECYCLE: dict[tuple[Status, FactKind], Answer] = {
    (Status.PROCESSING, Captured): Next(Status.SUCCEEDED),
    (Status.PROCESSING, Declined): Next(Status.FAILED),
    (Status.PROCESSING, NotSent): Next(Status.FAILED),
    (Status.SUCCEEDED, Captured): Outcome.CONTRADICTION,
    (Status.SUCCEEDED, Declined): Outcome.LATE,
    (Status.SUCCEEDED, NotSent): Outcome.LATE,
    (Status.FAILED, Captured): Outcome.CONTRADICTION,
    (Status.FAILED, Declined): Outcome.ALREADY_SO,
    (Status.FAILED, NotSent): Outcome.LATE,
}
"""A capture that was applied before is told apart first, by its effect: see ``decisions``."""


def answer(status: Status, fact: Fact) -> Answer:
    """Return what comes of ``fact`` for a payment in ``status``."""
    return LIFECYCLE[status, type(fact)]
