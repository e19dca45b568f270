from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest

from groat.kernel import ids
from groat.kernel.caller import Operator
from groat.kernel.ids import MerchantId, PaymentId, RefundId
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.payments.domain.facts import decide
from groat.payments.domain.lifecycle import TERMINAL, Outcome, Status, told
from groat.payments.domain.operation import Operation, OperationOutcome
from groat.payments.domain.payment import Payment
from groat.payments.domain.standing import (
    Arrival,
    EffectKey,
    EffectKind,
    Standing,
    effect_key,
)
from groat.payments.domain.verdict import (
    Effect,
    OperationEnd,
    Verdict,
)
from groat.providers.domain.facts import (
    Captured,
    CaptureReturned,
    Declined,
    DisputeOpened,
    Fact,
    NotSent,
    Refunded,
    Report,
)
from groat.providers.domain.failures import FailureCode
from tests.unit.payments.examples import (
    AMOUNT,
    APPROVED,
    AUTHORIZE,
    AUTHORIZE_ID,
    AUTHORIZED,
    CANCEL,
    CANCEL_ID,
    CANCELED,
    CAPTURE,
    CAPTURE_ID,
    CAPTURED,
    DECLINED,
    EXPIRED,
    FACTS,
    LATER,
    MANUAL,
    NOT_SENT,
    NOW,
    OTHER_PROVIDER_ACCOUNT,
    PART,
    PAYMENT_ID,
    PROVIDER_ACCOUNT,
    REFUND,
    REFUND_OPERATION,
    REFUNDED,
    REPLY,
    REQUIRES_ACTION,
    STARTED,
    WEBHOOK,
    answer_to,
    arrival,
    dispute_arrival,
    standing_at,
)

KEY = EffectKey(PROVIDER_ACCOUNT, EffectKind.CAPTURED, "ch_1")


def _decide(
    payment: Payment,
    *arrivals: Arrival,
    known: Sequence[EffectKey] = (),
    operations: Sequence[Operation] = (AUTHORIZE,),
) -> list[Verdict]:
    standing = Standing(
        {payment.id: payment},
        {payment.id: operations},
        {REFUND.id: REFUND},
        effects=dict.fromkeys(known, payment.id),
    )
    return list(decide(standing, arrivals, LATER))


def _only(
    payment: Payment,
    one: Arrival,
    known: Sequence[EffectKey] = (),
    operations: Sequence[Operation] = (AUTHORIZE,),
) -> Verdict:
    """Return the verdict on a fact; that it teaches the payment's reference is left out."""
    (verdict,) = _decide(payment, one, known=known, operations=operations)
    taught = verdict.payment == _taught(payment, one)
    return replace(verdict, payment=None) if taught else verdict


def _taught(payment: Payment, one: Arrival) -> Payment:
    return replace(payment, provider_reference=one.report.provider_reference, updated_at=LATER)


def _assert_nothing_moves(verdict: Verdict, outcome: Outcome) -> None:
    assert verdict.outcome is outcome
    assert (verdict.payment, verdict.settled, verdict.effect) == (None, (), None)


def test_a_capture_succeeds_once_with_its_posting() -> None:
    verdict = _only(STARTED, arrival(CAPTURED))
    paid = replace(
        STARTED,
        status=Status.SUCCEEDED,
        authorized=1050,
        captured=1050,
        provider_reference="pi_1",
        updated_at=LATER,
    )
    assert verdict.outcome is Outcome.APPLIED
    assert verdict.payment == paid
    assert verdict.settled == (OperationEnd(PAYMENT_ID, AUTHORIZE_ID, OperationOutcome.SUCCEEDED),)
    assert verdict.effect == Effect(KEY, paid, AMOUNT, "ch_1")


