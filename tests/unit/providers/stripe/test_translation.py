from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groat.kernel import ids
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.moments import LATEST
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.providers.domain.facts import (
    Authorized,
    Canceled,
    Captured,
    CaptureReturned,
    Declined,
    DisputeClosed,
    DisputeOpened,
    DisputeUnderReview,
    Expired,
    Fact,
    InquiryClosed,
    InquiryOpened,
    Processing,
    Refunded,
    RefundReversed,
    Report,
    RequiresAction,
)
from groat.providers.domain.failures import FailureCode
from groat.providers.domain.movements import Movement, MovementCategory
from groat.providers.reading import Malformed, convert
from groat.providers.stripe.bodies import PAYMENT_METADATA, REFUND_METADATA
from groat.providers.stripe.events import EVENT_TYPES, event_reports
from groat.providers.stripe.payloads import PaymentIntent, StripeEventPayload, StripeRefundPayload
from groat.providers.stripe.translation import intent_reports, refund_reports

PAYMENT_ID, REFUND_ID = PaymentId(ids.uuid7()), RefundId(ids.uuid7())
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
    "amount": 1200,
    "amount_captured": 1050,
    "payment_intent": "pi_1",
    "metadata": METADATA,
}
REFUND: dict[str, object] = {
    "object": "refund",
    "id": "re_1",
    "status": "succeeded",
    "currency": "eur",
    "amount": 50,
    "charge": "ch_1",
    "payment_intent": "pi_1",
    "balance_transaction": "txn_2",
    "metadata": {**METADATA, REFUND_METADATA: ids.render("refund", REFUND_ID)},
}
DISPUTE: dict[str, object] = {
    "object": "dispute",
    "id": "du_1",
    "status": "needs_response",
    "currency": "eur",
    "amount": 1050,
    "charge": "ch_1",
    "payment_intent": "pi_1",
    "metadata": {},
}
AMOUNT, PART = Money(1050, "EUR"), Money(50, "EUR")
UNTIL = datetime(2026, 1, 8, tzinfo=UTC)
DETAILS = {"type": "card", "card": {"capture_before": int(UNTIL.timestamp())}}
AUTHENTICATION = {"code": "payment_intent_authentication_failure"}
TAKEN = Report(PAYMENT_ID, "pi_1", Captured("ch_1", AMOUNT))


def _intent(**changes: object) -> tuple[Report, ...]:
    return intent_reports(convert(PaymentIntent, {**INTENT, **changes}))


def _event(about: dict[str, object], event_type: str = "charge.succeeded") -> tuple[Report, ...]:
    return event_reports(event_type, convert(StripeEventPayload, {"data": {"object": about}}))


def _refund(**changes: object) -> tuple[Report, ...]:
    return refund_reports(convert(StripeRefundPayload, {**REFUND, **changes}))


def _dispute(event: str, status: str) -> tuple[Report, ...]:
    return _event({**DISPUTE, "status": status}, f"charge.dispute.{event}")


def test_reply_and_both_events_report_the_same_fact() -> None:
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
            Declined(FailureCode.INSUFFICIENT_FUNDS, "insufficient_funds", stays_open=True),
        ),
        (
            {"status": "requires_payment_method", "last_payment_error": {}},
            Declined(FailureCode.DO_NOT_HONOR, stays_open=True),
        ),
        ({"currency": "jpy"}, Captured("ch_1", Money(1050, "JPY"))),
        ({"latest_charge": CHARGE}, Captured("ch_1", AMOUNT)),
        (
            {"status": "requires_payment_method", "last_payment_error": AUTHENTICATION},
            Declined(FailureCode.AUTHENTICATION_FAILED, AUTHENTICATION["code"], stays_open=True),
        ),
        (
            {"status": "requires_capture", "amount_capturable": 1200},
            Authorized("pi_1", Money(1200, "EUR"), None),
        ),
        (
            {
                "status": "requires_capture",
                "amount_capturable": 1200,
                "latest_charge": {**CHARGE, "payment_method_details": DETAILS},
            },
            Authorized("pi_1", Money(1200, "EUR"), UNTIL),
        ),
        (
            {"status": "requires_action", "next_action": {"redirect_to_url": {"url": "https://b"}}},
            RequiresAction("https://b"),
        ),
        (
            {"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}},
            RequiresAction(None),
        ),
        ({"status": "requires_action", "next_action": None}, RequiresAction(None)),
        ({"status": "canceled"}, Canceled()),
        ({"status": "canceled", "cancellation_reason": "abandoned"}, Canceled()),
        ({"status": "canceled", "cancellation_reason": "automatic"}, Expired()),
        ({"status": "canceled", "cancellation_reason": "expired"}, Expired()),
    ],
)
def test_each_status_maps_to_a_fact(changes: dict[str, object], fact: Fact) -> None:
    assert _intent(**changes) == (Report(PAYMENT_ID, "pi_1", fact),)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "requires_payment_method"},
        {"status": "processing"},
        {"status": "requires_confirmation"},
        {"status": "something_new"},
        {"latest_charge": None},
    ],
)
def test_an_unsettled_intent_reports_its_id(changes: dict[str, object]) -> None:
    assert _intent(**changes) == (Report(PAYMENT_ID, "pi_1", Processing()),)


