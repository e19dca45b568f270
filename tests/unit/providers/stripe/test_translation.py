from __future__ import annotations

import pytest
from pydantic import ValidationError

from groat.kernel import ids
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import PaymentId
from groat.kernel.money import Money
from groat.providers.domain.facts import Captured, Declined, Fact, Report
from groat.providers.domain.failures import FailureCode
from groat.providers.stripe.translation import (
    PAYMENT_METADATA,
    Event,
    PaymentIntent,
    event_reports,
    intent_reports,
)

PAYMENT_ID = PaymentId(ids.uuid7())
METADATA = {PAYMENT_METADATA: ids.render("payment", PAYMENT_ID), "other": "x"}
INTENT: dict[str, object] = {
    "object": "payment_intent",
    "id": "pi_1",
    "status": "succeeded",
    "currency": "eur",
    "amount_received": 1050,
    "latest_charge": "ch_1",
    "metadata": METADATA,
}
CHARGE: dict[str, object] = {
    "object": "charge",
    "id": "ch_1",
    "status": "succeeded",
    "captured": True,
    "currency": "eur",
    "amount_captured": 1050,
    "payment_intent": "pi_1",
    "metadata": METADATA,
}
TAKEN = Report(PAYMENT_ID, "pi_1", Captured("ch_1", Money(1050, "EUR")))


def _intent(**changes: object) -> tuple[Report, ...]:
    return intent_reports(PaymentIntent.model_validate({**INTENT, **changes}))


def _event(about: dict[str, object]) -> tuple[Report, ...]:
    return event_reports(Event.model_validate({"data": {"object": about}}))


def test_reply_and_both_events_tell_the_same_fact() -> None:
    assert _intent() == _event(INTENT) == _event(CHARGE) == (TAKEN,)


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        (
            {
                "status": "requires_payment_method",
                "last_payment_error": {
                    "code": "card_declined",
                    "decline_code": "insufficient_funds",
                },
            },
            Declined(FailureCode.INSUFFICIENT_FUNDS),
        ),
        (
            {"status": "requires_payment_method", "last_payment_error": {}},
            Declined(FailureCode.DO_NOT_HONOR),
        ),
        ({"currency": "jpy"}, Captured("ch_1", Money(1050, "JPY"))),
    ],
)
def test_a_status_is_a_fact(changes: dict[str, object], fact: Fact) -> None:
    assert _intent(**changes) == (Report(PAYMENT_ID, "pi_1", fact),)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "requires_payment_method"},
        {"status": "requires_action"},
        {"status": "processing"},
        {"status": "requires_confirmation"},
        {"status": "requires_capture"},
        {"status": "canceled"},
        {"status": "something_new"},
        {"latest_charge": None},
    ],
)
def test_what_decides_nothing_is_no_fact(changes: dict[str, object]) -> None:
    assert _intent(**changes) == ()


@pytest.mark.parametrize(
    "changes", [{"captured": False}, {"status": "failed"}, {"status": "pending"}]
)
def test_a_charge_that_took_nothing_is_no_fact(changes: dict[str, object]) -> None:
    assert _event({**CHARGE, **changes}) == ()


@pytest.mark.parametrize(
    "metadata", [{}, {PAYMENT_METADATA: ""}, {PAYMENT_METADATA: "pay_x"}, {"other": "x"}]
)
def test_without_our_id_the_providers_reference_is_told(metadata: dict[str, str]) -> None:
    (report,) = _intent(metadata=metadata)
    assert (report.payment_id, report.provider_reference) == (None, "pi_1")


@pytest.mark.parametrize(
    "changes", [{"currency": "xxx"}, {"currency": ""}, {"amount_received": 2**53}]
)
def test_an_amount_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        _intent(**changes)


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"object": "refund", "id": "re_1"},
        {**INTENT, "object": "charge"},
        {**CHARGE, "captured": "maybe"},
        {**INTENT, "amount_received": 10.5},
        {**INTENT, "id": None},
    ],
)
def test_an_object_of_another_shape_is_refused(about: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _event(about)