@pytest.mark.parametrize(
    ("fact", "operation", "code"),
    [
        (DECLINED, OperationOutcome.DECLINED, FailureCode.INSUFFICIENT_FUNDS),
        (NOT_SENT, OperationOutcome.FAILED, FailureCode.PROVIDER_UNREACHABLE),
    ],
)
def test_a_failed_attempt_leaves_the_payment_open_with_its_reason(
    fact: Fact, operation: OperationOutcome, code: FailureCode
) -> None:
    verdict = _only(STARTED, arrival(fact))
    failed = replace(
        STARTED,
        status=Status.REQUIRES_PAYMENT_METHOD,
        failure_code=code,
        provider_reference="pi_1",
        declined_reference="pi_1",
        declined_open=fact is NOT_SENT,
        attempts=0 if fact is NOT_SENT else 1,
        updated_at=LATER,
    )
    assert (verdict.outcome, verdict.payment) == (Outcome.APPLIED, failed)
    assert verdict.settled == (OperationEnd(PAYMENT_ID, AUTHORIZE_ID, operation, code),)
    assert verdict.effect is None


def test_another_decline_of_a_failed_payment_changes_nothing() -> None:
    verdict = _only(standing_at(Status.FAILED), arrival(Declined(FailureCode.EXPIRED_CARD)))
    assert verdict == Verdict(Outcome.ALREADY_SO, payment_id=PAYMENT_ID)


@pytest.mark.parametrize("fact", FACTS, ids=told)
@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_no_fact_moves_a_payment_that_has_ended(status: Status, fact: Fact) -> None:
    verdict = _only(standing_at(status), arrival(fact), operations=())
    _assert_nothing_moves(verdict, verdict.outcome)
    assert verdict.outcome is not Outcome.APPLIED


@pytest.mark.parametrize("status", Status)
def test_an_applied_effect_is_not_applied_again(status: Status) -> None:
    verdict = _only(standing_at(status), arrival(CAPTURED), known=[KEY])
    _assert_nothing_moves(verdict, Outcome.ALREADY_SO)
    assert verdict.change is None


def test_a_charge_of_another_payment_does_not_pay_for_this_one() -> None:
    standing = Standing({STARTED.id: STARTED}, effects={KEY: PaymentId(ids.uuid7())})
    (verdict,) = decide(standing, [arrival(CAPTURED)], LATER)
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
def test_a_capture_of_another_amount_or_currency_is_quarantined(status: Status, lie: Money) -> None:
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
def test_a_fact_from_another_provider_account_is_quarantined(fact: Fact) -> None:
    foreign = replace(arrival(fact), provider_account_id=OTHER_PROVIDER_ACCOUNT)
    assert _only(STARTED, foreign) == Verdict(Outcome.UNKNOWN_PAYMENT)


@pytest.mark.parametrize(
    ("payment_id", "outcome"),
    [(None, Outcome.FOREIGN), (PaymentId(UUID(int=99)), Outcome.UNKNOWN_PAYMENT)],
)
@pytest.mark.parametrize("fact", [CAPTURED, DECLINED])
def test_a_missing_payment_is_unknown_or_foreign(
    fact: Fact, payment_id: PaymentId | None, outcome: Outcome
) -> None:
    assert _only(STARTED, arrival(fact, payment_id=payment_id)) == Verdict(outcome)


def test_one_batch_can_report_many_payments() -> None:
    other = replace(STARTED, id=PaymentId(UUID(int=42)))
    told_of = arrival(DECLINED, payment_id=other.id)
    payments = {STARTED.id: STARTED, other.id: other}
    verdicts = list(decide(Standing(payments), [arrival(CAPTURED), told_of], LATER))
    assert [one.payment and one.payment.status for one in verdicts] == [
        Status.SUCCEEDED,
        Status.REQUIRES_PAYMENT_METHOD,
    ]
    assert payments == {STARTED.id: STARTED, other.id: other}


@pytest.mark.parametrize(
    ("fact", "data"),
    [
        (
            CAPTURED,
            {"status": "succeeded", "amount": 1050, "currency": "EUR", "effect": "ch_1"},
        ),
        (
            DECLINED,
            {"status": "requires_payment_method", "failure_code": "insufficient_funds"},
        ),
        (
            NOT_SENT,
            {
                "status": "requires_payment_method",
                "failure_code": "provider_unreachable",
                "detail": "ConnectError",
            },
        ),
    ],
)
def test_the_audit_record_states_the_outcome(fact: Fact, data: dict[str, str | int]) -> None:
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
def test_the_audit_record_names_the_source(fact: Fact, action: str) -> None:
    change = _only(STARTED, arrival(fact, reference=None)).change
    assert change is not None
    assert change.action == action
    assert "provider_reference" not in change.data
    provider = ids.render("provider_account", PROVIDER_ACCOUNT)
    assert change.actor == ("engine" if isinstance(fact, NotSent) else provider)


