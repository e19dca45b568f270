from __future__ import annotations

import pytest
from pydantic import ValidationError

from groat.kernel import ids
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import PaymentId
from groat.kernel.money import Money
from groat.providers.domain.facts import Captured, Declined, Fact, Report
from groat.providers.domain.failures import FailureCode
from groat.providers.paypal.translation import (
    Capture,
    Event,
    Order,
    capture_reports,
    order_reports,
)

PAYMENT_ID = PaymentId(ids.uuid7())
CAPTURE: dict[str, object] = {
    "id": "2GG279541U471931P",
    "status": "COMPLETED",
    "amount": {"currency_code": "EUR", "value": "10.50"},
    "custom_id": ids.render("payment", PAYMENT_ID),
    "supplementary_data": {"related_ids": {"order_id": "5O190127TN364715T"}},
}
TAKEN = Captured("2GG279541U471931P", Money(1050, "EUR"))


def _capture(**changes: object) -> tuple[Report, ...]:
    return capture_reports(Capture.model_validate({**CAPTURE, **changes}))


def _order(*captures: dict[str, object]) -> tuple[Report, ...]:
    units = [{"payments": {"captures": list(captures)}}]
    return order_reports(Order.model_validate({"id": "5O190127TN364715T", "purchase_units": units}))


def test_the_reply_and_a_later_look_up_tell_the_same_fact() -> None:
    expected = (Report(PAYMENT_ID, "5O190127TN364715T", TAKEN),)
    assert _order(CAPTURE) == _capture() == expected


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"status": "REFUNDED"}, TAKEN),
        ({"status": "PARTIALLY_REFUNDED"}, TAKEN),
        ({"status": "DECLINED"}, Declined(FailureCode.DO_NOT_HONOR)),
        ({"status": "FAILED"}, Declined(FailureCode.DO_NOT_HONOR)),
        ({"status": "DECLINED", "processor_response": {}}, Declined(FailureCode.DO_NOT_HONOR)),
        (
            {"status": "DECLINED", "processor_response": {"response_code": "5120"}},
            Declined(FailureCode.INSUFFICIENT_FUNDS),
        ),
        (
            {"amount": {"currency_code": "JPY", "value": "1050"}},
            Captured("2GG279541U471931P", Money(1050, "JPY")),
        ),
    ],
)
def test_a_status_is_a_fact(changes: dict[str, object], fact: Fact) -> None:
    (report,) = _capture(**changes)
    assert report.fact == fact


@pytest.mark.parametrize("status", ["", "completed", "VOIDED", "SOMETHING_NEW", None])
def test_a_status_that_is_not_documented_is_never_a_decline(status: str | None) -> None:
    with pytest.raises(ValidationError):
        _capture(status=status)


@pytest.mark.parametrize(
    "amount",
    [
        {"currency_code": "EUR", "value": "10.505"},
        {"currency_code": "EUR", "value": "ten"},
        {"currency_code": "JPY", "value": "10.50"},
        {"currency_code": "XXX", "value": "10.50"},
    ],
)
def test_an_amount_that_cannot_be_is_refused(amount: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        _capture(amount=amount)


@pytest.mark.parametrize(
    "changes", [{"amount": {"currency_code": "EUR", "value": 10.5}}, {"id": None}, {"amount": None}]
)
def test_a_capture_of_another_shape_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _capture(**changes)


@pytest.mark.parametrize("custom_id", [None, "", "invoice 5"])
def test_without_our_id_the_order_is_told(custom_id: str | None) -> None:
    (report,) = _capture(custom_id=custom_id)
    assert (report.payment_id, report.provider_reference) == (None, "5O190127TN364715T")


def test_an_order_may_have_no_captures_or_several() -> None:
    assert _order() == ()
    assert order_reports(Order.model_validate({"id": "o", "purchase_units": [{}]})) == ()
    second = {**CAPTURE, "status": "DECLINED"}
    facts = [report.fact for report in _order(CAPTURE, second)]
    assert facts == [TAKEN, Declined(FailureCode.DO_NOT_HONOR)]


def test_a_pending_capture_says_nothing_yet() -> None:
    assert _capture(status="PENDING") == ()
    (report,) = _order({**CAPTURE, "status": "PENDING"}, CAPTURE)
    assert report.fact == TAKEN


@pytest.mark.parametrize("capture_id", ["", "../../v1/oauth2/token", "a b", "a\n", "a" * 65, "é"])
def test_an_events_resource_cannot_lead_a_look_up_elsewhere(capture_id: str) -> None:
    with pytest.raises(ValidationError):
        Event.model_validate({"resource": {"id": capture_id}})


def test_an_event_names_its_capture() -> None:
    event = Event.model_validate({"resource": {"id": "2GG279541U471931P", "status": "COMPLETED"}})
    assert event.resource.id == "2GG279541U471931P"
