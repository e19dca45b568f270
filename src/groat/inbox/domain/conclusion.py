"""What becomes of a provider event: settled for good, or tried again, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import TypeAlias

from groat.kernel.backoff import Backoff
from groat.kernel.value import Value
from groat.payments.domain.lifecycle import QUARANTINED, Outcome


class EventStatus(StrEnum):
    """Where an event stands. The first three are open, and tried again when they are due."""

    PENDING = "pending"
    """Not tried yet, or not to an end."""
    DEFERRED = "deferred"
    """It came before what it builds on, and waits for that."""
    RETRYING = "retrying"
    """Something stood in the way."""
    PROCESSED = "processed"
    IGNORED = "ignored"
    SUPERSEDED = "superseded"
    DEAD = "dead"
    """It cannot be applied, or must not: an operator decides, and may replay it."""

    @property
    def is_open(self) -> bool:
        """Whether an event that stands so is yet to be settled."""
        return self in _OPEN


_OPEN = {EventStatus.PENDING, EventStatus.DEFERRED, EventStatus.RETRYING}


class Settled(Value):
    """The event is done with; ``reason`` says why it had no effect of its own."""

    status: EventStatus
    reason: str | None = None


class RetryLater(Value):
    """The event is to be tried again after ``delay``; ``reason`` says what stood in the way."""

    status: EventStatus
    delay: timedelta
    reason: str


Conclusion: TypeAlias = Settled | RetryLater

NOTHING_OF_INTEREST = Settled(EventStatus.IGNORED, "no_fact_in_event")
KILLS_WORKERS = Settled(EventStatus.DEAD, "kills_workers")

_SETTLED: dict[Outcome, Settled] = {
    Outcome.AMOUNT_MISMATCH: Settled(EventStatus.DEAD, Outcome.AMOUNT_MISMATCH.value),
    Outcome.CONTRADICTION: Settled(EventStatus.DEAD, Outcome.CONTRADICTION.value),
    Outcome.FOREIGN_REFUND: Settled(EventStatus.DEAD, Outcome.FOREIGN_REFUND.value),
    Outcome.PREMATURE: Settled(EventStatus.DEAD, Outcome.PREMATURE.value),
    Outcome.APPLIED: Settled(EventStatus.PROCESSED),
    Outcome.LATE: Settled(EventStatus.SUPERSEDED, Outcome.LATE.value),
    Outcome.ALREADY_SO: Settled(EventStatus.PROCESSED, Outcome.ALREADY_SO.value),
    Outcome.UNKNOWN_PAYMENT: Settled(EventStatus.IGNORED, Outcome.UNKNOWN_PAYMENT.value),
    Outcome.FOREIGN: Settled(EventStatus.IGNORED, Outcome.FOREIGN.value),
}
"""For each outcome what it makes of an event, the gravest first."""

FAST_TRIES = 5
"""Within about a minute: they ride out a hiccup."""

MOST_TRIES = 150
"""An outage of three days: the slow tries are at most an hour apart, and half of it on average."""

MOST_UNKNOWN = 10
"""Within a quarter of an hour or so: by then recovery has mostly learned of a payment whose answer
was lost, so that an event which names only the provider's ids is known to be ours, or is not."""

MOST_POISONED = 3
"""A failure that nobody foresaw is as a rule the same each time."""

_FAST = Backoff(base_seconds=2.0, cap_seconds=64.0)
_SLOW = Backoff(base_seconds=120.0, cap_seconds=3600.0)

_EARLY = {Outcome.PREMATURE: MOST_TRIES, Outcome.UNKNOWN_PAYMENT: MOST_UNKNOWN}
"""What a fact may have come before, and for how many tries that is waited for."""


class Tries(Value):
    """How an event fared before this try: so many failures, the last ``alike`` with ``reason``."""

    failures: int
    alike: int
    reason: str | None

    @property
    def total(self) -> int:
        """How often it was tried, this time too."""
        return self.failures + 1

    def of(self, reason: str) -> int:
        """How often in a row it has failed with ``reason``, if it does so now.

        What waits for a payment has not waited for it while the provider was away.
        """
        return self.alike + 1 if reason == self.reason else 1


def settle(outcomes: Sequence[Outcome], tries: Tries, random: Random) -> Conclusion:
    """Return what becomes of an event whose facts came out so.

    A fact may come before what it builds on, which is waited for: a payment that is not known for
    ``MOST_UNKNOWN`` tries, after which it is taken to be foreign; a capture that is refunded or
    disputed for all of them, unless the provider says that it is not ours. Otherwise the gravest of
    the event's facts speaks for it.
    """
    if QUARANTINED.isdisjoint(outcomes):
        for early, most in _EARLY.items():
            alike = tries.of(early.value)
            if early in outcomes and alike < most and tries.total < MOST_TRIES:
                return RetryLater(EventStatus.DEFERRED, retry_delay(alike, random), early.value)
    for outcome, settlement in _SETTLED.items():
        if outcome in outcomes:
            return settlement
    return NOTHING_OF_INTEREST


def retry(reason: str, tries: Tries, random: Random) -> Conclusion:
    """Return what becomes of an event that something stood in the way of, such as an outage."""
    return _again(reason, tries.total, MOST_TRIES, random)


def poisoned(reason: str, tries: Tries, random: Random) -> Conclusion:
    """Return what becomes of an event that an unforeseen failure came of."""
    return _again(reason, tries.of(reason), MOST_POISONED, random)


def not_ours(reason: str) -> Conclusion:
    """Return what becomes of an event that is none of the account's."""
    return Settled(EventStatus.IGNORED, reason)


def unreadable(reason: str) -> Conclusion:
    """Return what becomes of an event that says nothing that can be read: no try changes that."""
    return Settled(EventStatus.DEAD, f"unreadable: {reason}")


def _again(reason: str, tries: int, most: int, random: Random) -> Conclusion:
    if tries >= most:
        return Settled(EventStatus.DEAD, reason)
    return RetryLater(EventStatus.RETRYING, retry_delay(tries, random), reason)


def retry_delay(tries: int, random: Random) -> timedelta:
    """Return how long to wait after ``tries`` tries: exponential, with full jitter.

    The fast lane, 5 tries within about a minute, rides out a hiccup; the slow lane, doubling from a
    minute to an hour, an outage of days. See
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    lane, attempt = (_FAST, tries) if tries <= FAST_TRIES else (_SLOW, tries - FAST_TRIES)
    return timedelta(seconds=lane.seconds(attempt, random))