@pytest.mark.parametrize("fact", [DECLINED, NOT_SENT])
def test_a_late_fact_has_an_audit_record(fact: Fact) -> None:
    change = _only(standing_at(Status.SUCCEEDED), arrival(fact)).change
    assert change is not None
    assert change.action == "payment.fact_late"
    assert change.data["status"] == "succeeded"
    assert change.cause == WEBHOOK


def test_only_money_has_an_effect() -> None:
    assert effect_key(arrival(CAPTURED)) == KEY
    for fact in FACTS:
        moves = isinstance(fact, Captured | CaptureReturned)
        assert (effect_key(arrival(fact)) is None) == (not moves)


def test_a_payment_keeps_its_creation_time() -> None:
    moved = _only(STARTED, arrival(CAPTURED)).payment
    assert moved is not None
    assert (moved.created_at, moved.updated_at) == (NOW, LATER)


HELD = standing_at(Status.AUTHORIZED, MANUAL)


@pytest.mark.parametrize(
    ("operation", "fact", "outcome", "status"),
    [
        (CAPTURE, CAPTURED, OperationOutcome.SUCCEEDED, Status.SUCCEEDED),
        (CAPTURE, DECLINED, OperationOutcome.DECLINED, Status.AUTHORIZED),
        (CAPTURE, NOT_SENT, OperationOutcome.FAILED, Status.AUTHORIZED),
        (CANCEL, CANCELED, OperationOutcome.SUCCEEDED, Status.CANCELED),
        (CANCEL, DECLINED, OperationOutcome.DECLINED, Status.AUTHORIZED),
        (CANCEL, NOT_SENT, OperationOutcome.FAILED, Status.AUTHORIZED),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, str) else one,
)
def test_a_command_is_settled_by_its_answer_and_a_decline_keeps_the_authorization(
    operation: Operation, fact: Fact, outcome: OperationOutcome, status: Status
) -> None:
    verdict = _only(HELD, answer_to(operation, fact), operations=[operation])
    assert verdict.outcome is Outcome.APPLIED
    [settled] = verdict.settled
    assert (settled.operation_id, settled.outcome) == (operation.id, outcome)
    assert (verdict.payment or HELD).status is status


@pytest.mark.parametrize("operation", [CAPTURE, CANCEL], ids=lambda one: str(one.kind))
def test_a_decline_without_an_operation_leaves_a_command_open(operation: Operation) -> None:
    _assert_nothing_moves(_only(HELD, arrival(DECLINED), operations=[operation]), Outcome.LATE)


@pytest.mark.parametrize(
    ("status", "operation", "fact", "outcome"),
    [
        (Status.SUCCEEDED, CANCEL, CANCELED, OperationOutcome.DECLINED),
        (Status.CANCELED, CANCEL, CANCELED, OperationOutcome.SUCCEEDED),
        (Status.EXPIRED, CANCEL, EXPIRED, OperationOutcome.SUCCEEDED),
        (Status.CANCELED, CAPTURE, CANCELED, OperationOutcome.DECLINED),
        (Status.EXPIRED, CAPTURE, EXPIRED, OperationOutcome.DECLINED),
    ],
)
def test_a_command_that_lost_the_race_is_settled_by_the_end_of_its_payment(
    status: Status, operation: Operation, fact: Fact, outcome: OperationOutcome
) -> None:
    verdict = _only(standing_at(status, MANUAL), answer_to(operation, fact), operations=[operation])
    assert verdict.outcome is not Outcome.APPLIED
    assert verdict.settled == (OperationEnd(PAYMENT_ID, operation.id, outcome),)


def test_a_capture_of_another_amount_than_requested_is_quarantined() -> None:
    asked = replace(CAPTURE, amount=PART.amount)
    lie = _only(HELD, arrival(CAPTURED), operations=[asked])
    _assert_nothing_moves(lie, Outcome.AMOUNT_MISMATCH)
    part = _only(HELD, arrival(Captured("ch_1", PART, final=False)), operations=[asked])
    assert part.payment is not None
    assert (part.payment.status, part.payment.capturable) == (Status.AUTHORIZED, 650)
    assert [one.operation_id for one in part.settled] == [CAPTURE_ID]


