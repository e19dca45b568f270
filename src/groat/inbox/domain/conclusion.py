"""The conclusion of a try on a provider event: settle it for good, or retry it after a delay."""

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
    """The status of an event. The first three are open: the event is tried when it is due."""

    PENDING = "pending"
    """No try has reached a conclusion since the event arrived or was replayed."""
    DEFERRED = "deferred"
    """The event arrived before a fact that it builds on, and waits for that fact."""
    RETRYING = "retrying"
    """A try failed, for example because the provider did not answer. Another try follows."""
    PROCESSED = "processed"
    """The facts of the event are applied, by this event or before it."""
    IGNORED = "ignored"
    """The event has no fact about a payment of the engine."""
    SUPERSEDED = "superseded"
    """The facts of the event came too late to change anything."""
    DEAD = "dead"
    """The event cannot or must not be applied. An operator decides, and may replay it."""

    @property
    def is_open(self) -> bool:
        """Whether an event with this status is not settled yet."""
        return self in _OPEN


_OPEN = {EventStatus.PENDING, EventStatus.DEFERRED, EventStatus.RETRYING}


class Settled(Value):
    """The event is settled for good.

    ``reason`` says why it had no effect of its own, and is None if it had one.
    """

    status: EventStatus
    reason: str | None = None


class RetryLater(Value):
    """The event is retried after ``delay``; ``reason`` names the obstacle."""

    status: EventStatus
    delay: timedelta
    reason: str


Conclusion: TypeAlias = Settled | RetryLater

NOTHING_OF_INTEREST = Settled(EventStatus.IGNORED, "no_fact_in_event")
"""Conclusion on an event without facts."""
KILLS_WORKERS = Settled(EventStatus.DEAD, "kills_workers")
"""Conclusion on an event whose claims were lost with their workers too often."""

_SETTLED: dict[Outcome, Settled] = {
    Outcome.AMOUNT_MISMATCH: Settled(EventStatus.DEAD, Outcome.AMOUNT_MISMATCH.value),
    Outcome.CONTRADICTION: Settled(EventStatus.DEAD, Outcome.CONTRADICTION.value),
    Outcome.PREMATURE: Settled(EventStatus.DEAD, Outcome.PREMATURE.value),
    Outcome.APPLIED: Settled(EventStatus.PROCESSED),
    Outcome.LATE: Settled(EventStatus.SUPERSEDED, Outcome.LATE.value),
    Outcome.ALREADY_SO: Settled(EventStatus.PROCESSED, Outcome.ALREADY_SO.value),
    Outcome.UNKNOWN_PAYMENT: Settled(EventStatus.IGNORED, Outcome.UNKNOWN_PAYMENT.value),
    Outcome.FOREIGN: Settled(EventStatus.IGNORED, Outcome.FOREIGN.value),
}
"""Conclusion for each outcome of a fact, the gravest outcome first."""

FAST_TRIES = 5
"""Tries in the fast lane: they take about a minute and outlast a brief fault."""

MOST_TRIES = 150
"""Maximum tries of an event: they outlast an outage of three days.

Slow tries are at most an hour apart, and half an hour on average.
"""

MOST_UNKNOWN = 10
"""Maximum tries of an event whose payment is unknown: they take about a quarter of an hour.

By then, recovery has usually looked up payments whose provider answer was lost. An event that names
only the provider's ids can then be matched with its payment, or belongs to another system.
"""

MOST_POISONED = 3
"""Maximum tries that fail unforeseen in the same way, since such a failure usually recurs."""

_FAST = Backoff(base_seconds=2.0, cap_seconds=64.0)
"""Delays of the fast lane: at most 2 seconds after the first try, doubling with each try."""
_SLOW = Backoff(base_seconds=120.0, cap_seconds=3600.0)
"""Delays of the slow lane: at most 2 minutes at first, doubling with each try up to an hour."""

_EARLY = {Outcome.PREMATURE: MOST_TRIES, Outcome.UNKNOWN_PAYMENT: MOST_UNKNOWN}
"""Outcomes of facts that arrived too early, with the maximum tries for which the event waits."""


class Tries(Value):
    """The failed tries of an event before the current try.

    ``failures`` is their number. The last ``alike`` of them failed with ``reason``.
    """

    failures: int
    alike: int
    reason: str | None

    @property
    def total(self) -> int:
        """Number of tries, including the current one."""
        return self.failures + 1

    def of(self, reason: str) -> int:
        """Count the tries in a row that failed with ``reason``, including the current one.

        Tries that failed for other reasons do not count. Example: an outage of the provider does
        not use up the tries of an event that waits for its payment.
        """
        return self.alike + 1 if reason == self.reason else 1


def settle(outcomes: Sequence[Outcome], tries: Tries, random: Random) -> Conclusion:
    """Conclude on an event from the outcomes of its facts.

    An event may arrive before a fact that it builds on; it is then deferred. If its payment is
    unknown, it waits for ``MOST_UNKNOWN`` tries, after which it counts as another system's event. A
    refund or dispute of an unknown capture waits for ``MOST_TRIES``, unless the provider says that
    the capture belongs to another system. An event with a quarantined fact does not wait. In all
    other cases the gravest outcome decides.
    """
    if QUARANTINED.isdisjoint(outcomes):
        for early, most in _EARLY.items():
            waited = tries.of(early.value)
            if early in outcomes and waited < most and tries.total < MOST_TRIES:
                return RetryLater(EventStatus.DEFERRED, retry_delay(waited, random), early.value)
    for outcome, settled in _SETTLED.items():
        if outcome in outcomes:
            return settled
    return NOTHING_OF_INTEREST


def retry(reason: str, tries: Tries, random: Random) -> Conclusion:
    """Conclude on an event that met an obstacle, such as an outage: retry it, or let it die."""
    return _retry_or_die(reason, tries.total, MOST_TRIES, random)


def poisoned(reason: str, tries: Tries, random: Random) -> Conclusion:
    """Conclude on an event that caused an unforeseen failure: retry it, or let it die."""
    return _retry_or_die(reason, tries.of(reason), MOST_POISONED, random)


def not_ours(reason: str) -> Conclusion:
    """Conclude on an event of another system, another connected account or the other mode."""
    return Settled(EventStatus.IGNORED, reason)


def unreadable(reason: str) -> Conclusion:
    """Conclude on an event that cannot be read: dead, since a retry would read the same bytes."""
    return Settled(EventStatus.DEAD, f"unreadable: {reason}")


def _retry_or_die(reason: str, tries: int, most: int, random: Random) -> Conclusion:
    """Retry an event after ``tries`` failed tries; declare it dead if they are ``most``."""
    if tries >= most:
        return Settled(EventStatus.DEAD, reason)
    return RetryLater(EventStatus.RETRYING, retry_delay(tries, random), reason)


def retry_delay(tries: int, random: Random) -> timedelta:
    """Return the delay after ``tries`` failed tries: exponential, with full jitter.

    The fast lane has 5 tries within about a minute and outlasts a brief fault. The slow lane
    outlasts an outage of days: its longest delay doubles from 2 minutes to an hour. See
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    lane, attempt = (_FAST, tries) if tries <= FAST_TRIES else (_SLOW, tries - FAST_TRIES)
    return timedelta(seconds=lane.seconds(attempt, random))
