"""A payment's life, as data: for every status and every fact, what comes of it.

The table is total. Terminal statuses are never left; a fact that contradicts one is recorded as
late and changes nothing. Order never comes from timestamps: this table decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from groat.providers.domain.facts import Captured, Declined, Fact, NeverSent, Pending


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


class Standing(StrEnum):
    """The fact leaves the payment as it is."""

    ALREADY_SO = "already_so"
    LATE = "late"
    CONTRADICTION = "contradiction"
    """Money moved that this payment cannot account for: quarantined for an operator."""


Answer: TypeAlias = Next | Standing
FactKind: TypeAlias = type[Captured] | type[Declined] | type[Pending] | type[NeverSent]

LIFECYCLE: dict[tuple[Status, FactKind], Answer] = {
    (Status.PROCESSING, Pending): Standing.ALREADY_SO,
    (Status.PROCESSING, Captured): Next(Status.SUCCEEDED),
    (Status.PROCESSING, Declined): Next(Status.FAILED),
    (Status.PROCESSING, NeverSent): Next(Status.FAILED),
    (Status.SUCCEEDED, Pending): Standing.LATE,
    (Status.SUCCEEDED, Captured): Standing.CONTRADICTION,
    (Status.SUCCEEDED, Declined): Standing.LATE,
    (Status.SUCCEEDED, NeverSent): Standing.LATE,
    (Status.FAILED, Pending): Standing.LATE,
    (Status.FAILED, Captured): Standing.CONTRADICTION,
    (Status.FAILED, Declined): Standing.ALREADY_SO,
    (Status.FAILED, NeverSent): Standing.LATE,
}
"""A capture that was applied before is told apart first, by its effect: see ``decisions``."""


def answer(status: Status, fact: Fact) -> Answer:
    """Return what comes of ``fact`` for a payment in ``status``."""
    return LIFECYCLE[status, type(fact)]