def test_a_capture_does_not_settle_an_open_cancellation() -> None:
    verdict = _only(HELD, arrival(CAPTURED), operations=[CANCEL])
    assert (verdict.outcome, verdict.settled) == (Outcome.APPLIED, ())
    assert CANCEL.id == CANCEL_ID


def test_a_required_action_is_shown_until_it_is_done_and_the_payment_resumes() -> None:
    waiting = _only(STARTED, answer_to(AUTHORIZE, REQUIRES_ACTION)).payment
    assert waiting is not None
    assert (waiting.status, waiting.next_action_url) == (
        Status.REQUIRES_ACTION,
        REQUIRES_ACTION.url,
    )
    done = _only(waiting, arrival(APPROVED))
    assert done.payment is not None
    assert (done.payment.status, done.payment.next_action_url) == (Status.PROCESSING, None)
    assert (done.resumed, done.settled) == (AUTHORIZE_ID, ())


def test_a_second_authorization_is_a_contradiction() -> None:
    reserved = replace(HELD, authorization_reference="pi_0")
    _assert_nothing_moves(_only(reserved, arrival(AUTHORIZED)), Outcome.CONTRADICTION)


def test_a_refund_waits_for_its_capture() -> None:
    early = arrival(REFUNDED, refund_id=RefundId(UUID(int=77)))
    assert _only(STARTED, early) == Verdict(Outcome.PREMATURE, payment_id=PAYMENT_ID)


@pytest.mark.parametrize("status", [Status.PROCESSING, Status.REQUIRES_ACTION, Status.AUTHORIZED])
@pytest.mark.parametrize("known", [None, "pi_0"])
def test_a_quarantined_fact_brings_the_provider_reference(
    status: Status, known: str | None
) -> None:
    payment = replace(standing_at(status), provider_reference=known)
    lie = arrival(Captured("ch_1", Money(1, "EUR")))
    (verdict,) = _decide(payment, lie)
    assert verdict.outcome is Outcome.AMOUNT_MISMATCH
    assert verdict.payment == (_taught(payment, lie) if known is None else None)


@pytest.mark.parametrize("status", [Status.CREATED, Status.CANCELED, Status.FAILED])
def test_a_payment_without_an_open_operation_learns_no_reference(status: Status) -> None:
    (verdict,) = _decide(standing_at(status), arrival(Captured("ch_1", AMOUNT)))
    assert (verdict.outcome, verdict.payment) == (Outcome.CONTRADICTION, None)


def test_an_unrequested_refund_is_a_refund_that_was_made_at_the_provider() -> None:
    foreign = arrival(REFUNDED, refund_id=RefundId(UUID(int=77)))
    foreign = replace(foreign, report=replace(foreign.report, capture_reference="ch_1"))
    verdict = _only(standing_at(Status.SUCCEEDED), foreign, known=[KEY], operations=())
    assert verdict.made
    assert verdict.refund is not None
    assert (verdict.refund.origin, verdict.refund.hold_id) == ("provider", None)
    assert (verdict.payment or STARTED).refunded == PART.amount


def test_a_refund_of_another_amount_is_quarantined() -> None:
    lie = answer_to(REFUND_OPERATION, Refunded("re_1", Money(REFUND.amount + 1, "EUR")))
    verdict = _only(standing_at(Status.SUCCEEDED), lie, operations=[REFUND_OPERATION])
    _assert_nothing_moves(verdict, Outcome.AMOUNT_MISMATCH)


def test_an_unsent_refund_fails_and_releases_its_hold() -> None:
    paid = replace(standing_at(Status.SUCCEEDED), refund_pending=REFUND.amount)
    verdict = _only(paid, answer_to(REFUND_OPERATION, NOT_SENT), operations=[REFUND_OPERATION])
    assert verdict.refund is not None
    assert (verdict.refund.status, verdict.released) == ("failed", REFUND.hold_id)
    assert [one.outcome for one in verdict.settled] == [OperationOutcome.FAILED]


