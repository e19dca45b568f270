from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from groat.simulator.deliveries import PAUSE_SECONDS_MAX, TRYING_SECONDS_MAX, retry_pauses
from groat.simulator.faults import FaultPlan, Faults
from groat.simulator.wire import Answer


def drawn(plan: FaultPlan) -> list[list[float]]:
    faults = Faults(plan)
    return [faults.departures() for _ in range(200)]


def test_without_a_plan_each_delivery_is_made_once_and_at_once() -> None:
    assert drawn(FaultPlan()) == [[0.0]] * 200


def test_one_seed_gives_one_course() -> None:
    plan = FaultPlan(seed=7, duplicate=0.5, shuffle_ms=100)
    assert drawn(plan) == drawn(plan)
    assert drawn(plan) != drawn(plan.model_copy(update={"seed": 8}))


def test_duplicates_are_one_to_three_further_deliveries() -> None:
    assert {len(copies) for copies in drawn(FaultPlan(duplicate=1))} == {2, 3, 4}


def test_some_deliveries_are_duplicated() -> None:
    duplicated = sum(len(copies) > 1 for copies in drawn(FaultPlan(duplicate=0.3)))
    assert 30 < duplicated < 90


def test_departures_are_spread_over_the_time_given() -> None:
    departures = [first for first, *_ in drawn(FaultPlan(shuffle_ms=200))]
    assert 0 <= min(departures) < 0.05
    assert 0.15 < max(departures) <= 0.2


def test_pauses_double_up_to_a_limit_and_end_after_three_days() -> None:
    pauses = list(retry_pauses())
    assert pauses[:6] == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5])
    assert all(one <= next_one <= PAUSE_SECONDS_MAX for one, next_one in pairwise(pauses))
    assert TRYING_SECONDS_MAX - PAUSE_SECONDS_MAX <= sum(pauses) <= TRYING_SECONDS_MAX


@pytest.mark.parametrize(
    ("answer", "status"), [("rate_limited", 429), ("unavailable", 503), ("cut_before", 200)]
)
def test_a_post_can_be_answered_before_it_has_its_effect(answer: str, status: int) -> None:
    refusal = Faults(FaultPlan.model_validate({"answer": answer})).before()
    assert refusal is not None
    assert refusal.status_code == status


@pytest.mark.parametrize("answer", ["right", "cut_after", "broken", "html", "lie"])
def test_or_have_its_effect_first(answer: str) -> None:
    assert Faults(FaultPlan.model_validate({"answer": answer})).before() is None


@pytest.mark.parametrize("answer", ["right", "rate_limited", "unavailable", "lie"])
def test_an_answer_that_is_given_is_kept_as_it_is(answer: str) -> None:
    faults = Faults(FaultPlan.model_validate({"answer": answer}))
    given_answer, response = Answer(200, b"{}"), Response()
    assert faults.kept(given_answer) is given_answer
    assert faults.after(response) is response


@given(st.integers(0, 99_999_999))
def test_a_lie_is_one_minor_unit_and_never_about_nothing(amount: int) -> None:
    assert Faults(FaultPlan()).told(amount) == amount
    assert Faults(FaultPlan(answer="lie")).told(amount) == (amount + 1 if amount else 0)
