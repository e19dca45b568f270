from __future__ import annotations

from itertools import product

import pytest

from groat.payments.domain.lifecycle import (
    DISPUTE_LIFECYCLE,
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
    RefundReversed,
)
from tests.unit.payments.examples import (
    CAPTURED,
    CAPTURED_IN_PART,
    DISPUTE_LOST,
    DISPUTE_OPENED,
    DISPUTE_UNDER_REVIEW,
    DISPUTE_WON,
    FACTS,
    INQUIRY_CLOSED,
    INQUIRY_OPENED,
    NOT_SENT,
    REFUND_FAILED,
    REFUND_REVERSED,
    REFUNDED,
)

DISPUTE_FACTS: list[DisputeFact] = [
    INQUIRY_OPENED,
    INQUIRY_CLOSED,
    DISPUTE_OPENED,
    DISPUTE_UNDER_REVIEW,
    DISPUTE_WON,
    DISPUTE_LOST,
]


def test_the_table_answers_every_fact_in_every_status() -> None:
    assert LIFECYCLE.keys() == set(product(Status, FactKind))
    assert {told(fact) for fact in FACTS} == set(FactKind) - {FactKind.DECLINED_FINALLY}


@pytest.mark.parametrize("kind", FactKind)
@pytest.mark.parametrize("status", Status)
def test_every_fact_has_a_verdict(status: Status, kind: FactKind) -> None:
    assert answer(status, kind) == LIFECYCLE[status, kind]


@pytest.mark.parametrize("kind", FactKind)
@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_only_a_return_by_the_bank_leaves_a_terminal_status(status: Status, kind: FactKind) -> None:
    reply = answer(status, kind)
    if status is Status.SUCCEEDED and kind is FactKind.CAPTURE_RETURNED:
        assert reply == Next(Status.FAILED)
    else:
        assert isinstance(reply, Outcome) or reply.status is status


def test_a_payment_follows_only_these_transitions() -> None:
    steps = {(status, to.status) for (status, _), to in LIFECYCLE.items() if isinstance(to, Next)}
    unfinished = {Status.PROCESSING, Status.REQUIRES_ACTION}
    ends = {Status.SUCCEEDED, Status.FAILED, Status.CANCELED, Status.EXPIRED}
    assert steps == {
        *product(unfinished, {*ends, Status.AUTHORIZED, Status.REQUIRES_PAYMENT_METHOD}),
        *product({Status.REQUIRES_PAYMENT_METHOD}, {Status.CANCELED, Status.EXPIRED}),
        (Status.PROCESSING, Status.REQUIRES_ACTION),
        (Status.REQUIRES_ACTION, Status.PROCESSING),
        *product({Status.AUTHORIZED}, {*ends, Status.AUTHORIZED} - {Status.FAILED}),
        (Status.SUCCEEDED, Status.SUCCEEDED),
        (Status.SUCCEEDED, Status.FAILED),
    }


@pytest.mark.parametrize("fact", [CAPTURED, CAPTURED_IN_PART])
@pytest.mark.parametrize(
    "status",
    sorted(
        (TERMINAL | {Status.CREATED, Status.REQUIRES_PAYMENT_METHOD}) - {Status.SUCCEEDED},
    ),
)
def test_unaccounted_money_is_never_marked_late(status: Status, fact: PaymentFact) -> None:
    assert answer(status, told(fact)) is Outcome.CONTRADICTION


@pytest.mark.parametrize("fact", [REFUNDED, REFUND_FAILED, REFUND_REVERSED, NOT_SENT])
@pytest.mark.parametrize("status", RefundStatus)
def test_a_refund_is_settled_once_and_its_success_can_be_taken_back(
    status: RefundStatus, fact: RefundFact
) -> None:
    kinds = (Refunded, RefundFailed, RefundReversed, NotSent)
    assert REFUND_LIFECYCLE.keys() == set(product(RefundStatus, kinds))
    reply = answer_refund(status, fact)
    taken_back = status is RefundStatus.SUCCEEDED and fact is REFUND_REVERSED
    assert isinstance(reply, Next) == (status is RefundStatus.PENDING or taken_back)


@pytest.mark.parametrize("fact", DISPUTE_FACTS)
@pytest.mark.parametrize("status", [None, *DisputeStatus])
def test_a_decided_dispute_is_only_ever_won_afterwards(
    status: DisputeStatus | None, fact: DisputeFact
) -> None:
    assert len(DISPUTE_LIFECYCLE) == len(DISPUTE_FACTS) * (len(DisputeStatus) + 1)
    reply = answer_dispute(status, fact)
    if status is DisputeStatus.WON:
        assert isinstance(reply, Outcome)
    elif status is DisputeStatus.LOST:
        assert isinstance(reply, Outcome) != (fact is DISPUTE_WON)
    elif fact in {DISPUTE_WON, DISPUTE_LOST}:
        assert reply == Next(DisputeStatus.WON if fact is DISPUTE_WON else DisputeStatus.LOST)


@pytest.mark.parametrize("status", [DisputeStatus.INQUIRY, DisputeStatus.CLOSED])
def test_an_inquiry_can_become_a_dispute(status: DisputeStatus) -> None:
    assert answer_dispute(None, INQUIRY_OPENED) == Next(DisputeStatus.INQUIRY)
    assert answer_dispute(status, DISPUTE_OPENED) == Next(DisputeStatus.NEEDS_RESPONSE)
    assert answer_dispute(DisputeStatus.NEEDS_RESPONSE, INQUIRY_CLOSED) is Outcome.LATE