@pytest.mark.parametrize(
    "changes",
    [
        {"captured": False, "payment_intent": None},
        {"status": "failed"},
        {"status": "failed", "captured": False},
        {"status": "pending"},
    ],
)
def test_a_charge_without_money_reports_no_fact(changes: dict[str, object]) -> None:
    assert _event({**CHARGE, **changes}) == ()


@pytest.mark.parametrize(
    "metadata", [{}, {PAYMENT_METADATA: ""}, {PAYMENT_METADATA: "pay_x"}, {"other": "x"}]
)
def test_without_our_id_the_report_names_the_provider_reference(metadata: dict[str, str]) -> None:
    (report,) = _intent(metadata=metadata)
    assert (report.payment_id, report.provider_reference) == (None, "pi_1")


@pytest.mark.parametrize(
    "changes", [{"currency": "xxx"}, {"currency": ""}, {"amount_received": 2**53}]
)
def test_an_invalid_amount_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        _intent(**changes)


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"object": "refund", "id": "re_1"},
        {"object": "dispute", "id": "du_1"},
        {"object": "payout", "id": "po_1"},
        {**INTENT, "object": "charge"},
        {**CHARGE, "captured": "maybe"},
        {**INTENT, "amount_received": 10.5},
        {**INTENT, "id": None},
        {**CHARGE, "payment_method_details": {"card": {"capture_before": -1}}},
        {**CHARGE, "payment_method_details": {"card": {"capture_before": 253_402_300_800}}},
    ],
)
def test_a_malformed_object_is_refused(about: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        _event(about)


@pytest.mark.parametrize(
    ("until", "expires_at"),
    [
        (UNTIL, UNTIL),
        (LATEST.replace(microsecond=0), LATEST.replace(microsecond=0)),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), None),
    ],
)
def test_an_uncaptured_charge_is_an_authorization(
    until: datetime, expires_at: datetime | None
) -> None:
    """It expires at the time that Stripe tells, unless that is beyond what can be stored."""
    details = {"card": {"capture_before": int(until.timestamp())}}
    charge = {**CHARGE, "captured": False, "amount_captured": 0, "payment_method_details": details}
    authorized = Authorized("pi_1", Money(1200, "EUR"), expires_at)
    assert _event(charge) == (Report(PAYMENT_ID, "pi_1", authorized),)


def test_an_expired_charge_reports_its_expiry() -> None:
    charge = {**CHARGE, "captured": False}
    assert _event(charge, "charge.expired") == (Report(PAYMENT_ID, "pi_1", Expired()),)


def _transaction(amount: int, fee: int = 0, **changes: object) -> dict[str, object]:
    return {
        "object": "balance_transaction",
        "id": "txn_1",
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "currency": "eur",
        "reporting_category": "charge",
        "created": 1_767_312_000,
        "source": "ch_1",
        **changes,
    }


BOOKED_AT = datetime.fromtimestamp(1_767_312_000, UTC)


@given(fee=st.integers(0, 10**9), currency=st.sampled_from(["eur", "usd", "jpy"]))
def test_the_movement_of_a_charge_comes_with_its_fact(fee: int, currency: str) -> None:
    charge = {**CHARGE, "balance_transaction": _transaction(1050, fee, currency=currency)}
    moved = Movement(
        "txn_1",
        MovementCategory.CHARGE,
        "charge",
        BOOKED_AT,
        currency.upper(),
        1050,
        fee,
        source="ch_1",
        parent="ch_1",
    )
    told = replace(TAKEN, movements=(moved,))
    assert _intent(latest_charge=charge) == (told,)
    assert _event(charge) == (told,)


@pytest.mark.parametrize(
    "transaction",
    [None, "txn_1", _transaction(1050, created=None), _transaction(1050, currency="xxx")],
)
def test_an_incomplete_movement_keeps_no_fact_back(transaction: object) -> None:
    assert _intent(latest_charge={**CHARGE, "balance_transaction": transaction}) == (TAKEN,)


def test_a_debit_has_a_movement_before_it_succeeds() -> None:
    charge = {**CHARGE, "status": "pending", "captured": False}
    charge["balance_transaction"] = _transaction(1050)
    (report,) = _intent(status="processing", latest_charge=charge)
    assert report.fact == Processing()
    assert [moved.gross for moved in report.movements] == [1050]


