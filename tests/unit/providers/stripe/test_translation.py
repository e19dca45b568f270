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
from groat.providers.domain.facts import (
    Authorized,
    Canceled,
    Captured,
    Declined,
    DisputeClosed,
    DisputeOpened,
    DisputeReinstated,
    DisputeUnderReview,
    DisputeWithdrawn,
    Expired,
    Fact,
    FeeCharged,
    Processing,
    Refunded,
    RefundFailed,
    Report,
    RequiresAction,
)
from groat.providers.domain.failures import FailureCode
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
AMOUNT = Money(1050, "EUR")
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
            Declined(FailureCode.INSUFFICIENT_FUNDS),
        ),
        (
            {"status": "requires_payment_method", "last_payment_error": {}},
            Declined(FailureCode.DO_NOT_HONOR),
        ),
        ({"currency": "jpy"}, Captured("ch_1", Money(1050, "JPY"))),
        ({"latest_charge": CHARGE}, Captured("ch_1", AMOUNT)),
        (
            {"status": "requires_payment_method", "last_payment_error": AUTHENTICATION},
            Declined(FailureCode.AUTHENTICATION_FAILED),
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


def _transaction(fee: int, currency: str = "eur") -> dict[str, object]:
    return {"object": "balance_transaction", "id": "txn_1", "currency": currency, "fee": fee}


@given(fee=st.integers(1, 10**9), currency=st.sampled_from(["eur", "usd", "jpy"]))
def test_the_fee_is_reported_beside_the_capture(fee: int, currency: str) -> None:
    charge = {**CHARGE, "balance_transaction": _transaction(fee, currency)}
    charged = FeeCharged("txn_1", Money(fee, currency.upper()))
    told = Report(PAYMENT_ID, "pi_1", charged, capture_reference="ch_1")
    assert _intent(latest_charge=charge) == (TAKEN, told)


@pytest.mark.parametrize("transaction", [None, "txn_1", _transaction(0)])
def test_without_a_fee_none_is_reported(transaction: object) -> None:
    assert _intent(latest_charge={**CHARGE, "balance_transaction": transaction}) == (TAKEN,)


def test_a_payment_without_money_has_no_fee() -> None:
    charge = {**CHARGE, "balance_transaction": _transaction(5)}
    reports = _intent(status="requires_capture", amount_capturable=1, latest_charge=charge)
    assert [type(report.fact) for report in reports] == [Authorized]


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({}, Refunded("re_1", Money(50, "EUR"))),
        ({"balance_transaction": None}, Refunded("re_1", Money(50, "EUR"))),
        ({"status": "failed"}, RefundFailed(FailureCode.DO_NOT_HONOR)),
        (
            {"status": "failed", "failure_reason": "expired_or_canceled_card"},
            RefundFailed(FailureCode.EXPIRED_CARD),
        ),
        (
            {"status": "canceled", "failure_reason": "merchant_request"},
            RefundFailed(FailureCode.DO_NOT_HONOR),
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


@pytest.mark.parametrize(
    ("event", "status", "fact"),
    [
        ("created", "needs_response", DisputeOpened("du_1", AMOUNT)),
        ("created", "lost", DisputeOpened("du_1", AMOUNT)),
        ("updated", "needs_response", DisputeOpened("du_1", AMOUNT)),
        ("updated", "under_review", DisputeUnderReview("du_1", AMOUNT)),
        ("updated", "won", DisputeClosed("du_1", AMOUNT, won=True)),
        ("funds_withdrawn", "needs_response", DisputeWithdrawn("du_1", AMOUNT)),
        ("funds_withdrawn", "under_review", DisputeWithdrawn("du_1", AMOUNT)),
        ("funds_reinstated", "won", DisputeReinstated("du_1", AMOUNT)),
        ("closed", "won", DisputeClosed("du_1", AMOUNT, won=True)),
        ("closed", "lost", DisputeClosed("du_1", AMOUNT, won=False)),
    ],
)
def test_a_dispute_is_reported_with_its_charge(event: str, status: str, fact: Fact) -> None:
    told = Report(None, "pi_1", fact, capture_reference="ch_1")
    assert _dispute(event, status) == (told,)


@pytest.mark.parametrize("event", ["created", "updated", "closed"])
@pytest.mark.parametrize(
    "status", ["warning_needs_response", "warning_under_review", "warning_closed"]
)
def test_an_inquiry_reports_no_fact(event: str, status: str) -> None:
    assert _dispute(event, status) == ()


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("created", "prevented"),
        ("closed", "prevented"),
        ("updated", "appeal_under_review"),
        ("closed", "something_new"),
    ],
)
def test_a_dispute_in_another_status_reports_no_fact(event: str, status: str) -> None:
    assert _dispute(event, status) == ()


@given(st.text())
def test_any_status_of_any_object_is_read(status: str) -> None:
    for event_type in EVENT_TYPES:
        for about in (INTENT, CHARGE, REFUND, DISPUTE):
            assert len(_event({**about, "status": status}, event_type)) <= 1
