"""A payment's facts come in any order and more than once; what comes of them is the same."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.money import Money
from groat.payments.domain.decisions import Arrival, Effect, decide
from groat.payments.domain.lifecycle import Outcome, Status
from groat.payments.domain.payment import Payment
from groat.providers.domain.facts import Captured, Declined, Fact
from groat.providers.domain.failures import FailureCode
from tests.unit.payments.examples import (
    AMOUNT,
    CAPTURED,
    DECLINED,
    LATER,
    NOT_SENT,
    OTHER_WEBHOOK,
    REPLY,
    STARTED,
    WEBHOOK,
    arrival,
)

SUCCESS = [
    arrival(CAPTURED, REPLY),
    arrival(CAPTURED, WEBHOOK),
    arrival(CAPTURED, OTHER_WEBHOOK),
    arrival(Captured("ch_lie", Money(1, "EUR")), WEBHOOK),
]
FAILURE = [
    arrival(DECLINED, REPLY),
    arrival(DECLINED, WEBHOOK),
    arrival(DECLINED, OTHER_WEBHOOK),
    arrival(Captured("ch_lie", Money(1, "EUR")), WEBHOOK),
]
ANYTHING = [
    *SUCCESS,
    *FAILURE,
    arrival(Captured("ch_2", AMOUNT), WEBHOOK),
    arrival(Declined(FailureCode.EXPIRED_CARD), WEBHOOK),
    arrival(NOT_SENT, REPLY),
]


def _all_at_once(arrivals: Sequence[Arrival]) -> tuple[Payment, list[Effect], list[Outcome]]:
    verdicts = list(decide({STARTED.id: STARTED}, {}, arrivals, LATER))
    effects = [verdict.effect for verdict in verdicts if verdict.effect is not None]
    moved = [verdict.payment for verdict in verdicts if verdict.payment is not None]
    return [STARTED, *moved][-1], effects, [verdict.outcome for verdict in verdicts]


def _one_by_one(arrivals: Sequence[Arrival]) -> tuple[Payment, list[Effect], list[Outcome]]:
    """Decide each in a transaction of its own, with what was written before."""
    payment, effects, outcomes = STARTED, list[Effect](), list[Outcome]()
    for one in arrivals:
        known = {effect.key: effect.payment.id for effect in effects}
        (verdict,) = decide({payment.id: payment}, known, [one], LATER)
        payment = verdict.payment or payment
        effects += [verdict.effect] if verdict.effect is not None else []
        outcomes.append(verdict.outcome)
    return payment, effects, outcomes


@pytest.mark.parametrize("facts", [SUCCESS, FAILURE], ids=["success", "failure"])
def test_every_order_with_every_duplicate_ends_the_same(facts: list[Arrival]) -> None:
    endings = set()
    for order in permutations(facts):
        for repeated in range(len(order)):
            payment, effects, _ = _all_at_once([*order, *order[repeated:]])
            endings.add((payment.status, payment.captured, payment.failure_code, len(effects)))
    expected = (
        (Status.SUCCEEDED, 1050, None, 1)
        if facts is SUCCESS
        else (Status.FAILED, 0, "insufficient_funds", 0)
    )
    assert endings == {expected}


@pytest.mark.parametrize("order", list(permutations(SUCCESS[:3])))
def test_the_first_to_tell_of_a_capture_applies_it(order: tuple[Arrival, ...]) -> None:
    _, effects, outcomes = _all_at_once(order)
    assert outcomes == [Outcome.APPLIED, Outcome.ALREADY_SO, Outcome.ALREADY_SO]
    assert [effect.key.reference for effect in effects] == ["ch_1"]


def test_a_late_decline_never_undoes_a_capture() -> None:
    payment, effects, outcomes = _all_at_once([arrival(CAPTURED), arrival(DECLINED)])
    assert (payment.status, payment.failure_code, len(effects)) == (Status.SUCCEEDED, None, 1)
    assert outcomes == [Outcome.APPLIED, Outcome.LATE]


@pytest.mark.parametrize("ended_by", [DECLINED, NOT_SENT])
def test_money_taken_after_a_failure_is_put_before_an_operator(ended_by: Fact) -> None:
    payment, effects, outcomes = _all_at_once([arrival(ended_by), arrival(CAPTURED)])
    assert (payment.status, payment.captured, effects) == (Status.FAILED, 0, [])
    assert outcomes == [Outcome.APPLIED, Outcome.CONTRADICTION]


@given(st.lists(st.sampled_from(ANYTHING), max_size=12))
def test_whatever_comes_there_is_one_ending_and_at_most_one_effect(
    arrivals: list[Arrival],
) -> None:
    payment, effects, outcomes = _all_at_once(arrivals)
    assert outcomes.count(Outcome.APPLIED) == (payment.status is not Status.PROCESSING)
    assert len(effects) == (payment.status is Status.SUCCEEDED)
    assert payment.captured == sum(effect.amount for effect in effects)


@given(st.lists(st.sampled_from(ANYTHING), max_size=12))
def test_a_batch_is_what_its_facts_are_one_by_one(arrivals: list[Arrival]) -> None:
    assert _all_at_once(arrivals) == _one_by_one(arrivals)
