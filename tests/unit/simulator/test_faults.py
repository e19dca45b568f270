from __future__ import annotations

from itertools import pairwise

import pytest

from groat.simulator.deliveries import PAUSE_SECONDS_MAX, TRYING_SECONDS_MAX, retry_pauses
from groat.simulator.faults import FaultPlan, Faults


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
