"""A payment goes on to its next provider after a failure that allows it, and after no other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

import pytest

from groat.kernel.ids import ProviderAccountId
from groat.kernel.value import replace
from groat.payments.domain.lifecycle import Outcome, Status
from groat.payments.domain.operation import OperationOutcome, after
from groat.payments.domain.standing import Arrival
from groat.providers.domain import failures
from groat.providers.domain.facts import Captured, Declined, Fact, NotSent
from groat.providers.domain.failures import RETRYABLE, FailureCode
from groat.routing.domain.route import Leg, Route
from tests.unit.payments.examples import (
    AMOUNT,
    AUTHORIZE,
    AUTHORIZED,
    CAPTURED,
    LATER,
    NOT_SENT,
    ORDER,
    OTHER_PROVIDER_ACCOUNT,
    PROVIDER_ACCOUNT,
    REQUIRES_ACTION,
    STARTED,
    arrival,
)
from tests.unit.payments.life import Life

ROUTE = Route((Leg(PROVIDER_ACCOUNT, "pm_1"), Leg(OTHER_PROVIDER_ACCOUNT, "vault_1")), RETRYABLE)
ROUTED = replace(STARTED, order=replace(ORDER, route=ROUTE), created_at=LATER)
SOFT = Declined(FailureCode.DO_NOT_HONOR)
HARD = Declined(FailureCode.LOST_OR_STOLEN)


def told(fact: Fact, account: ProviderAccountId = PROVIDER_ACCOUNT) -> Arrival:
    return replace(arrival(fact), provider_account_id=account)


def routed() -> Life:
    return Life(ROUTED, [AUTHORIZE])


@pytest.mark.parametrize("failure", [SOFT, NOT_SENT])
def test_a_fallback_begins_a_new_operation_with_the_token_of_its_provider(
    failure: Declined | NotSent,
) -> None:
    life = routed()
    assert life.take(told(failure)) == [Outcome.APPLIED]
    assert life.payment.status is Status.PROCESSING
    order = life.payment.order
    assert (order.provider_account_id, order.payment_method) == (OTHER_PROVIDER_ACCOUNT, "vault_1")
    assert life.open_operations() == [after(AUTHORIZE)]
    assert life.payment.failure_code is None


@pytest.mark.parametrize("failure", [SOFT, NOT_SENT])
@pytest.mark.parametrize(
    ("seconds", "status"),
    [(0, Status.PROCESSING), (300, Status.PROCESSING), (301, Status.REQUIRES_PAYMENT_METHOD)],
)
def test_a_fallback_begins_only_within_its_time_limit(
    failure: Declined | NotSent, seconds: int, status: Status
) -> None:
    created_at = LATER - timedelta(seconds=seconds)
    life = Life(replace(ROUTED, created_at=created_at), [AUTHORIZE])
    life.take(told(failure))
    assert life.payment.status is status
    assert (life.open_operations() == []) == (status is Status.REQUIRES_PAYMENT_METHOD)


def test_the_last_failure_fails_the_payment() -> None:
    life = routed()
    life.take(told(SOFT), told(HARD, OTHER_PROVIDER_ACCOUNT))
    assert (life.payment.status, life.payment.failure_code) == (
        Status.FAILED,
        FailureCode.LOST_OR_STOLEN,
    )
    assert life.open_operations() == []


@pytest.mark.parametrize("code", sorted(set(FailureCode) - RETRYABLE))
def test_other_declines_do_not_fall_back(code: FailureCode) -> None:
    life = routed()
    life.take(told(Declined(code)))
    left = Status.FAILED if code in failures.HARD else Status.REQUIRES_PAYMENT_METHOD
    assert (life.payment.status, life.payment.failure_code) == (left, code)


def test_a_rule_can_allow_a_fallback_after_a_hard_decline() -> None:
    asked = replace(ROUTE, fallback_on=frozenset({FailureCode.LOST_OR_STOLEN}))
    life = Life(replace(ROUTED, order=replace(ORDER, route=asked)), [AUTHORIZE])
    life.take(told(HARD))
    assert life.payment.order.provider_account_id == OTHER_PROVIDER_ACCOUNT


def test_a_customer_on_the_page_of_a_provider_is_not_sent_to_another() -> None:
    life = routed()
    life.take(told(REQUIRES_ACTION), told(SOFT))
    assert life.payment.status is Status.REQUIRES_PAYMENT_METHOD
    assert life.payment.order.provider_account_id == PROVIDER_ACCOUNT


DECLINE_THEN_SUCCESS = [
    told(SOFT),
    told(SOFT),
    told(CAPTURED, OTHER_PROVIDER_ACCOUNT),
    told(Captured("ch_1", AMOUNT), OTHER_PROVIDER_ACCOUNT),
]


@pytest.mark.parametrize("order", list(permutations(DECLINE_THEN_SUCCESS)))
def test_decline_and_success_end_in_the_same_state_in_every_order(order: Sequence[Arrival]) -> None:
    """The second provider is not asked before the first has declined: what it says comes later."""
    life = routed()
    life.take_each([told(SOFT), *order])
    assert life.payment.status is Status.SUCCEEDED
    assert life.payment.captured == AMOUNT.amount
    assert [effect.key.kind for effect in life.effects] == ["captured"]
    assert life.open_operations() == []
    assert life.balances()["wallet"] == AMOUNT.amount


@pytest.mark.parametrize("moved", [CAPTURED, AUTHORIZED])
def test_a_capture_at_an_abandoned_account_is_quarantined(moved: Fact) -> None:
    life = routed()
    outcomes = life.take(told(SOFT), told(moved), told(CAPTURED, OTHER_PROVIDER_ACCOUNT))
    assert outcomes == [Outcome.APPLIED, Outcome.CONTRADICTION, Outcome.APPLIED]
    assert life.payment.captured == AMOUNT.amount


def test_a_fact_from_an_account_not_yet_tried_is_quarantined() -> None:
    life = routed()
    assert life.take(told(CAPTURED, OTHER_PROVIDER_ACCOUNT)) == [Outcome.UNKNOWN_PAYMENT]


def test_every_decider_of_a_fallback_begins_the_same_operation() -> None:
    assert after(AUTHORIZE) == after(AUTHORIZE)
    assert after(AUTHORIZE).id != after(after(AUTHORIZE)).id
    assert after(AUTHORIZE).outcome is OperationOutcome.PENDING