def test_a_dispute_is_found_by_its_capture() -> None:
    paid = standing_at(Status.SUCCEEDED)
    opened = dispute_arrival(DisputeOpened("dp_1", PART))
    assert _only(paid, opened) == Verdict(Outcome.PREMATURE)
    assert _only(paid, opened, known=[KEY]).outcome is Outcome.APPLIED


def test_a_dispute_in_another_currency_is_quarantined() -> None:
    opened = dispute_arrival(DisputeOpened("dp_1", Money(400, "USD")))
    verdict = _only(standing_at(Status.SUCCEEDED), opened, known=[KEY])
    _assert_nothing_moves(verdict, Outcome.AMOUNT_MISMATCH)


def test_a_dispute_may_exceed_the_capture_and_blocks_no_more_than_is_left() -> None:
    opened = dispute_arrival(DisputeOpened("dp_1", Money(1080, "EUR")))
    disputed = _only(standing_at(Status.SUCCEEDED), opened, known=[KEY]).payment
    assert disputed is not None
    assert (disputed.in_dispute, disputed.disputed, disputed.refundable) == (1080, 1050, 0)
    assert replace(disputed, refunded=400).disputed == 650


def test_a_late_cancellation_is_declined_by_the_capture_in_its_answer() -> None:
    paid = standing_at(Status.SUCCEEDED, MANUAL)
    verdict = _only(paid, answer_to(CANCEL, CAPTURED), known=[KEY], operations=[CANCEL])
    assert verdict.outcome is Outcome.ALREADY_SO
    assert verdict.settled == (OperationEnd(PAYMENT_ID, CANCEL_ID, OperationOutcome.DECLINED),)


def test_a_capture_is_declined_by_the_end_in_its_answer() -> None:
    verdict = _only(HELD, answer_to(CAPTURE, EXPIRED), operations=[CAPTURE])
    assert verdict.payment is not None
    assert verdict.payment.status is Status.EXPIRED
    assert verdict.settled == (OperationEnd(PAYMENT_ID, CAPTURE_ID, OperationOutcome.DECLINED),)


def test_an_open_refund_is_not_settled_by_the_status_of_its_payment() -> None:
    key = EffectKey(PROVIDER_ACCOUNT, EffectKind.REFUNDED, "re_1")
    again = answer_to(REFUND_OPERATION, REFUNDED)
    verdict = _only(
        standing_at(Status.SUCCEEDED), again, known=[key], operations=[REFUND_OPERATION]
    )
    _assert_nothing_moves(verdict, Outcome.ALREADY_SO)


def test_a_payment_with_an_open_cancellation_does_not_resume() -> None:
    waiting = standing_at(Status.REQUIRES_ACTION)
    verdict = _only(waiting, arrival(APPROVED), operations=[AUTHORIZE, CANCEL])
    _assert_nothing_moves(verdict, Outcome.LATE)
    assert verdict.resumed is None


def test_a_refund_of_an_unknown_capture_waits_for_it() -> None:
    report = Report(None, "pi_1", REFUNDED, capture_reference="ch_9")
    verdict = _only(standing_at(Status.SUCCEEDED), Arrival(PROVIDER_ACCOUNT, report, WEBHOOK))
    assert verdict == Verdict(Outcome.PREMATURE)


@pytest.mark.parametrize("operation", [AUTHORIZE, REFUND_OPERATION], ids=lambda one: str(one.kind))
def test_a_late_not_sent_proves_nothing_after_another_worker_took_over(
    operation: Operation,
) -> None:
    asked = replace(operation, outcome=OperationOutcome.UNKNOWN)
    payment = STARTED if operation is AUTHORIZE else standing_at(Status.SUCCEEDED)
    answer = answer_to(asked, NOT_SENT)
    _assert_nothing_moves(_only(payment, answer, operations=[asked]), Outcome.LATE)
    by_hand = replace(answer, told_by=Operator("alice").acting_for(MerchantId(1)))
    assert _only(payment, by_hand, operations=[asked]).outcome is Outcome.APPLIED


def test_an_earlier_capture_does_not_settle_the_requested_one() -> None:
    earlier = standing_at(Status.SUCCEEDED, MANUAL)
    verdict = _only(earlier, answer_to(CAPTURE, CAPTURED), known=[KEY], operations=[CAPTURE])
    _assert_nothing_moves(verdict, Outcome.ALREADY_SO)
