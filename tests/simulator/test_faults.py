from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from groat.simulator.deliveries import PAUSE_SECONDS_MAX, TRYING_SECONDS_MAX, retry_pauses
from groat.simulator.faults import Course, FaultPlan, Faults, Signing

DRAWS = 200


def drawn(plan: FaultPlan) -> list[list[float]]:
    """Return when each delivery starts, and each duplicate of it."""
    faults = Faults(plan)
    return [[course.departure for course in faults.courses()] for _ in range(DRAWS)]


def chances(plan: FaultPlan) -> dict[str, list[bool]]:
    """Return what the dice say of many events, and of one attempt at delivering each."""
    faults = Faults(plan)
    told: dict[str, list[bool]] = {"twin": [], "drop": [], "wrong_secret": [], "ignore_acks": []}
    for _ in range(DRAWS):
        told["twin"].append(faults.twins())
        told["drop"].append(faults.drops())
        course = faults.courses()[0]
        told["wrong_secret"].append(faults.signing(course).wrong_secret)
        told["ignore_acks"].append(faults.ignores_ack(course))
    return told


def attempts(faults: Faults, course: Course) -> list[tuple[Signing, bool]]:
    return [(faults.signing(course), faults.ignores_ack(course)) for _ in range(20)]


def test_without_a_plan_each_event_is_delivered_once_and_at_once() -> None:
    assert drawn(FaultPlan()) == [[0.0]] * DRAWS
    assert chances(FaultPlan()) == dict.fromkeys(chances(FaultPlan()), [False] * DRAWS)


def test_one_seed_gives_the_same_faults() -> None:
    plan = FaultPlan(seed=7, duplicate=0.5, shuffle_ms=100)
    assert drawn(plan) == drawn(plan)
    assert drawn(plan) != drawn(plan.model_copy(update={"seed": 8}))


def test_duplicates_are_one_to_three_further_deliveries() -> None:
    assert {len(copies) for copies in drawn(FaultPlan(duplicate=1))} == {2, 3, 4}


def test_some_deliveries_are_duplicated() -> None:
    duplicated = sum(len(copies) > 1 for copies in drawn(FaultPlan(duplicate=0.3)))
    assert 30 < duplicated < 90


def test_deliveries_are_spread_over_the_planned_time() -> None:
    departures = [first for first, *_ in drawn(FaultPlan(shuffle_ms=200))]
    assert 0 <= min(departures) < 0.05
    assert 0.15 < max(departures) <= 0.2


@pytest.mark.parametrize("fault", ["twin", "drop", "wrong_secret", "ignore_acks"])
def test_a_fault_is_as_probable_as_planned_and_repeatable(fault: str) -> None:
    plan = FaultPlan.model_validate({"seed": 7, fault: 0.3})
    told = chances(plan)
    assert 30 < sum(told[fault]) < 90
    assert chances(plan) == told
    assert chances(plan.model_copy(update={"seed": 8}))[fault] != told[fault]
    assert not any(sum(draws) for other, draws in told.items() if other != fault)
    assert all(chances(plan.model_copy(update={fault: 1.0}))[fault])


def test_one_fault_does_not_influence_another() -> None:
    plan = FaultPlan(seed=7, twin=0.5, drop=0.5)
    busier = plan.model_copy(update={"duplicate": 0.5, "shuffle_ms": 9, "wrong_secret": 0.5})
    for fault in ("twin", "drop"):
        assert chances(plan)[fault] == chances(busier)[fault]
    assert chances(plan)["twin"] != chances(plan)["drop"]


def test_the_attempts_of_one_delivery_do_not_influence_another() -> None:
    plan = FaultPlan(seed=7, wrong_secret=0.5, ignore_acks=0.5)
    one, other = Faults(plan), Faults(plan)
    courses = [faults.courses()[0] for faults in (one, one, other, other)]
    first = attempts(one, courses[0])
    second = attempts(one, courses[1])
    assert attempts(other, courses[3]) == second
    assert attempts(other, courses[2]) == first
    assert first != second


@pytest.mark.parametrize(
    ("plan", "signing"),
    [
        ({}, Signing()),
        ({"two_secrets": True}, Signing(two_secrets=True)),
        ({"stale_seconds": -400}, Signing(stale_seconds=-400)),
        ({"wrong_secret": 1}, Signing(wrong_secret=True)),
    ],
)
def test_an_attempt_is_signed_as_planned(plan: dict[str, Any], signing: Signing) -> None:
    faults = Faults(FaultPlan.model_validate(plan))
    assert faults.signing(faults.courses()[0]) == signing


def test_every_parameter_of_a_plan_is_explained() -> None:
    properties = FaultPlan.model_json_schema()["properties"]
    assert all(schema["description"].endswith(".") for schema in properties.values())


def test_pauses_double_up_to_a_limit_and_end_after_three_days() -> None:
    pauses = list(retry_pauses())
    assert pauses[:6] == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5])
    assert all(one <= next_one <= PAUSE_SECONDS_MAX for one, next_one in pairwise(pauses))
    assert TRYING_SECONDS_MAX - PAUSE_SECONDS_MAX <= sum(pauses) <= TRYING_SECONDS_MAX
