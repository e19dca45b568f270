from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel import ids
from groat.kernel.errors import InvalidRequest
from groat.kernel.money import Money
from groat.providers.domain.facts import (
    Approved,
    Authorized,
    Canceled,
    Captured,
    Declined,
    Expired,
    Fact,
    Processing,
    Refunded,
    RefundFailed,
    Report,
    RequiresAction,
)
from groat.providers.domain.failures import FailureCode
from groat.providers.paypal.payloads import (
    AuthorizationPayload,
    CapturePayload,
    OrderPayload,
    PayPalRefundPayload,
    ProblemPayload,
)
from groat.providers.paypal.translation import (
    authorization_reports,
    capture_reports,
    order_reports,
    refund_reports,
    refunded_capture,
    refused,
)
from groat.providers.reading import Malformed, convert, parse
from tests.support.paypal_requests import (
    AUTHORIZATION_ID,
    CAPTURE_ID,
    ORDER_ID,
    PAYMENT_ID,
    REFUND_ID,
    authorize_request,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
API = "https://api-m.paypal.com"
OWN_ID = ids.render("payment", PAYMENT_ID)
AMOUNT = {"currency_code": "EUR", "value": "10.50"}
CAPTURE: dict[str, object] = {
    "id": CAPTURE_ID,
    "status": "COMPLETED",
    "amount": AMOUNT,
    "custom_id": OWN_ID,
    "supplementary_data": {"related_ids": {"order_id": ORDER_ID}},
}
AUTHORIZATION: dict[str, object] = {
    "id": AUTHORIZATION_ID,
    "status": "CREATED",
    "amount": AMOUNT,
    "custom_id": OWN_ID,
    "expiration_time": "2026-01-30T00:00:00Z",
    "supplementary_data": {"related_ids": {"order_id": ORDER_ID}},
}
REFUND: dict[str, object] = {
    "id": "1JU08902781691411",
    "status": "COMPLETED",
    "amount": AMOUNT,
    "custom_id": f"{OWN_ID}.{ids.render('refund', REFUND_ID)}",
    "links": [
        {"rel": "self", "href": f"{API}/v2/payments/refunds/1JU08902781691411"},
        {"rel": "up", "href": f"{API}/v2/payments/captures/{CAPTURE_ID}"},
    ],
}
TAKEN = Captured(CAPTURE_ID, Money(1050, "EUR"))
GIVEN = Refunded("1JU08902781691411", Money(1050, "EUR"))
RESERVED = Authorized(AUTHORIZATION_ID, Money(1050, "EUR"), datetime(2026, 1, 30, tzinfo=UTC))


def _capture(**changes: object) -> tuple[Report, ...]:
    return capture_reports(convert(CapturePayload, {**CAPTURE, **changes}))


def _order(
    *captures: dict[str, object], authorizations: object = (), refunds: object = (), **more: object
) -> tuple[Report, ...]:
    payments = {
        "captures": captures,
        "authorizations": authorizations,
        "refunds": refunds,
    }
    units = [{"custom_id": OWN_ID, "payments": payments}]
    order = convert(OrderPayload, {"id": ORDER_ID, "purchase_units": units, **more})
    return order_reports(order, NOW)


def _authorization(**changes: object) -> tuple[Report, ...]:
    authorization = convert(AuthorizationPayload, {**AUTHORIZATION, **changes})
    return authorization_reports(authorization, NOW)


def _refund(**changes: object) -> tuple[Report, ...]:
    return refund_reports(convert(PayPalRefundPayload, {**REFUND, **changes}))


def test_reply_and_lookup_report_the_same_fact() -> None:
    expected = (Report(PAYMENT_ID, ORDER_ID, TAKEN),)
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
            Declined(FailureCode.INSUFFICIENT_FUNDS, "5120"),
        ),
        (
            {"amount": {"currency_code": "JPY", "value": "1050"}},
            Captured(CAPTURE_ID, Money(1050, "JPY")),
        ),
    ],
)
def test_each_status_maps_to_a_fact(changes: dict[str, object], fact: Fact) -> None:
    (report,) = _capture(**changes)
    assert report.fact == fact


