"""The rules of a circuit breaker. Pure: they take a circuit and the time, and return the next one.

A breaker opens after a number of failures in a row within a window. A rule on the failure rate was
rejected for two reasons. It needs a shared write for every success, so for every payment. And a
rate says nothing about an account with three payments an hour. With failures in a row, a success
that follows a success writes nothing and so costs nothing. If one call in five succeeds, the
breaker stays closed. See Nygard, "Release It!", chapter 5, and
https://martinfowler.com/bliki/CircuitBreaker.html.

The rules compare times of different hosts, and assume clocks that agree within about a second. If
they do not, a breaker stays open for at most twice its cooldown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, NonNegativeInt

from groat.kernel.backoff import Backoff


class BreakerState(StrEnum):
    """Whether a breaker allows all calls, no calls, or single probes."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """The limits at which a breaker opens, and its times."""

    failures: int = 5
    """Failures in a row that open the breaker."""
    window: timedelta = timedelta(seconds=30)
    """Maximum age of the first of these failures."""
    cooldown: timedelta = timedelta(seconds=15)
    """Time that a breaker stays open at first. It doubles after every failed probe."""
    longest_cooldown: timedelta = timedelta(minutes=5)
    """Maximum time that a breaker stays open before it allows a probe."""
    probe_interval: timedelta = timedelta(seconds=10)
    """Minimum time between two probes: a probe should have its answer by then."""

    @property
    def backoff(self) -> Backoff:
        """The cooldowns, before their jitter."""
        return Backoff(self.cooldown.total_seconds(), self.longest_cooldown.total_seconds())


@dataclass(frozen=True, slots=True)
class Circuit:
    """The state of one name's breaker. Redis holds it as signed JSON."""

    failed_at: tuple[AwareDatetime, ...] = ()
    """Times of the failures since the last success, while the breaker is closed."""
    opened_at: AwareDatetime | None = None
    cooldown: timedelta = timedelta(0)
    openings: NonNegativeInt = 0
    """Times that the breaker opened since it was last closed."""
    probed_at: AwareDatetime | None = None
    """Time of the last probe since the breaker opened."""


HEALTHY = Circuit()
POLICY = BreakerPolicy()

Rule = Callable[[Circuit], Circuit]
"""Returns the next state of a circuit, or an equal circuit to change nothing."""

_JITTER = 0.25  # accounts of one provider fail at one time; their probes are spread out


def state_of(circuit: Circuit, now: datetime, policy: BreakerPolicy) -> BreakerState:
    """Return the state at ``now``. An open breaker is half-open after its cooldown."""
    if circuit.opened_at is None:
        return BreakerState.CLOSED
    cooldown = min(circuit.cooldown, policy.longest_cooldown)
    is_open = are_near(circuit.opened_at, now, cooldown)
    return BreakerState.OPEN if is_open else BreakerState.HALF_OPEN


def probed(circuit: Circuit, now: datetime, policy: BreakerPolicy) -> Circuit:
    """Return ``circuit`` with a new probe, if it is half-open and no probe is under way."""
    if state_of(circuit, now, policy) is not BreakerState.HALF_OPEN:
        return circuit
    if circuit.probed_at is not None and are_near(circuit.probed_at, now, policy.probe_interval):
        return circuit
    return replace(circuit, probed_at=now)


def succeeded(circuit: Circuit, now: datetime, policy: BreakerPolicy) -> Circuit:
    """Return ``circuit`` after a successful call: closed and without failures.

    An open circuit stays as it is: the call began before it opened, and proves nothing about now.
    """
    return circuit if state_of(circuit, now, policy) is BreakerState.OPEN else HEALTHY


def failed(circuit: Circuit, now: datetime, policy: BreakerPolicy, jitter: float) -> Circuit:
    """Return ``circuit`` after a failed call; ``jitter`` is from 0 to 1.

    An open circuit, or a half-open one without a probe, stays as it is: the call began before the
    circuit opened, and belongs to the failures that opened it.
    """
    match state_of(circuit, now, policy):
        case BreakerState.CLOSED:
            recent = tuple(at for at in circuit.failed_at if are_near(at, now, policy.window))
            if len(recent) + 1 < policy.failures:
                return Circuit(failed_at=(*recent, now))
            return _opened(circuit, now, policy, jitter)
        case BreakerState.HALF_OPEN if circuit.probed_at is not None:
            return _opened(circuit, now, policy, jitter)
        case BreakerState.OPEN | BreakerState.HALF_OPEN:
            return circuit


def _opened(circuit: Circuit, now: datetime, policy: BreakerPolicy, jitter: float) -> Circuit:
    cooldown = timedelta(seconds=policy.backoff.ceiling(circuit.openings + 1))
    if circuit.openings:
        cooldown *= 1 - _JITTER * jitter
    return Circuit(opened_at=now, cooldown=cooldown, openings=circuit.openings + 1)


def are_near(then: datetime, now: datetime, limit: timedelta) -> bool:
    """Tell whether ``then`` and ``now`` are less than ``limit`` apart, in either order.

    A time in the future comes from another host's clock, or from this clock before it was set back.
    It must not count as recent for longer than ``limit``: a breaker could stay open for hours.
    """
    return abs(now - then) < limit
