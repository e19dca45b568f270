"""A payment's facts come in any order and more than once; what comes of them is the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.ids import PaymentId
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.payments.domain.lifecycle import TERMINAL, DisputeStatus, Outcome, RefundStatus, Status
from groat.payments.domain.payment import Payment
from groat.payments.domain.standing import Arrival, EffectKey
from groat.providers.domain.facts import (
    Authorized,
    Captured,
    CaptureReturned,
    Declined,
    Fact,
    Refunded,
)
from groat.providers.domain.failures import FailureCode
from tests.unit.payments.examples import (
    AMOUNT,
    AUTHORIZE,
    AUTHORIZED,
    BACK_AGAIN,
    BANK_RETURN,
    BENEFICIARY,
    CANCELED,
    CAPTURED,
    CAPTURED_IN_PART,
    CHARGED,
    DECLINED,
    DISPUTE_LOST,
    DISPUTE_OPENED,
    DISPUTE_UNDER_REVIEW,
    DISPUTE_WON,
    EXPIRED,
    FACTS,
    GIVEN_BACK,
    HOLD_ID,
    INQUIRY_OPENED,
    MANUAL,
    NOT_SENT,
    OTHER_WEBHOOK,
    PAID_BACK,
    PART,
    PROCESSING,
    REFUND,
    REFUND_FAILED,
    REFUND_OPERATION,
    REFUND_REVERSED,
    REFUNDED,
    REPLY,
    REQUIRES_ACTION,
    REST,
    RETURNED,
    STARTED,
    TAKEN,
    WEBHOOK,
    arrival,
    dispute_arrival,
    provider_refund_arrival,
    standing_at,
)
from tests.unit.payments.life import EARLY, Life

LIE = arrival(Captured("ch_lie", Money(2000, "EUR")))
MANUAL_STARTED = replace(STARTED, order=MANUAL)
PAID = standing_at(Status.SUCCEEDED)
REFUNDING = replace(PAID, refund_pending=PART.amount)


def _started(payment: Payment = STARTED, funds: int = 0) -> Life:
    return Life(payment, [AUTHORIZE], funds=funds)


def _refunding() -> Life:
    return Life(REFUNDING, [REFUND_OPERATION], [REFUND], funds=AMOUNT.amount)


LIVES: dict[str, tuple[Life, list[Arrival], Status]] = {
    "captured at once": (
        _started(),
        [
            arrival(CAPTURED, REPLY, movements=(CHARGED,)),
            arrival(CAPTURED),
            arrival(CAPTURED, OTHER_WEBHOOK, movements=(CHARGED,)),
            LIE,
        ],
        Status.SUCCEEDED,
    ),
    "declined": (
        _started(),
        [arrival(DECLINED, REPLY), arrival(DECLINED), arrival(DECLINED, OTHER_WEBHOOK), LIE],
        Status.REQUIRES_PAYMENT_METHOD,
    ),
    "authorized, then captured": (
        _started(MANUAL_STARTED),
        [
            arrival(AUTHORIZED),
            arrival(CAPTURED),
            arrival(CAPTURED, OTHER_WEBHOOK, movements=(CHARGED,)),
        ],
        Status.SUCCEEDED,
    ),
    "captured in parts": (
        _started(MANUAL_STARTED),
        [arrival(AUTHORIZED), arrival(CAPTURED_IN_PART), arrival(Captured("ch_rest", REST))],
        Status.SUCCEEDED,
    ),
    "canceled": (
        _started(MANUAL_STARTED),
        [arrival(AUTHORIZED), arrival(CANCELED), arrival(CANCELED, OTHER_WEBHOOK)],
        Status.CANCELED,
    ),
    "expired": (
        _started(MANUAL_STARTED),
        [arrival(AUTHORIZED), arrival(EXPIRED), arrival(EXPIRED, OTHER_WEBHOOK)],
        Status.EXPIRED,
    ),
    "with an action": (
        _started(),
        [arrival(REQUIRES_ACTION), arrival(CAPTURED), arrival(CAPTURED, OTHER_WEBHOOK)],
        Status.SUCCEEDED,
    ),
    "refunded": (
        _refunding(),
        [arrival(REFUNDED), arrival(REFUNDED, OTHER_WEBHOOK), arrival(DECLINED)],
        Status.SUCCEEDED,
    ),
    "refunded, with its movement": (
        _refunding(),
        [arrival(REFUNDED), arrival(REFUNDED, OTHER_WEBHOOK, movements=(PAID_BACK,))],
        Status.SUCCEEDED,
    ),
    "refunded at the provider": (
        _started(),
        [
            arrival(CAPTURED),
            provider_refund_arrival(REFUNDED, PAID_BACK),
            provider_refund_arrival(REFUNDED),
        ],
        Status.SUCCEEDED,
    ),
    "refund failed": (
        _refunding(),
        [arrival(REFUND_FAILED), arrival(REFUND_FAILED, OTHER_WEBHOOK)],
        Status.SUCCEEDED,
    ),
    "dispute won": (
        _started(),
        [
            arrival(CAPTURED),
            dispute_arrival(DISPUTE_OPENED),
            dispute_arrival(DISPUTE_OPENED, TAKEN),
            dispute_arrival(DISPUTE_WON, TAKEN, GIVEN_BACK),
            dispute_arrival(DISPUTE_WON),
        ],
        Status.SUCCEEDED,
    ),
    "dispute lost": (
        _started(),
        [
            arrival(CAPTURED),
            dispute_arrival(DISPUTE_OPENED),
            dispute_arrival(DISPUTE_UNDER_REVIEW, TAKEN),
            dispute_arrival(DISPUTE_LOST, TAKEN),
        ],
        Status.SUCCEEDED,
    ),
    "dispute lost, then won": (
        _started(),
        [
            arrival(CAPTURED),
            dispute_arrival(DISPUTE_LOST, TAKEN),
            dispute_arrival(DISPUTE_WON, TAKEN, GIVEN_BACK),
        ],
        Status.SUCCEEDED,
    ),
    "inquiry that becomes a dispute": (
        _started(),
        [
            arrival(CAPTURED),
            dispute_arrival(INQUIRY_OPENED),
            dispute_arrival(DISPUTE_OPENED, TAKEN),
            dispute_arrival(DISPUTE_LOST, TAKEN),
        ],
        Status.SUCCEEDED,
    ),
}


def _afresh(life: Life) -> Life:
    return Life(life.payment, life.operations, life.refunds, life.funds)


@pytest.mark.parametrize("name", LIVES)
def test_every_order_with_every_duplicate_ends_in_the_same_state(name: str) -> None:
    start, arrivals, status = LIVES[name]
    expected = _afresh(start)
    expected.take_each(arrivals)
    assert expected.payment.status is status
    assert expected.open_operations() == []
    for order in permutations(arrivals):
        for repeated in range(len(order)):
            life = _afresh(start)
            life.take_each([*order, *order[repeated:]])
            assert life.ending() == expected.ending(), order
            assert life.open_operations() == []
            assert sum(life.balances().values()) == life.funds


@pytest.mark.parametrize("order", list(permutations(LIVES["captured at once"][1][:2])))
def test_the_first_report_of_a_capture_applies_it(order: tuple[Arrival, ...]) -> None:
    life = _started()
    assert life.take(*order) == [Outcome.APPLIED, Outcome.ALREADY_SO]
    assert [effect.key.reference for effect in life.effects] == ["ch_1"]


def test_a_late_decline_never_undoes_a_capture() -> None:
    life = _started()
    assert life.take(arrival(CAPTURED), arrival(DECLINED)) == [Outcome.APPLIED, Outcome.LATE]
    assert (life.payment.status, life.payment.failure_code) == (Status.SUCCEEDED, None)


@pytest.mark.parametrize("ended_by", [DECLINED, NOT_SENT, CANCELED, EXPIRED])
def test_a_capture_after_the_end_is_quarantined(ended_by: Fact) -> None:
    life = _started()
    assert life.take(arrival(ended_by), arrival(CAPTURED)) == [
        Outcome.APPLIED,
        Outcome.CONTRADICTION,
    ]
    assert (life.payment.captured, life.effects, life.balances()) == (0, [], {})


@pytest.mark.parametrize("offset", [timedelta(minutes=-1), timedelta()])
def test_an_authorization_is_applied_without_an_expiry_that_cannot_be_stored(
    offset: timedelta,
) -> None:
    edge = datetime.max.replace(tzinfo=timezone(offset))
    life = _started(MANUAL_STARTED)
    life.take(arrival(Authorized("pi_1", AMOUNT, edge)))
    assert (life.payment.status, life.payment.authorized) == (Status.AUTHORIZED, AMOUNT.amount)
    assert life.payment.authorization_expires_at is None


def test_a_payment_canceled_after_a_partial_capture_has_succeeded() -> None:
    life = _started(MANUAL_STARTED)
    life.take(arrival(AUTHORIZED), arrival(CAPTURED_IN_PART))
    assert (life.payment.status, life.payment.capturable) == (Status.AUTHORIZED, REST.amount)
    life.take(arrival(CANCELED))
    assert (life.payment.status, life.payment.captured) == (Status.SUCCEEDED, PART.amount)


def test_a_refund_uses_its_hold() -> None:
    life = _refunding()
    life.take(arrival(REFUNDED))
    wallet = life.book.balances[life.payment.order.terms.beneficiary_id]
    assert (wallet.posted, wallet.held) == (REST.amount, 0)
    assert life.book.holds[HOLD_ID].state == "captured"
    assert (life.payment.refunded, life.payment.refund_pending) == (PART.amount, 0)
    assert life.standing.refunds[REFUND.id].status is RefundStatus.SUCCEEDED


def test_a_failed_refund_releases_its_hold() -> None:
    life = _refunding()
    life.take(arrival(REFUND_FAILED))
    wallet = life.book.balances[life.payment.order.terms.beneficiary_id]
    assert (wallet.posted, wallet.held) == (AMOUNT.amount, 0)
    assert life.book.holds[HOLD_ID].state == "released"
    assert (life.payment.refundable, life.payment.refund_pending) == (AMOUNT.amount, 0)
    assert life.standing.refunds[REFUND.id].failure_code is FailureCode.PROCESSING_ERROR


@pytest.mark.parametrize("spent", [0, 900, AMOUNT.amount])
@pytest.mark.parametrize("at_once", [False, True])
def test_a_dispute_without_funds_is_owed_until_it_is_returned(spent: int, *, at_once: bool) -> None:
    life = Life(PAID, funds=AMOUNT.amount - spent)
    life.standing = replace(life.standing, effects=_started_effects())
    taken, returned = (
        dispute_arrival(DISPUTE_OPENED, TAKEN),
        dispute_arrival(DISPUTE_WON, TAKEN, GIVEN_BACK),
    )
    if not at_once:
        life.take(taken)
        missing = max(0, PART.amount - life.funds)
        assert life.balances().get("receivable", 0) == -missing
        assert life.balances().get("wallet", 0) == life.funds - (PART.amount - missing)
        assert (life.payment.disputed, life.payment.owed) == (PART.amount, missing)
        life.take(returned)
    else:
        life.take(taken, returned)
    fee = {"fees": -TAKEN.fee, "provider": TAKEN.fee}
    assert life.balances() == {**({"wallet": life.funds} if life.funds else {}), **fee}
    assert (life.payment.disputed, life.payment.owed) == (0, 0)
    [dispute] = life.standing.disputes.values()
    assert dispute.status is DisputeStatus.WON


def test_a_refund_that_fails_after_its_success_can_be_made_again() -> None:
    life = _refunding()
    life.take(arrival(REFUNDED, movements=(PAID_BACK,)))
    assert life.payment.refundable == REST.amount
    life.take(arrival(REFUND_REVERSED, movements=(PAID_BACK, BACK_AGAIN)))
    assert (life.payment.refunded, life.payment.refundable) == (0, AMOUNT.amount)
    assert life.balances() == {"wallet": AMOUNT.amount}
    assert life.open_items() == {}
    [refund] = life.standing.refunds.values()
    assert (refund.status, refund.failure_code) == (
        RefundStatus.FAILED,
        FailureCode.PROCESSING_ERROR,
    )
    assert life.take(arrival(REFUND_REVERSED)) == [Outcome.ALREADY_SO]
    assert life.take(arrival(REFUNDED)) == [Outcome.ALREADY_SO]


@pytest.mark.parametrize("spent", [0, 900, AMOUNT.amount])
def test_a_refund_at_the_provider_is_borne_and_its_return_repays_the_debt(spent: int) -> None:
    life = Life(PAID, funds=AMOUNT.amount - spent)
    life.standing = replace(life.standing, effects=_started_effects())
    life.take(provider_refund_arrival(REFUNDED, PAID_BACK))
    missing = max(0, PART.amount - life.funds)
    assert life.balances().get("receivable", 0) == -missing
    [refund] = life.standing.refunds.values()
    assert (refund.origin, refund.status, refund.amount) == ("provider", "succeeded", PART.amount)
    assert (life.payment.refunded, life.payment.owed) == (PART.amount, missing)
    life.take(provider_refund_arrival(REFUND_REVERSED, PAID_BACK, BACK_AGAIN))
    assert life.balances() == ({"wallet": life.funds} if life.funds else {})
    assert (life.payment.refunded, life.payment.owed) == (0, 0)


def test_a_late_report_of_a_refund_that_has_failed_moves_nothing() -> None:
    life = Life(PAID, funds=AMOUNT.amount)
    life.standing = replace(life.standing, effects=_started_effects())
    assert life.take(provider_refund_arrival(REFUND_REVERSED, PAID_BACK, BACK_AGAIN)) == [
        Outcome.APPLIED
    ]
    assert life.take(provider_refund_arrival(REFUNDED, PAID_BACK)) == [Outcome.LATE]
    assert life.balances() == {"wallet": AMOUNT.amount}
    assert life.payment.refundable == AMOUNT.amount


def test_a_refund_at_the_provider_waits_for_an_open_refund_that_it_exceeds() -> None:
    life = _refunding()
    life.standing = replace(life.standing, effects=_started_effects())
    whole = provider_refund_arrival(Refunded("re_whole", AMOUNT))
    assert life.take(whole) == [Outcome.PREMATURE]
    assert life.take(arrival(REFUND_FAILED), whole) == [Outcome.APPLIED, Outcome.APPLIED]
    assert life.payment.refunded == AMOUNT.amount
    assert life.take(provider_refund_arrival(Refunded("re_2", PART))) == [Outcome.AMOUNT_MISMATCH]


@pytest.mark.parametrize("spent", [0, 900])
def test_a_returned_debit_takes_success_back(spent: int) -> None:
    life = _started()
    life.take(arrival(CAPTURED, movements=(CHARGED,)))
    life.book = replace(
        life.book,
        balances={
            key: one._replace(posted=one.posted - spent) if key == BENEFICIARY else one
            for key, one in life.book.balances.items()
        },
    )
    life.take(arrival(RETURNED, movements=(CHARGED, BANK_RETURN)))
    assert (life.payment.status, life.payment.failure_code) == (
        Status.FAILED,
        FailureCode.INSUFFICIENT_FUNDS,
    )
    assert (life.payment.captured, life.payment.returned) == (AMOUNT.amount, AMOUNT.amount)
    assert (life.payment.refundable, life.payment.owed) == (0, spent)
    assert life.balances() == {
        "fees": -CHARGED.fee,
        "provider": CHARGED.fee,
        **({"receivable": -spent} if spent else {}),
    }
    assert life.open_items() == {}
    assert life.take(arrival(CAPTURED), arrival(RETURNED)) == [Outcome.ALREADY_SO] * 2


def test_a_debit_that_fails_before_its_success_posts_only_its_fee() -> None:
    life = _started()
    life.take(arrival(PROCESSING, movements=(CHARGED,)))
    assert life.open_items() == {"ch_1": AMOUNT.amount}
    life.take(arrival(RETURNED, movements=(CHARGED, BANK_RETURN)))
    assert (life.payment.status, life.payment.captured) == (Status.REQUIRES_PAYMENT_METHOD, 0)
    assert life.balances() == {"fees": -CHARGED.fee, "provider": CHARGED.fee}
    assert life.open_items() == {}


def test_a_return_of_an_unknown_capture_waits_and_one_of_too_much_is_quarantined() -> None:
    life = _started()
    life.take(arrival(CAPTURED))
    unknown = CaptureReturned("ch_9", AMOUNT, FailureCode.PROCESSING_ERROR)
    excessive = CaptureReturned("ch_1", Money(1051, "EUR"), FailureCode.PROCESSING_ERROR)
    assert life.take(arrival(unknown), arrival(excessive)) == [
        Outcome.PREMATURE,
        Outcome.AMOUNT_MISMATCH,
    ]
    assert life.payment.status is Status.SUCCEEDED


def test_a_card_payment_with_its_fee_is_one_ledger_transaction_without_clearing() -> None:
    life = _started()
    life.take(arrival(CAPTURED, REPLY, movements=(CHARGED,)))
    assert life.balances() == {
        "wallet": AMOUNT.amount,
        "provider": CHARGED.fee - AMOUNT.amount,
        "fees": -CHARGED.fee,
    }
    assert [balance.version for balance in life.book.balances.values()] == [1, 1, 1]
    assert life.items == {}


def test_the_movement_of_a_quarantined_capture_stands_in_suspense() -> None:
    life = _started()
    charged = replace(CHARGED, gross=2000)
    assert life.take(arrival(LIE.report.fact, movements=(charged,))) == [Outcome.AMOUNT_MISMATCH]
    assert life.balances() == {"provider": 41 - 2000, "fees": -41, "suspense": 2000}


def _started_effects() -> Mapping[EffectKey, PaymentId]:
    life = _started()
    life.take(arrival(CAPTURED))
    return life.standing.effects


ANYTHING = [
    *(arrival(fact) for fact in FACTS),
    *(arrival(fact, REPLY) for fact in (CAPTURED, DECLINED, NOT_SENT)),
    arrival(Captured("ch_2", AMOUNT), WEBHOOK),
    arrival(Declined(FailureCode.EXPIRED_CARD), WEBHOOK),
    arrival(CAPTURED, movements=(CHARGED,)),
    arrival(REFUNDED),
    provider_refund_arrival(REFUNDED, PAID_BACK),
    provider_refund_arrival(REFUND_REVERSED, PAID_BACK, BACK_AGAIN),
    LIE,
    dispute_arrival(INQUIRY_OPENED),
    dispute_arrival(DISPUTE_OPENED, TAKEN),
    dispute_arrival(DISPUTE_LOST, TAKEN),
    dispute_arrival(DISPUTE_WON, TAKEN, GIVEN_BACK),
]


@pytest.mark.parametrize("payment", [STARTED, MANUAL_STARTED], ids=["automatic", "manual"])
@given(arrivals=st.lists(st.sampled_from(ANYTHING), max_size=14))
def test_after_any_facts_the_amounts_equal_the_effects(
    payment: Payment, arrivals: Sequence[Arrival]
) -> None:
    life = _started(payment)
    ended: Status | None = None
    for one in arrivals:
        life.take(one)
        if ended is not None and not life.payment.returned:
            assert life.payment.status is ended
        ended = life.payment.status if life.payment.status in TERMINAL else None
    taken = [one.money.amount for one in life.effects if one.key.kind == "captured"]
    assert life.payment.captured == sum(taken) <= AMOUNT.amount
    assert len({one.key for one in life.effects}) == len(life.effects)
    assert sum(life.balances().values()) == 0


@given(st.lists(st.sampled_from(ANYTHING), max_size=14))
def test_a_batch_of_facts_equals_the_facts_one_by_one(arrivals: list[Arrival]) -> None:
    together, alone = _started(MANUAL_STARTED), _started(MANUAL_STARTED)
    at_once = together.take(*arrivals)
    for one, outcome in zip(arrivals, at_once, strict=True):
        if outcome in EARLY:
            continue  # what it waits for may be in the same batch, and is posted at its end
        assert alone.take(one) == [outcome]
    assert together.payment == alone.payment
    assert together.balances() == alone.balances()