@pytest.mark.parametrize("status", ["", "completed", "VOIDED", "SOMETHING_NEW", None])
def test_an_undocumented_status_is_never_a_decline(status: str | None) -> None:
    with pytest.raises(Malformed):
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
def test_an_invalid_amount_is_refused(amount: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        _capture(amount=amount)


@pytest.mark.parametrize(
    "changes", [{"amount": {"currency_code": "EUR", "value": 10.5}}, {"id": None}, {"amount": None}]
)
def test_a_malformed_capture_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        _capture(**changes)


@pytest.mark.parametrize("custom_id", [None, "", "invoice 5"])
def test_without_our_id_the_report_names_the_order(custom_id: str | None) -> None:
    (report,) = _capture(custom_id=custom_id)
    assert (report.payment_id, report.provider_reference) == (None, ORDER_ID)


def test_an_order_can_have_no_captures_or_several() -> None:
    assert _order() == ()
    bare = convert(OrderPayload, {"id": "o", "purchase_units": [{}]})
    assert order_reports(bare, NOW) == ()
    second = {**CAPTURE, "status": "DECLINED"}
    facts = [report.fact for report in _order(CAPTURE, second)]
    assert facts == [TAKEN, Declined(FailureCode.DO_NOT_HONOR)]


def test_a_pending_capture_reports_only_its_order() -> None:
    assert _capture(status="PENDING") == (Report(PAYMENT_ID, ORDER_ID, Processing()),)
    (report,) = _order({**CAPTURE, "status": "PENDING"}, CAPTURE)
    assert report.fact == TAKEN


def test_the_fee_in_a_capture_is_an_expectation_and_no_report() -> None:
    fee = {"paypal_fee": {"currency_code": "EUR", "value": "0.61"}}
    (report,) = _capture(seller_receivable_breakdown=fee)
    assert (report, report.movements) == (_capture()[0], ())


OF_AUTHORIZATION = {"related_ids": {"order_id": ORDER_ID, "authorization_id": AUTHORIZATION_ID}}
UP = [{"rel": "up", "href": f"{API}/v2/payments/authorizations/{AUTHORIZATION_ID}"}]


@pytest.mark.parametrize(
    ("changes", "final"),
    [
        ({}, True),
        ({"supplementary_data": OF_AUTHORIZATION}, False),
        ({"links": UP}, False),
        ({"supplementary_data": OF_AUTHORIZATION, "final_capture": True}, True),
        ({"links": UP, "final_capture": True}, True),
    ],
)
def test_a_capture_is_final_if_marked_final_or_captured_at_once(
    changes: dict[str, object],
    final: bool,  # noqa: FBT001 - a case
) -> None:
    (report,) = _capture(**changes)
    assert report.fact == Captured(CAPTURE_ID, Money(1050, "EUR"), final=final)


def test_a_capture_without_our_id_is_identified_by_its_order() -> None:
    (report,) = _capture(custom_id=None, supplementary_data=OF_AUTHORIZATION)
    assert (report.payment_id, report.provider_reference) == (None, ORDER_ID)
    (report,) = _order({**CAPTURE, "custom_id": None, "supplementary_data": {}})
    assert (report.payment_id, report.provider_reference) == (PAYMENT_ID, ORDER_ID)


def test_an_authorization_and_its_order_report_the_same_fact() -> None:
    expected = (Report(PAYMENT_ID, ORDER_ID, RESERVED),)
    assert _authorization() == _order(authorizations=[AUTHORIZATION]) == expected


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"expiration_time": None}, Authorized(AUTHORIZATION_ID, Money(1050, "EUR"), None)),
        ({"status": "DENIED"}, Declined(FailureCode.DO_NOT_HONOR)),
        (
            {"status": "DENIED", "processor_response": {"response_code": "5120"}},
            Declined(FailureCode.INSUFFICIENT_FUNDS, "5120"),
        ),
        ({"status": "VOIDED"}, Canceled()),
        ({"status": "VOIDED", "expiration_time": None}, Canceled()),
        ({"status": "EXPIRED"}, Expired()),
    ],
)
def test_each_authorization_status_maps_to_a_fact(changes: dict[str, object], fact: Fact) -> None:
    (report,) = _authorization(**changes)
    assert report == Report(PAYMENT_ID, ORDER_ID, fact)


@pytest.mark.parametrize("status", ["CAPTURED", "PARTIALLY_CAPTURED"])
def test_a_captured_authorization_reports_no_further_fact(status: str) -> None:
    assert _authorization(status=status) == ()
    (report,) = _order(CAPTURE, authorizations=[{**AUTHORIZATION, "status": status}])
    assert report.fact == TAKEN


@given(st.integers(-(10**6), 10**6))
def test_an_authorization_voided_after_its_expiry_has_expired(seconds: int) -> None:
    expires_at = NOW + timedelta(seconds=seconds)
    (report,) = _authorization(status="VOIDED", expiration_time=expires_at.isoformat())
    assert report.fact == (Expired() if expires_at <= NOW else Canceled())


@pytest.mark.parametrize(
    "changes", [{"status": "NEW"}, {"expiration_time": "soon"}, {"id": "a/b"}, {"amount": None}]
)
def test_a_malformed_authorization_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        _authorization(**changes)


def test_the_end_of_an_authorization_is_reported_after_its_captures() -> None:
    voided = {**AUTHORIZATION, "status": "VOIDED"}
    facts = [report.fact for report in _order(CAPTURE, authorizations=[voided])]
    assert facts == [TAKEN, Canceled()]


