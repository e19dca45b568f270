"""One order is one payment: after a soft decline, another attempt follows."""

from __future__ import annotations

from itertools import permutations
from uuid import UUID

import pytest

from groat.kernel.errors import Conflict
from groat.kernel.ids import OperationId
from groat.kernel.value import replace
from groat.payments.domain.lifecycle import Outcome, Status
from groat.payments.domain.operation import OperationKind, OperationOutcome, ending
from groat.payments.domain.payment import cancel, confirm
from groat.payments.domain.standing import Arrival
from groat.providers.domain.facts import Captured, Declined, Fact, NotSent, Processing
from groat.providers.domain.failures import HARD, FailureCode
from groat.routing.domain.route import Leg, Route
from tests.unit.payments.examples import (
    AMOUNT,
    APPROVED,
    AUTHORIZE,
    AUTHORIZE_ID,
    CANCEL,
    CANCEL_ID,
    CANCELED,
    CAPTURED,
    LATER,
    NOT_SENT,
    ORDER,
    OTHER_PROVIDER_ACCOUNT,
    PROCESSING,
    PROVIDER_ACCOUNT,
    REPLY,
    REQUIRES_ACTION,
    RETURNED,
    STARTED,
    answer_to,
    arrival,
)
from tests.unit.payments.life import Life

SECOND_ID = OperationId(UUID(int=60))
SOFT = Declined(FailureCode.INSUFFICIENT_FUNDS, "insufficient_funds", "No funds.", stays_open=True)
HARD_DECLINE = Declined(FailureCode.LOST_OR_STOLEN, "lost_card", "Lost.", stays_open=True)
CLOSED = replace(SOFT, stays_open=False)


def told(fact: Fact, attempt: OperationId | None, reference: str = "pi_1") -> Arrival:
    """Return a webhook about an attempt, whose operation the provider returns."""
    one = arrival(fact, reference=reference)
    return replace(one, report=replace(one.report, operation_id=attempt))


def declined(fact: Declined | NotSent = SOFT) -> Life:
    """Return a payment after the answer to its first attempt."""
    life = Life(STARTED, [AUTHORIZE])
    life.take(answer_to(AUTHORIZE, fact))
    return life


def again(life: Life, method: str | None = "pm_other") -> Life:
    """Return the payment after a second confirmation."""
    begun = confirm(life.payment, life.open_operations(), method, SECOND_ID, LATER)
    assert begun.operation is not None
    return Life(begun.payment, [begun.operation])


def test_a_soft_decline_is_kept_in_the_providers_words_and_leaves_the_payment_open() -> None:
    payment = declined().payment
    assert payment.status is Status.REQUIRES_PAYMENT_METHOD
    assert (payment.decline_code, payment.provider_message) == ("insufficient_funds", "No funds.")
    assert (payment.declined_reference, payment.declined_open) == ("pi_1", True)


def test_the_second_method_succeeds_on_the_same_payment() -> None:
    life = again(declined())
    payment = life.payment
    assert (payment.status, payment.attempts) == (Status.PROCESSING, 2)
    assert payment.order.payment_method == "pm_other"
    assert (payment.failure_code, payment.decline_code, payment.provider_message) == (None,) * 3
    life.take(told(CAPTURED, SECOND_ID))
    assert (life.payment.status, life.payment.captured) == (Status.SUCCEEDED, AMOUNT.amount)
    assert life.open_operations() == []


@pytest.mark.parametrize("late", [SOFT, REQUIRES_ACTION, APPROVED, PROCESSING, CANCELED, RETURNED])
def test_a_late_fact_of_the_first_attempt_does_not_touch_the_second(late: Fact) -> None:
    life = again(declined())
    assert life.take(told(late, AUTHORIZE_ID)) == [Outcome.LATE]
    assert life.payment.status is Status.PROCESSING
    assert life.payment.provider_reference is None
    assert [one.id for one in life.open_operations()] == [SECOND_ID]


@pytest.mark.parametrize("reference", ["order_1", "order_0"])
def test_a_late_decline_is_known_by_the_providers_payment(
    reference: str,
) -> None:
    life = Life(STARTED, [AUTHORIZE])
    life.take(arrival(CLOSED, REPLY, reference="order_1", operation_id=AUTHORIZE_ID))
    life = again(life)
    life.take(arrival(Processing(), reference="order_2"))
    assert life.payment.provider_reference == "order_2"
    assert life.take(arrival(CLOSED, reference=reference)) == [Outcome.LATE]
    assert life.payment.status is Status.PROCESSING


def test_the_declined_payment_is_known_before_the_provider_names_the_next_one() -> None:
    life = Life(STARTED, [AUTHORIZE])
    life.take(arrival(CLOSED, REPLY, reference="order_1", operation_id=AUTHORIZE_ID))
    life = again(life)
    assert life.take(arrival(CLOSED, reference="order_1")) == [Outcome.LATE]
    assert life.payment.provider_reference is None


SECOND_ATTEMPT = [
    told(SOFT, AUTHORIZE_ID),
    told(PROCESSING, SECOND_ID),
    told(CAPTURED, SECOND_ID),
    told(CAPTURED, SECOND_ID),
]


