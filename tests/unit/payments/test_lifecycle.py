from __future__ import annotations

from itertools import product

import pytest

from groat.payments.domain.lifecycle import (
    LIFECYCLE,
    REFUND_LIFECYCLE,
    TERMINAL,
    DisputeStatus,
    FactKind,
    Next,
    Outcome,
    RefundStatus,
    Status,
    answer,
    answer_dispute,
    answer_refund,
    told,
)
from groat.providers.domain.facts import (
    DisputeFact,
    NotSent,
    PaymentFact,
    Refunded,
    RefundFact,
    RefundFailed,
)
from tests.unit.payments.examples import (
    CAPTURED,
    CAPTURED_IN_PART,
    DISPUTE_LOST,
    DISPUTE_OPENED,
    DISPUTE_REINSTATED,
    DISPUTE_UNDER_REVIEW,
    DISPUTE_WITHDRAWN,
    DISPUTE_WON,
    FACTS,
    NOT_SENT,
    REFUND_FAILED,
    REFUNDED,
)

DISPUTE_FACTS: list[DisputeFact] = [
    DISPUTE_OPENED,
    DISPUTE_UNDER_REVIEW,
    DISPUTE_WITHDRAWN,
    DISPUTE_REINSTATED,
    DISPUTE_WON,
    DISPUTE_LOST,
]


def test_the_table_answers_every_fact_in_every_status() -> None:
    assert LIFECYCLE.keys() == set(product(Status, FactKind))
    assert {told(fact) for fact in FACTS} == set(FactKind)


@pytest.mark.parametrize("fact", FACTS, ids=told)
@pytest.mark.parametrize("status", Status)
def test_every_fact_has_a_verdict(status: Status, fact: PaymentFact) -> None:
    assert answer(status, fact) == LIFECYCLE[status, told(fact)]


@pytest.mark.parametrize("fact", FACTS, ids=told)
@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_terminal_statuses_are_never_left(status: Status, fact: PaymentFact) -> None:
    reply = answer(status, fact)
    assert isinstance(reply, Outcome) or reply.status is status


def test_a_payment_follows_only_these_transitions() -> None:
    steps = {(status, to.status) for (status, _), to in LIFECYCLE.items() if isinstance(to, Next)}
    unfinished = {Status.PROCESSING, Status.REQUIRES_ACTION}
    ends = {Status.SUCCEEDED, Status.FAILED, Status.CANCELED, Status.EXPIRED}
    assert steps == {
        *product(unfinished, {*ends, Status.AUTHORIZED}),
        (Status.PROCESSING, Status.REQUIRES_ACTION),
        (Status.REQUIRES_ACTION, Status.PROCESSING),
        *product({Status.AUTHORIZED}, {*ends, Status.AUTHORIZED} - {Status.FAILED}),
        (Status.SUCCEEDED, Status.SUCCEEDED),
    }


@pytest.mark.parametrize("fact", [CAPTURED, CAPTURED_IN_PART])
@pytest.mark.parametrize("status", sorted((TERMINAL | {Status.CREATED}) - {Status.SUCCEEDED}))
def test_unaccounted_money_is_never_marked_late(status: Status, fact: PaymentFact) -> None:
    assert answer(status, fact) is Outcome.CONTRADICTION


@pytest.mark.parametrize("fact", [REFUNDED, REFUND_FAILED, NOT_SENT])
@pytest.mark.parametrize("status", RefundStatus)
def test_a_refund_is_settled_once(status: RefundStatus, fact: RefundFact) -> None:
    assert REFUND_LIFECYCLE.keys() == set(product(RefundStatus, (Refunded, RefundFailed, NotSent)))
    reply = answer_refund(status, fact)
    assert isinstance(reply, Next) == (status is RefundStatus.PENDING)


@pytest.mark.parametrize("fact", DISPUTE_FACTS)
@pytest.mark.parametrize("status", [None, *DisputeStatus])
def test_a_decided_dispute_stays_decided(status: DisputeStatus | None, fact: DisputeFact) -> None:
    reply = answer_dispute(status, fact)
    if status in {DisputeStatus.WON, DisputeStatus.LOST}:
        assert reply in {Next(status), Outcome.ALREADY_SO, Outcome.CONTRADICTION}
    else:
        unmoved = {DISPUTE_OPENED, DISPUTE_UNDER_REVIEW, DISPUTE_REINSTATED}
        assert isinstance(reply, Next) or fact in unmoved
