from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.inbox.domain.conclusion import (
    NOTHING_OF_INTEREST,
    Conclusion,
    EventStatus,
    RetryLater,
    Settled,
    Tries,
    poisoned,
    retry,
    retry_delay,
    settle,
)
from groat.payments.domain.lifecycle import QUARANTINED, Outcome

FAST_TRIES = 5
MOST_TRIES = 150
MOST_POISONED = 3
MOST_UNKNOWN = 10
HOUR = timedelta(hours=1)


class Alike(Tries):
    """So many tries, this one too, that all ended the same way."""

    def of(self, _reason: str) -> int:
        return self.total


def _alike(count: int) -> Alike:
    return Alike(count - 1, count - 1, None)


def _seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - the same draws every time


def _settle(*outcomes: Outcome, attempts: int = 1) -> Conclusion:
    return settle(outcomes, _alike(attempts), _seeded(1))


class Longest(Random):
    """Draws the upper end, so that a delay shows its bound."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


@pytest.mark.parametrize(
    ("outcome", "settled"),
    [
        (Outcome.APPLIED, Settled(EventStatus.PROCESSED)),
        (Outcome.ALREADY_SO, Settled(EventStatus.PROCESSED, "already_so")),
        (Outcome.LATE, Settled(EventStatus.SUPERSEDED, "late")),
        (Outcome.AMOUNT_MISMATCH, Settled(EventStatus.DEAD, "amount_mismatch")),
        (Outcome.CONTRADICTION, Settled(EventStatus.DEAD, "contradiction")),
    ],
)
@pytest.mark.parametrize("attempts", [1, FAST_TRIES, MOST_TRIES])
def test_a_decided_fact_settles_its_event(
    outcome: Outcome, settled: Settled, attempts: int
) -> None:
    assert _settle(outcome, attempts=attempts) == settled


def test_an_event_without_facts_is_ignored() -> None:
    assert _settle() == NOTHING_OF_INTEREST
    assert NOTHING_OF_INTEREST.status is EventStatus.IGNORED


def test_an_event_waits_for_an_unknown_payment_then_counts_as_foreign() -> None:
    for attempts in range(1, MOST_UNKNOWN):
        again = _settle(Outcome.UNKNOWN_PAYMENT, attempts=attempts)
        assert isinstance(again, RetryLater)
        assert again.reason == "unknown_payment"
    foreign = Settled(EventStatus.IGNORED, "unknown_payment")
    assert _settle(Outcome.UNKNOWN_PAYMENT, attempts=MOST_UNKNOWN) == foreign
    assert _settle(Outcome.UNKNOWN_PAYMENT, attempts=MOST_TRIES) == foreign


def test_a_fact_before_its_capture_waits_until_the_last_try() -> None:
    for attempts in range(1, MOST_TRIES):
        again = _settle(Outcome.PREMATURE, attempts=attempts)
        assert isinstance(again, RetryLater)
        assert again.reason == "premature"
    dead = Settled(EventStatus.DEAD, "premature")
    assert _settle(Outcome.PREMATURE, attempts=MOST_TRIES) == dead


NOT_OURS = {Outcome.UNKNOWN_PAYMENT, Outcome.FOREIGN}


@pytest.mark.parametrize("attempts", [1, FAST_TRIES, MOST_TRIES])
def test_the_gravest_outcome_settles_every_combination(attempts: int) -> None:
    for outcomes in product(Outcome, repeat=3):
        _assert_settled_by_the_gravest(outcomes, attempts)


def _assert_settled_by_the_gravest(outcomes: tuple[Outcome, ...], attempts: int) -> None:
    settlement = _settle(*outcomes, attempts=attempts)
    match settlement:
        case RetryLater(reason=reason):
            assert attempts < (MOST_UNKNOWN if reason == "unknown_payment" else MOST_TRIES)
            assert reason in {Outcome.UNKNOWN_PAYMENT, Outcome.PREMATURE} & set(outcomes)
            assert not QUARANTINED & set(outcomes)
        case Settled(EventStatus.DEAD, "premature"):
            assert attempts >= MOST_TRIES
            assert not QUARANTINED & set(outcomes)
        case Settled(EventStatus.DEAD, reason):
            assert reason in QUARANTINED & set(outcomes)
        case Settled(EventStatus.PROCESSED, None):
            assert Outcome.APPLIED in outcomes
            assert not QUARANTINED & set(outcomes)
        case Settled(EventStatus.SUPERSEDED):
            assert set(outcomes) <= {Outcome.LATE, Outcome.ALREADY_SO, *NOT_OURS}
        case Settled(EventStatus.PROCESSED, "already_so"):
            assert set(outcomes) <= {Outcome.ALREADY_SO, *NOT_OURS}
        case Settled(EventStatus.IGNORED, "unknown_payment"):
            assert set(outcomes) <= NOT_OURS
        case _:
            assert settlement == Settled(EventStatus.IGNORED, "foreign")
            assert set(outcomes) == {Outcome.FOREIGN}


@pytest.mark.parametrize("quarantined", sorted(QUARANTINED))
@pytest.mark.parametrize("other", Outcome)
def test_no_other_outcome_hides_a_quarantined_fact(quarantined: Outcome, other: Outcome) -> None:
    settlement = _settle(other, quarantined, attempts=FAST_TRIES)
    assert isinstance(settlement, Settled)
    assert settlement.status is EventStatus.DEAD


@given(st.integers(1, MOST_TRIES), st.randoms(use_true_random=False))
def test_delays_are_bounded(attempts: int, random: Random) -> None:
    assert timedelta(0) <= retry_delay(attempts, random) <= HOUR


def test_delays_grow_to_their_bound() -> None:
    longest = [retry_delay(attempts, Longest()) for attempts in range(1, MOST_TRIES)]
    assert longest == sorted(longest)
    assert longest[0] == timedelta(seconds=2)
    assert longest[-1] == HOUR
    assert timedelta(seconds=60) <= sum(longest[:FAST_TRIES], timedelta()) <= timedelta(minutes=2)
    on_average = sum(longest, timedelta()) / 2
    assert timedelta(hours=70) <= on_average <= timedelta(hours=76)


def test_delays_are_jittered_over_the_whole_range() -> None:
    delays = [retry_delay(10, _seeded(seed)) / retry_delay(10, Longest()) for seed in range(200)]
    assert min(delays) < 0.05
    assert max(delays) > 0.95


@pytest.mark.parametrize(("fail", "most"), [(retry, MOST_TRIES), (poisoned, MOST_POISONED)])
def test_an_event_dies_after_the_last_try(
    fail: Callable[[str, Tries, Random], Conclusion], most: int
) -> None:
    for attempts in range(1, most):
        again = fail("timeout", _alike(attempts), _seeded(attempts))
        assert isinstance(again, RetryLater)
        assert (again.status, again.reason) == (EventStatus.RETRYING, "timeout")
    for attempts in (most, most + 1):
        assert fail("timeout", _alike(attempts), _seeded(1)) == Settled(EventStatus.DEAD, "timeout")


def test_tries_lost_in_an_outage_do_not_count_against_an_early_event() -> None:
    outage = Tries(failures=100, alike=100, reason="timeout")
    early = settle([Outcome.UNKNOWN_PAYMENT], outage, Longest())
    assert early == RetryLater(EventStatus.DEFERRED, timedelta(seconds=2), "unknown_payment")
    surprise = poisoned("KeyError", outage, Longest())
    assert surprise == RetryLater(EventStatus.RETRYING, timedelta(seconds=2), "KeyError")


def test_alternating_reasons_are_not_retried_for_ever() -> None:
    worn_out = Tries(failures=MOST_TRIES - 1, alike=1, reason="timeout")
    for outcome in (Outcome.UNKNOWN_PAYMENT, Outcome.PREMATURE):
        assert isinstance(settle([outcome], worn_out, Longest()), Settled)