@pytest.mark.parametrize("order", list(permutations(SECOND_ATTEMPT)))
def test_the_second_success_is_posted_once_in_every_order(order: tuple[Arrival, ...]) -> None:
    life = again(declined())
    life.take_each(order)
    assert (life.payment.status, life.payment.captured) == (Status.SUCCEEDED, AMOUNT.amount)
    assert len(life.effects) == 1
    assert life.open_operations() == []


def test_money_of_the_first_attempt_is_never_late() -> None:
    life = again(declined())
    assert life.take(told(CAPTURED, AUTHORIZE_ID)) == [Outcome.APPLIED]
    assert life.take(told(Captured("ch_2", AMOUNT), SECOND_ID)) == [Outcome.CONTRADICTION]
    assert life.payment.captured == AMOUNT.amount


@pytest.mark.parametrize("code", sorted(HARD))
def test_a_hard_decline_ends_the_payment_here_and_at_the_provider(code: FailureCode) -> None:
    life = declined(replace(HARD_DECLINE, code=code))
    assert (life.payment.status, life.payment.failure_code) == (Status.FAILED, code)
    assert life.open_operations() == [ending(AUTHORIZE)]
    [begun] = life.open_operations()
    assert begun.kind is OperationKind.CANCEL
    assert life.take(answer_to(begun, CANCELED)) == [Outcome.ALREADY_SO]
    assert life.open_operations() == []
    with pytest.raises(Conflict, match="failed"):
        again(life)


def test_nothing_is_canceled_at_a_provider_that_closes_a_declined_payment() -> None:
    life = declined(replace(HARD_DECLINE, stays_open=False))
    assert life.payment.status is Status.FAILED
    assert life.open_operations() == []


def test_the_merchants_limit_of_attempts_ends_the_payment() -> None:
    limited = replace(ORDER, terms=replace(ORDER.terms, attempts_max=2))
    life = Life(replace(STARTED, order=limited), [AUTHORIZE])
    life.take(answer_to(AUTHORIZE, SOFT))
    life = again(life)
    [second] = life.open_operations()
    life.take(answer_to(second, told(SOFT, SECOND_ID).report.fact), told(SOFT, SECOND_ID))
    assert (life.payment.status, life.payment.attempts) == (Status.FAILED, 2)
    assert life.open_operations() == [ending(second)]


def test_a_call_that_was_not_sent_is_no_attempt() -> None:
    life = declined(NOT_SENT)
    assert (life.payment.status, life.payment.attempts) == (Status.REQUIRES_PAYMENT_METHOD, 0)
    retried = again(life, method=None).payment
    assert (retried.attempts, retried.order.payment_method) == (1, ORDER.payment_method)


def test_a_second_attempt_that_was_not_sent_keeps_the_declined_payment_open() -> None:
    life = again(declined())
    life.take(told(NOT_SENT, SECOND_ID))
    payment = life.payment
    assert (payment.status, payment.attempts) == (Status.REQUIRES_PAYMENT_METHOD, 1)
    assert (payment.declined_reference, payment.declined_open) == ("pi_1", True)


def test_another_method_is_not_charged_with_the_tokens_of_the_first() -> None:
    legs = (Leg(PROVIDER_ACCOUNT, "pm_1"), Leg(OTHER_PROVIDER_ACCOUNT, "vault_1"))
    route = Route(legs, frozenset({FailureCode.DO_NOT_HONOR}))
    life = Life(replace(STARTED, order=replace(ORDER, route=route)), [AUTHORIZE])
    life.take(answer_to(AUTHORIZE, SOFT))
    same = again(life, method=None).payment.order.route
    other = again(life, method="pm_2").payment.order.route
    assert same.legs == legs
    assert other.legs == (Leg(PROVIDER_ACCOUNT, "pm_2"),)


def test_a_declined_payment_is_canceled_at_the_provider_that_keeps_it_open() -> None:
    kept = cancel(declined().payment, [], CANCEL_ID, LATER)
    assert kept.operation is not None
    closed = cancel(declined(CLOSED).payment, [], CANCEL_ID, LATER)
    assert (closed.operation, closed.payment.status) == (None, Status.CANCELED)
    assert closed.payment.failure_code is None


def test_a_payment_that_is_being_canceled_is_not_confirmed() -> None:
    with pytest.raises(Conflict, match="cancel"):
        confirm(declined().payment, [CANCEL], "pm_2", SECOND_ID, LATER)


def test_a_canceled_payment_forgets_its_failure() -> None:
    life = declined()
    life.take(arrival(CANCELED))
    assert (life.payment.status, life.payment.failure_code) == (Status.CANCELED, None)


def test_the_outcome_of_each_attempt_has_the_providers_words() -> None:
    life = Life(STARTED, [AUTHORIZE])
    verdict_end = life.take(answer_to(AUTHORIZE, SOFT))
    assert verdict_end == [Outcome.APPLIED]
    assert life.ends[-1].outcome is OperationOutcome.DECLINED
    words = life.ends[-1].decline_code, life.ends[-1].provider_message
    assert words == ("insufficient_funds", "No funds.")
