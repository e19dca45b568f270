"""What becomes of a webhook event: settled for good, or tried again, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import TypeAlias

from groat.payments.domain.lifecycle import QUARANTINED, Outcome


class EventStatus(StrEnum):
    """Where an event stands. All but ``pending`` are for good."""

    PENDING = "pending"
    PROCESSED = "processed"
    IGNORED = "ignored"
    SUPERSEDED = "superseded"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Settled:
    """The event is done with; ``reason`` says why it had no effect of its own."""

    status: EventStatus
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """The event is to be tried again after ``delay``; ``reason`` says what stood in the way."""

    delay: timedelta
    reason: str


Settlement: TypeAlias = Settled | Again

NOTHING_OF_INTEREST = Settled(EventStatus.IGNORED, "no_fact_in_event")

_SETTLED: dict[Outcome, Settled] = {
    Outcome.AMOUNT_MISMATCH: Settled(EventStatus.DEAD, Outcome.AMOUNT_MISMATCH.value),
    Outcome.CONTRADICTION: Settled(EventStatus.DEAD, Outcome.CONTRADICTION.value),
    Outcome.FOREIGN_REFUND: Settled(EventStatus.DEAD, Outcome.FOREIGN_REFUND.value),
    Outcome.PREMATURE: Settled(EventStatus.DEAD, Outcome.PREMATURE.value),
    Outcome.APPLIED: Settled(EventStatus.PROCESSED),
    Outcome.LATE: Settled(EventStatus.SUPERSEDED, Outcome.LATE.value),
    Outcome.ALREADY_SO: Settled(EventStatus.PROCESSED, Outcome.ALREADY_SO.value),
    Outcome.UNKNOWN_PAYMENT: Settled(EventStatus.IGNORED, Outcome.UNKNOWN_PAYMENT.value),
}
"""For each outcome what it makes of an event, the gravest first."""

_FAST_TRIES = 5
_MOST_TRIES = 25
_FAST_BASE = 1.0
_SLOW_BASE = 60.0
_LONGEST = 6 * 3600.0


_EARLY = {Outcome.PREMATURE: _MOST_TRIES, Outcome.UNKNOWN_PAYMENT: _FAST_TRIES}
"""What a fact may have come before, and for how many tries that is waited for."""


def settle(outcomes: Sequence[Outcome], tries: int, random: Random) -> Settlement:
    """Return what becomes of an event whose facts came out so; ``tries`` counts this one.

    A fact may come before what it builds on, which is waited for: a payment that is not known for
    the fast tries, after which it is taken to be foreign; a capture that is refunded or disputed
    for all of them. Otherwise the gravest of the event's facts speaks for it.
    """
    if QUARANTINED.isdisjoint(outcomes):
        for early, most in _EARLY.items():
            if early in outcomes and tries < most:
                return Again(retry_delay(tries, random), early.value)
    for outcome, settlement in _SETTLED.items():
        if outcome in outcomes:
            return settlement
    return NOTHING_OF_INTEREST


def retry(reason: str, tries: int, random: Random) -> Settlement:
    """Return what becomes of an event that could not be applied: again later, or dead at last."""
    if tries >= _MOST_TRIES:
        return Settled(EventStatus.DEAD, reason)
    return Again(retry_delay(tries, random), reason)


def retry_delay(tries: int, random: Random) -> timedelta:
    """Return how long to wait after ``tries`` tries: exponential, with full jitter.

    The fast lane, 5 tries within about a minute, rides out a hiccup; the slow lane, doubling from
    a minute to six hours, an outage of days.
    """
    if tries <= _FAST_TRIES:
        ceiling = _FAST_BASE * 2**tries
    else:
        ceiling = min(_LONGEST, _SLOW_BASE * 2 ** (tries - _FAST_TRIES))
    return timedelta(seconds=random.uniform(0, ceiling))
