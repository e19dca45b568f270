"""What a merchant may ask of a payment, in each status, and of how much of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.errors import Conflict, InvalidRequest
from groat.kernel.value import replace
from groat.payments.domain import payment as commands
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.operation import Operation, OperationKind
from groat.payments.domain.payment import Begun, CaptureOrder, Payment
from groat.payments.domain.refund import RefundableCapture, RefundOrder, begin_refund
from tests.unit.payments.examples import (
    AMOUNT,
    AUTHORIZE,
    AUTHORIZE_ID,
    CANCEL,
    CANCEL_ID,
    CAPTURE,
    CAPTURE_ID,
    LATER,
    MANUAL,
    PAYMENT_ID,
    standing_at,
)

HELD = standing_at(Status.AUTHORIZED, MANUAL)
PAID = standing_at(Status.SUCCEEDED)
WHOLE = RefundableCapture("ch_1", AMOUNT.amount)

COMMANDS: dict[str, tuple[Callable[[Payment], Begun], set[Status]]] = {
    "confirm": (
        lambda one: commands.confirm(one, (), None, AUTHORIZE_ID, LATER),
        {Status.CREATED, Status.REQUIRES_PAYMENT_METHOD},
    ),
    "capture": (
        lambda one: commands.capture(one, [], CaptureOrder(), CAPTURE_ID),
        {Status.AUTHORIZED},
    ),
    "cancel": (
        lambda one: commands.cancel(one, [], CANCEL_ID, LATER),
        {
            Status.CREATED,
            Status.REQUIRES_ACTION,
            Status.REQUIRES_PAYMENT_METHOD,
            Status.AUTHORIZED,
        },
    ),
}


CODES = {
    "confirm": "payment_not_confirmable",
    "capture": "payment_not_capturable",
    "cancel": "payment_not_cancelable",
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_its_statuses(name: str, status: Status) -> None:
    command, allowed = COMMANDS[name]
    payment = standing_at(status, MANUAL)
    if status in allowed:
        assert command(payment).payment.id == PAYMENT_ID
        return
    with pytest.raises(Conflict) as refused:
        command(payment)
    assert refused.value.code == CODES[name]
    assert status in refused.value.message


def test_a_payment_without_an_operation_is_canceled_at_once() -> None:
    done = commands.cancel(standing_at(Status.CREATED), [], CANCEL_ID, LATER)
    assert (done.payment.status, done.operation) == (Status.CANCELED, None)


@pytest.mark.parametrize("busy", [CAPTURE, CANCEL], ids=lambda one: str(one.kind))
@pytest.mark.parametrize("wanted", ["capture", "cancel"])
def test_capture_and_cancel_exclude_each_other(wanted: str, busy: Operation) -> None:
    asks: dict[str, Callable[[], Begun]] = {
        "capture": lambda: commands.capture(HELD, [busy], CaptureOrder(), CAPTURE_ID),
        "cancel": lambda: commands.cancel(HELD, [busy], CANCEL_ID, LATER),
    }
    with pytest.raises(Conflict) as refused:
        asks[wanted]()
    assert refused.value.code == "operation_in_progress"


def test_a_payment_that_waits_for_its_customer_can_be_canceled() -> None:
    waiting = standing_at(Status.REQUIRES_ACTION)
    operation = commands.cancel(waiting, [AUTHORIZE], CANCEL_ID, LATER).operation
    assert operation is not None
    assert operation.kind is OperationKind.CANCEL


@given(captured=st.integers(0, 1049), amount=st.integers(1, 2000), final=st.booleans())
def test_a_capture_cannot_exceed_the_capturable_amount(
    captured: int, amount: int, *, final: bool
) -> None:
    payment = replace(HELD, captured=captured)
    order = CaptureOrder(amount, final)
    if amount > 1050 - captured:
        with pytest.raises(Conflict) as refused:
            commands.capture(payment, [], order, CAPTURE_ID)
        assert refused.value.code == "capture_exceeds_authorized"
        return
    operation = commands.capture(payment, [], order, CAPTURE_ID).operation
    assert operation is not None
    assert operation.amount == amount
    assert operation.final == (final or amount == 1050 - captured)


@given(
    refunded=st.integers(0, 400),
    pending=st.integers(0, 400),
    disputed=st.integers(0, 400),
    amount=st.none() | st.integers(1, 1500),
)
def test_a_refund_cannot_exceed_the_refundable_amount(
    refunded: int, pending: int, disputed: int, amount: int | None
) -> None:
    payment = replace(PAID, refunded=refunded, refund_pending=pending, in_dispute=disputed)
    kept = 1050 - refunded - pending
    left = max(0, kept - disputed)
    order = RefundOrder(PAYMENT_ID, amount, None, {})
    wanted = left if amount is None else amount
    if not 0 < wanted <= left:
        with pytest.raises(Conflict) as refused:
            begin_refund(payment, [WHOLE], order, LATER)
        only_disputed = min(disputed, kept) and wanted <= kept
        assert refused.value.code == ("disputed" if only_disputed else "refund_exceeds_captured")
        return
    after, taken, reference = begin_refund(payment, [WHOLE], order, LATER)
    assert taken == (left if amount is None else amount)
    assert after.refund_pending == pending + taken
    assert reference == "ch_1"


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.SUCCEEDED}))
def test_an_uncaptured_payment_cannot_be_refunded(status: Status) -> None:
    with pytest.raises(Conflict) as refused:
        begin_refund(standing_at(status), [], RefundOrder(PAYMENT_ID, 1, None, {}), LATER)
    assert refused.value.code == "payment_not_refundable"


def test_a_refund_belongs_to_one_capture() -> None:
    parts = [RefundableCapture("ch_1", 400), RefundableCapture("ch_2", 650)]
    order = RefundOrder(PAYMENT_ID, 500, None, {})
    assert begin_refund(PAID, parts, order, LATER)[2] == "ch_2"
    with pytest.raises(Conflict) as refused:
        begin_refund(PAID, parts, replace(order, amount=700), LATER)
    assert refused.value.code == "refund_exceeds_capture"
    assert "650" in refused.value.message


@pytest.mark.parametrize("amount", [0, -1])
def test_amounts_are_positive(amount: int) -> None:
    for order in (lambda: CaptureOrder(amount), lambda: RefundOrder(PAYMENT_ID, amount, None, {})):
        with pytest.raises(InvalidRequest) as refused:
            order()
        assert refused.value.code == "amount_not_positive"


def test_a_payment_without_a_capturable_amount_cannot_be_captured() -> None:
    with pytest.raises(Conflict) as refused:
        commands.capture(replace(HELD, captured=1050), [], CaptureOrder(), CAPTURE_ID)
    assert refused.value.code == "payment_not_capturable"