def test_a_refund_carries_both_of_our_ids() -> None:
    assert _refund() == (Report(PAYMENT_ID, None, GIVEN, REFUND_ID, CAPTURE_ID),)
    (report,) = _order(refunds=[REFUND])
    assert report == Report(PAYMENT_ID, ORDER_ID, GIVEN, REFUND_ID, CAPTURE_ID)


@pytest.mark.parametrize(
    ("status", "fact"),
    [
        ("FAILED", RefundFailed(FailureCode.PROCESSING_ERROR)),
        ("CANCELLED", RefundFailed(FailureCode.REJECTED_BY_PROVIDER)),
    ],
)
def test_a_failed_refund_is_reported(status: str, fact: Fact) -> None:
    (report,) = _refund(status=status)
    assert (report.fact, report.refund_id) == (fact, REFUND_ID)


def test_a_pending_refund_reports_no_fact() -> None:
    assert _refund(status="PENDING") == ()


def test_a_foreign_refund_is_reported_without_our_id() -> None:
    (report,) = _refund(custom_id=OWN_ID)
    assert (report.payment_id, report.refund_id) == (PAYMENT_ID, None)
    (report,) = _refund(custom_id=None)
    assert (report.payment_id, report.capture_reference) == (None, CAPTURE_ID)


def test_a_reversal_by_paypal_is_no_refund_of_an_order() -> None:
    reversal = {**REFUND, "custom_id": OWN_ID, "note_to_payer": "Payment reversed"}
    assert _order(CAPTURE, refunds=[reversal]) == _order(CAPTURE)


@pytest.mark.parametrize(
    "links", [[], [{"rel": "up", "href": "https://x/y"}], [{"rel": "self", "href": "/"}]]
)
def test_a_refund_without_its_capture_is_refused(links: list[object]) -> None:
    assert refunded_capture(convert(PayPalRefundPayload, {**REFUND, "links": links})) is None


ACTION = {"rel": "payer-action", "href": "https://www.paypal.com/checkoutnow?token=5O"}
APPROVE = {"rel": "approve", "href": "https://www.paypal.com/checkoutnow?token=old"}


@pytest.mark.parametrize(
    ("status", "links", "fact"),
    [
        ("PAYER_ACTION_REQUIRED", [APPROVE, ACTION], RequiresAction(ACTION["href"])),
        ("CREATED", [APPROVE], RequiresAction(APPROVE["href"])),
        ("PAYER_ACTION_REQUIRED", [], RequiresAction(None)),
        ("APPROVED", [], Approved()),
        ("VOIDED", [], Canceled()),
    ],
)
def test_an_order_without_payments_reports_its_next_action(
    status: str, links: list[object], fact: Fact
) -> None:
    assert _order(status=status, links=links) == (Report(PAYMENT_ID, ORDER_ID, fact),)


@pytest.mark.parametrize("status", ["COMPLETED", "SAVED", "SOMETHING_NEW", None])
def test_any_other_order_reports_no_fact(status: str | None) -> None:
    assert _order(status=status) == ()


def test_an_empty_order_reports_no_payment() -> None:
    order = convert(OrderPayload, {"id": "o", "status": "APPROVED", "purchase_units": []})
    assert order_reports(order, NOW) == (Report(None, "o", Approved()),)


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (
            {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "INSTRUMENT_DECLINED"}]},
            FailureCode.DO_NOT_HONOR,
        ),
        (
            {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "PAYER_ACTION_REQUIRED"}]},
            FailureCode.AUTHENTICATION_FAILED,
        ),
        (
            {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "MISSING_REQUIRED_PARAMETER"}]},
            FailureCode.REJECTED_BY_PROVIDER,
        ),
        (
            {
                "name": "UNPROCESSABLE_ENTITY",
                "details": [{"issue": "REFUND_FAILED_INSUFFICIENT_FUNDS"}],
            },
            FailureCode.INSUFFICIENT_FUNDS,
        ),
        (
            {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "PAYER_CANNOT_PAY"}]},
            FailureCode.DO_NOT_HONOR,
        ),
        (
            {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "TRANSACTION_REFUSED"}]},
            FailureCode.FRAUD_SUSPECTED,
        ),
        ({"name": "INVALID_REQUEST", "details": []}, FailureCode.REJECTED_BY_PROVIDER),
        ({"name": "INVALID_REQUEST"}, FailureCode.REJECTED_BY_PROVIDER),
    ],
)
def test_a_refusal_is_a_decline_or_a_rejected_request(
    problem: dict[str, object], code: FailureCode
) -> None:
    document = convert(ProblemPayload, problem)
    (report,) = refused(document, authorize_request())
    assert isinstance(report.fact, Declined)
    issues = document.issues() or [document.name]
    assert (report.fact.code, report.fact.decline_code) == (code, issues[0])


@given(st.binary() | st.just(b"{}"))
def test_an_unreadable_refusal_does_not_count_as_a_refusal(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(ProblemPayload, body)
