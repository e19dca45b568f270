from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from groat.payments.domain.lifecycle import LIFECYCLE, TERMINAL, Next, Outcome, Status, answer
from groat.providers.domain.facts import Fact
from tests.unit.payments.examples import CAPTURED, FACTS


def test_the_table_answers_every_fact_in_every_status() -> None:
    assert LIFECYCLE.keys() == set(product(Status, get_args(Fact)))


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("status", Status)
def test_every_fact_is_answered(status: Status, fact: Fact) -> None:
    assert answer(status, fact) == LIFECYCLE[status, type(fact)]


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_terminal_statuses_are_never_left(status: Status, fact: Fact) -> None:
    assert isinstance(answer(status, fact), Outcome)


def test_no_fact_leads_to_where_the_payment_stands() -> None:
    steps = {(status, to.status) for (status, _), to in LIFECYCLE.items() if isinstance(to, Next)}
    assert steps == {
        (Status.PROCESSING, Status.SUCCEEDED),
        (Status.PROCESSING, Status.FAILED),
    }


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_money_that_cannot_be_accounted_for_is_never_put_down_as_late(status: Status) -> None:
    assert answer(status, CAPTURED) is Outcome.CONTRADICTION
