from __future__ import annotations

import pytest

from groat.kernel.money import Money
from groat.providers.domain.facts import (
    DisputeClosed,
    DisputeOpened,
    DisputeUnderReview,
    Fact,
    Report,
)
from groat.providers.paypal.disputes import dispute_reports
from groat.providers.paypal.payloads import PayPalDisputePayload
from groat.providers.reading import Malformed, convert
from tests.support.cases import case
from tests.support.paypal_requests import CAPTURE_ID

OTHER_CAPTURE = "7AB00000000000002"

DISPUTE: dict[str, object] = {
    "dispute_id": "PP-D-27803",
    "status": "OPEN",
    "dispute_amount": {"currency_code": "EUR", "value": "10.50"},
    "disputed_transactions": [{"seller_transaction_id": CAPTURE_ID}],
}
ALL = Money(1050, "EUR")
OPENED = DisputeOpened("PP-D-27803", ALL)
REVIEWED = DisputeUnderReview("PP-D-27803", ALL)
LOST = DisputeClosed("PP-D-27803", ALL, won=False)
WON = DisputeClosed("PP-D-27803", ALL, won=True)


def _dispute(**changes: object) -> tuple[Report, ...]:
    return dispute_reports(convert(PayPalDisputePayload, {**DISPUTE, **changes}))


def _resolved(code: str, taken: str | None = None) -> list[Fact]:
    refunded = {"amount_refunded": {"currency_code": "EUR", "value": taken}} if taken else {}
    outcome = {"outcome_code": code, **refunded}
    reports = _dispute(status="RESOLVED", dispute_outcome=outcome)
    return [report.fact for report in reports]


def test_a_dispute_names_its_capture_and_none_of_our_ids() -> None:
    assert _dispute() == (Report(None, None, OPENED, capture_reference=CAPTURE_ID),)


@pytest.mark.parametrize(
    ("status", "facts"),
    [
        ("WAITING_FOR_SELLER_RESPONSE", [OPENED]),
        ("WAITING_FOR_BUYER_RESPONSE", [OPENED, REVIEWED]),
        ("UNDER_REVIEW", [OPENED, REVIEWED]),
        ("OTHER", [OPENED]),
        ("RESOLVED", [OPENED]),
    ],
)
def test_each_dispute_status_names_the_next_actor(status: str, facts: list[Fact]) -> None:
    assert [report.fact for report in _dispute(status=status)] == facts


@pytest.mark.parametrize("code", ["RESOLVED_BUYER_FAVOUR", "ACCEPTED"])
def test_a_lost_dispute_moves_no_money_by_itself(code: str) -> None:
    """What it took, the rows of the transaction search say, and so what the merchant refunded."""
    assert _resolved(code) == _resolved(code, "10.50") == _resolved(code, "9.50") == [OPENED, LOST]


def test_a_dispute_that_ends_after_a_refund_debits_nothing_again() -> None:
    """The refund has its own row. ``amount_refunded`` repeats it, and is no movement."""
    dispute = case("dispute-after-refund", capture=CAPTURE_ID)
    reports = dispute_reports(convert(PayPalDisputePayload, dispute))
    assert [report.fact for report in reports] == [
        DisputeOpened("PP-D-1", ALL),
        DisputeClosed("PP-D-1", ALL, won=False),
    ]
    assert [report.movements for report in reports] == [(), ()]


def test_a_dispute_of_two_captures_is_one_dispute_for_each() -> None:
    dispute = case("dispute-of-two", capture=CAPTURE_ID, capture2=OTHER_CAPTURE)
    reports = dispute_reports(convert(PayPalDisputePayload, dispute))
    opened = DisputeOpened("PP-D-2", ALL)
    lost = DisputeClosed("PP-D-2", ALL, won=False)
    assert reports == tuple(
        Report(None, None, fact, capture_reference=capture)
        for capture in (OTHER_CAPTURE, CAPTURE_ID)
        for fact in (opened, lost)
    )


@pytest.mark.parametrize(
    "code",
    ["RESOLVED_SELLER_FAVOUR", "RESOLVED_WITH_PAYOUT", "CANCELED_BY_BUYER", "DENIED", "NONE"],
)
def test_a_dispute_that_costs_the_seller_nothing_is_won(code: str) -> None:
    assert _resolved(code, "10.50") == [OPENED, WON]


@pytest.mark.parametrize(
    "changes",
    [
        {"dispute_id": "../x"},
        {"disputed_transactions": []},
        {"disputed_transactions": [{"seller_transaction_id": "a/b"}]},
        {"dispute_amount": {"currency_code": "EUR"}},
    ],
)
def test_a_malformed_dispute_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        _dispute(**changes)
