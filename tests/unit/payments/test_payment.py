from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel import ids
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import OperationId
from groat.kernel.money import MAX_AMOUNT, Money
from groat.kernel.value import replace
from groat.payments.domain.lifecycle import Status
from groat.payments.domain.operation import idempotency_key
from groat.payments.domain.payment import new_payment
from tests.unit.payments.examples import NOW, ORDER, PAYMENT_ID, TERMS


@given(st.integers(-MAX_AMOUNT, 0))
def test_an_amount_is_positive(amount: int) -> None:
    with pytest.raises(InvalidRequest) as refused:
        replace(TERMS, amount=Money(amount, "EUR"))
    assert refused.value.code == "amount_not_positive"


@given(st.integers(1, MAX_AMOUNT))
def test_every_positive_amount_is_accepted(amount: int) -> None:
    assert replace(TERMS, amount=Money(amount, "EUR")).amount.amount == amount


def test_a_new_payment_has_captured_nothing() -> None:
    payment = new_payment(PAYMENT_ID, ORDER, NOW)
    assert (payment.status, payment.captured) == (Status.CREATED, 0)
    assert payment.failure_code is None
    assert payment.created_at == payment.updated_at == NOW


def test_an_operation_has_one_idempotency_key_that_providers_accept() -> None:
    first, second = OperationId(ids.uuid7()), OperationId(ids.uuid7())
    assert idempotency_key(first) == idempotency_key(first)
    assert idempotency_key(first) != idempotency_key(second)
    assert idempotency_key(first) == f"groat-{ids.render('operation', first)}"
    assert len(idempotency_key(first)) <= 38  # PayPal's limit for some calls; Stripe's is 255
