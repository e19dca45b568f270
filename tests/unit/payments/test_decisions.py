from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from groat.kernel import ids
from groat.kernel.ids import PaymentId
from groat.kernel.money import Money
from groat.payments.domain.decisions import (
    Arrival,
    Effect,
    EffectKey,
    Verdict,
    decide,
    effect_key,
)
from groat.payments.domain.lifecycle import Outcome, Status
from groat.payments.domain.payment import OperationOutcome, Payment
from groat.providers.domain.facts import Captured, Declined, Fact, NotSent
from groat.providers.domain.failures import FailureCode
from tests.unit.payments.examples import (
    AMOUNT,
    CAPTURED,
    DECLINED,
    FACTS,
    LATER,
    NOT_SENT,
    NOW,
    OTHER_PROVIDER_ACCOUNT,
    PAYMENT_ID,
    PROVIDER_ACCOUNT,
    REPLY,
    STARTED,
    WEBHOOK,
    arrival,
    standing_at,
)

KEY = EffectKey(PROVIDER_ACCOUNT, "captured", "ch_1")


def _decide(payment: Payment, *arrivals: Arrival, known: Sequence[EffectKey] = ()) -> list[Verdict]:
    applied = dict.fromkeys(known, payment.id)
    return list(decide({payment.id: payment}, applied, arrivals, LATER))


def _only(payment: Payment, one: Arrival, known: Sequence[EffectKey] = ()) -> Verdict:
    (verdict,) = _decide(payment, one, known=known)
    return verdict


def _assert_nothing_moves(verdict: Verdict, outcome: Outcome) -> None:
    assert verdict.outcome is outcome
    assert (verdict.payment, verdict.operation, verdict.effect) == (None, None, None)


def test_a_capture_succeeds_once_and_is_to_be_posted() -> None:
    verdict = _only(STARTED, arrival(CAPTURED))
    paid = replace(STARTED, status=Status.SUCCEEDED, captured=1050, updated_at=LATER)
    assert verdict.outcome is Outcome.APPLIED
    assert verdict.payment == paid
    assert verdict.operation is OperationOutcome.SUCCEEDED
    assert verdict.effect == Effect(KEY, paid, 1050)


@pytest.mark.parametrize(
    ("fact", "operation", "code"),
    [
        (DECLINED, OperationOutcome.DECLINED, FailureCode.INSUFFICIENT_FUNDS),
        (NOT_SENT, OperationOutcome.FAILED, FailureCode.PROVIDER_UNREACHABLE),
    ],
)
def test_what_did_not_go_through_fails_and_says_why(
    fact: Fact, operation: OperationOutcome, code: FailureCode
) -> None:
    verdict = _only(STARTED, arrival(fact))
    failed = replace(STARTED, status=Status.FAILED, failure_code=code, updated_at=LATER)
    assert (verdict.outcome, verdict.payment) == (Outcome.APPLIED, failed)
    assert verdict.operation is operation
    assert verdict.effect is None


def test_another_decline_of_a_failed_payment_is_already_so() -> None:
    verdict = _only(standing_at(Status.FAILED), arrival(Declined(FailureCode.EXPIRED_CARD)))
    assert verdict == Verdict(Outcome.ALREADY_SO)


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED])
def test_no_fact_moves_a_payment_that_has_ended(status: Status, fact: Fact) -> None:
    verdict = _only(standing_at(status), arrival(fact))
    _assert_nothing_moves(verdict, verdict.outcome)
    assert verdict.outcome is not Outcome.APPLIED


@pytest.mark.parametrize("status", Status)
def test_an_effect_that_was_applied_is_already_so(status: Status) -> None:
    verdict = _only(standing_at(status), arrival(CAPTURED), known=[KEY])
    _assert_nothing_moves(verdict, Outcome.ALREADY_SO)
    assert verdict.change is None