def test_a_charge_that_failed_after_its_booking_was_returned() -> None:
    failed = {**CHARGE, "status": "failed", "captured": False, "amount_captured": 0}
    failed["failure_code"] = "insufficient_funds"
    failed["balance_transaction"] = _transaction(1200, 30)
    failed["failure_balance_transaction"] = _transaction(
        -1200, id="txn_2", reporting_category="charge_failure", source="pyr_1"
    )
    (report,) = _event(failed, "charge.failed")
    amount, code = Money(1200, "EUR"), FailureCode.INSUFFICIENT_FUNDS
    returned = CaptureReturned("ch_1", amount, code, stays_open=True)
    assert report.fact == returned
    assert [(one.key, one.gross, one.parent) for one in report.movements] == [
        ("txn_1", 1200, "ch_1"),
        ("txn_2", -1200, "ch_1"),
    ]


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({}, Refunded("re_1", Money(50, "EUR"))),
        ({"balance_transaction": None}, Refunded("re_1", Money(50, "EUR"))),
        ({"status": "failed"}, RefundReversed("re_1", PART, FailureCode.DO_NOT_HONOR)),
        (
            {"status": "failed", "failure_reason": "expired_or_canceled_card"},
            RefundReversed("re_1", PART, FailureCode.EXPIRED_CARD),
        ),
        (
            {"status": "canceled", "failure_reason": "merchant_request"},
            RefundReversed("re_1", PART, FailureCode.DO_NOT_HONOR),
        ),
    ],
)
def test_a_refund_names_its_refund_and_payment(changes: dict[str, object], fact: Fact) -> None:
    told = (Report(PAYMENT_ID, "pi_1", fact, REFUND_ID, "ch_1"),)
    assert _refund(**changes) == told
    for event_type in ("refund.created", "refund.updated", "refund.failed"):
        assert _event({**REFUND, **changes}, event_type) == told


@pytest.mark.parametrize("status", ["pending", "requires_action", "something_new", None])
def test_a_pending_refund_reports_no_fact(status: str | None) -> None:
    assert _refund(status=status) == ()


@pytest.mark.parametrize("metadata", [{}, None])
def test_a_foreign_refund_is_reported(metadata: object) -> None:
    refunded = Refunded("re_1", Money(50, "EUR"))
    assert _refund(metadata=metadata) == (Report(None, "pi_1", refunded, None, "ch_1"),)


def test_the_release_of_an_authorization_is_no_refund() -> None:
    assert _refund(metadata={}, balance_transaction=None) == ()


@pytest.mark.parametrize("event", ["created", "updated", "funds_withdrawn", "closed"])
@pytest.mark.parametrize(
    ("status", "fact"),
    [
        ("needs_response", DisputeOpened("du_1", AMOUNT)),
        ("under_review", DisputeUnderReview("du_1", AMOUNT)),
        ("appeal_under_review", DisputeUnderReview("du_1", AMOUNT)),
        ("won", DisputeClosed("du_1", AMOUNT, won=True)),
        ("lost", DisputeClosed("du_1", AMOUNT, won=False)),
        ("warning_needs_response", InquiryOpened("du_1", AMOUNT)),
        ("warning_under_review", InquiryOpened("du_1", AMOUNT)),
        ("warning_closed", InquiryClosed("du_1", AMOUNT)),
    ],
)
def test_a_dispute_is_reported_by_its_status(event: str, status: str, fact: Fact) -> None:
    told = Report(None, "pi_1", fact, capture_reference="ch_1")
    assert _dispute(event, status) == (told,)


def test_a_dispute_brings_its_movements_with_the_time_of_the_event() -> None:
    taken = _transaction(-1050, 1500, id="txn_9", reporting_category="dispute", created=None)
    dispute = {**DISPUTE, "balance_transactions": [{**taken, "source": None}]}
    event = convert(StripeEventPayload, {"created": 1_767_312_000, "data": {"object": dispute}})
    (report,) = event_reports("charge.dispute.funds_withdrawn", event)
    (moved,) = report.movements
    assert (moved.gross, moved.fee, moved.occurred_at) == (-1050, 1500, BOOKED_AT)
    assert (moved.source, moved.parent) == ("du_1", "ch_1")


@pytest.mark.parametrize("status", ["prevented", "something_new"])
def test_a_dispute_in_another_status_reports_no_fact(status: str) -> None:
    assert _dispute("closed", status) == ()


@given(st.text())
def test_any_status_of_any_object_is_read(status: str) -> None:
    for event_type in EVENT_TYPES:
        for about in (INTENT, CHARGE, REFUND, DISPUTE):
            assert len(_event({**about, "status": status}, event_type)) <= 1