def test_a_charge_that_paid_for_another_payment_does_not_pay_for_this_one() -> None:
    elsewhere = {KEY: PaymentId(ids.uuid7())}
    (verdict,) = decide({STARTED.id: STARTED}, elsewhere, [arrival(CAPTURED)], LATER)
    _assert_nothing_moves(verdict, Outcome.CONTRADICTION)


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED])
def test_another_capture_of_a_payment_that_has_ended_is_a_contradiction(status: Status) -> None:
    second = Captured("ch_2", AMOUNT)
    verdict = _only(standing_at(status), arrival(second), known=[KEY])
    _assert_nothing_moves(verdict, Outcome.CONTRADICTION)
    assert verdict.change is not None
    assert verdict.change.action == "payment.fact_quarantined"
    assert verdict.change.data["reason"] == "contradiction"


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize(
    "lie", [Money(1051, "EUR"), Money(1049, "EUR"), Money(1050, "USD"), Money(0, "EUR")], ids=str
)
def test_a_capture_of_something_else_is_set_aside(status: Status, lie: Money) -> None:
    verdict = _only(standing_at(status), arrival(Captured("ch_2", lie)))
    _assert_nothing_moves(verdict, Outcome.AMOUNT_MISMATCH)
    assert verdict.change is not None
    assert verdict.change.action == "payment.fact_quarantined"
    assert verdict.change.data == {
        "status": status.value,
        "amount": lie.amount,
        "currency": lie.currency,
        "effect": "ch_2",
        "reason": "amount_mismatch",
        "provider_reference": "pi_1",
    }


@pytest.mark.parametrize("fact", FACTS)
def test_another_provider_account_cannot_speak_of_a_payment(fact: Fact) -> None:
    foreign = replace(arrival(fact), provider_account_id=OTHER_PROVIDER_ACCOUNT)
    assert _only(STARTED, foreign) == Verdict(Outcome.UNKNOWN_PAYMENT)


@pytest.mark.parametrize("payment_id", [None, PaymentId(UUID(int=99))])
def test_a_payment_that_is_not_there_is_unknown(payment_id: PaymentId | None) -> None:
    stray = arrival(CAPTURED, payment_id=payment_id)
    assert _only(STARTED, stray) == Verdict(Outcome.UNKNOWN_PAYMENT)


def test_one_batch_may_speak_of_many_payments() -> None:
    other = replace(STARTED, id=PaymentId(UUID(int=42)))
    told = arrival(DECLINED, payment_id=other.id)
    payments = {STARTED.id: STARTED, other.id: other}
    verdicts = list(decide(payments, {}, [arrival(CAPTURED), told], LATER))
    assert [one.payment and one.payment.status for one in verdicts] == [
        Status.SUCCEEDED,
        Status.FAILED,
    ]
    assert payments == {STARTED.id: STARTED, other.id: other}


@pytest.mark.parametrize(
    ("fact", "data"),
    [
        (
            CAPTURED,
            {"status": "succeeded", "amount": 1050, "currency": "EUR", "effect": "ch_1"},
        ),
        (DECLINED, {"status": "failed", "failure_code": "insufficient_funds"}),
        (
            NOT_SENT,
            {"status": "failed", "failure_code": "provider_unreachable", "detail": "ConnectError"},
        ),
    ],
)
def test_the_record_says_what_came_of_it(fact: Fact, data: dict[str, str | int]) -> None:
    change = _only(STARTED, arrival(fact, REPLY)).change
    assert change is not None
    assert change.data == {**data, "provider_reference": "pi_1"}
    assert (change.kind, change.object_id, change.cause) == ("payment", PAYMENT_ID, REPLY)


@pytest.mark.parametrize(
    ("fact", "action"),
    [
        (CAPTURED, "payment.captured"),
        (DECLINED, "payment.declined"),
        (NOT_SENT, "payment.not_sent"),
    ],
)
def test_the_record_says_who_told_us(fact: Fact, action: str) -> None:
    change = _only(STARTED, arrival(fact, reference=None)).change
    assert change is not None
    assert change.action == action
    assert "provider_reference" not in change.data
    provider = ids.render("provider_account", PROVIDER_ACCOUNT)
    assert change.actor == ("engine" if isinstance(fact, NotSent) else provider)


@pytest.mark.parametrize("fact", [DECLINED, NOT_SENT])
def test_a_late_fact_is_recorded(fact: Fact) -> None:
    change = _only(standing_at(Status.SUCCEEDED), arrival(fact)).change
    assert change is not None
    assert change.action == "payment.fact_late"
    assert change.data["status"] == "succeeded"
    assert change.cause == WEBHOOK


def test_only_money_has_an_effect() -> None:
    assert effect_key(arrival(CAPTURED)) == KEY
    for fact in FACTS:
        if fact is not CAPTURED:
            assert effect_key(arrival(fact)) is None


def test_a_payment_keeps_when_it_was_made() -> None:
    moved = _only(STARTED, arrival(CAPTURED)).payment
    assert moved is not None
    assert (moved.created_at, moved.updated_at) == (NOW, LATER)
