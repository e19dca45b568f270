"""What the stand-in's own events say, read by the adapter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest

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
    Processing,
    Refunded,
    RefundReversed,
    Report,
    RequiresAction,
)
from groat.providers.port import Answered, Envelope, Unknown, Unreadable
from groat.providers.stripe.adapter import StripeProvider
from groat.providers.stripe.events import EVENT_TYPES
from tests.providers.stripe.shop import (
    AMOUNT,
    cancel_of,
    capture_of,
    facts,
    fault,
    order,
    pull,
    reference,
    refund_of,
)


async def told(shop: StripeProvider, control: httpx.AsyncClient) -> list[Report]:
    """Return what all events say, in the order in which they happened."""
    events: list[Any] = (await control.get("/v1/events", params={"limit": 100})).json()["data"]
    reports: list[Report] = []
    for event in reversed(events):
        body = json.dumps(event).encode()
        assert shop.webhooks.envelope({}, body) == Envelope(event["id"], event["type"])
        reply = await shop.webhooks.interpret(event["type"], body)
        assert isinstance(reply, Answered), (event["type"], reply)
        reports += reply.reports
    return reports


def without_movements(reports: Sequence[Report]) -> list[Report]:
    """Return reports with their facts alone."""
    return [replace(report, movements=()) for report in reports]


def kinds(reports: Sequence[Report]) -> list[type[Fact]]:
    return [type(report.fact) for report in reports]


async def test_both_events_of_a_capture_report_the_fact_of_the_reply(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    reply = await shop.operations.authorize(order())
    assert isinstance(reply, Answered)
    (captured,) = without_movements(reply.reports)  # no event tells its movement
    assert await told(shop, control) == [captured, captured]


async def test_an_authorization_and_its_capture_are_reported(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    request = order(capture=False)
    intent = reference(await shop.operations.authorize(request))
    captured = facts(await shop.operations.capture(capture_of(request, intent, Money(1000, "EUR"))))
    reports = await told(shop, control)
    assert kinds(reports) == [Authorized, Authorized, Captured, Captured]
    by_charge, by_intent = (report.fact for report in reports[:2])
    assert isinstance(by_charge, Authorized)
    assert isinstance(by_intent, Authorized)
    assert by_charge.reference == by_intent.reference == intent
    assert by_charge.amount == by_intent.amount == AMOUNT
    assert (by_charge.expires_at is None, by_intent.expires_at is None) == (False, True)
    assert [report.fact for report in reports[2:]] == captured * 2
    assert {report.payment_id for report in reports} == {request.payment_id}
    assert {report.provider_reference for report in reports} == {intent}


@pytest.mark.parametrize(
    ("ending", "fact", "times"), [("cancel", Canceled(), 1), ("expire", Expired(), 2)]
)
async def test_the_end_of_an_authorization_is_reported(
    shop: StripeProvider, control: httpx.AsyncClient, ending: str, fact: Fact, times: int
) -> None:
    request = order(capture=False)
    intent = reference(await shop.operations.authorize(request))
    if ending == "cancel":
        await shop.operations.cancel(cancel_of(request, intent))
    else:
        await pull(control, ending, intent)
    ended = Report(request.payment_id, intent, fact)
    assert (await told(shop, control))[2:] == [ended] * times


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [("complete_action", [Captured, Captured]), ("fail_action", [Declined])],
)
async def test_the_action_of_the_customer_is_reported(
    shop: StripeProvider,
    control: httpx.AsyncClient,
    trigger: str,
    expected: list[type[Fact]],
) -> None:
    request = order("pm_card_authenticationRequired", return_url="https://shop.test/")
    reply = await shop.operations.authorize(request)
    await pull(control, trigger, reference(reply))
    reports = await told(shop, control)
    assert kinds(reports) == [RequiresAction, *expected]
    assert reports[0].fact == facts(reply)[0]


async def test_a_decline_is_reported(shop: StripeProvider, control: httpx.AsyncClient) -> None:
    reply = await shop.operations.authorize(order("pm_card_chargeDeclinedStolenCard"))
    assert isinstance(reply, Answered)
    assert await told(shop, control) == list(reply.reports)


async def test_a_refund_and_its_failure_are_reported(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    refund = await refund_of(shop, order(), Money(50, "EUR"))
    reply = await shop.operations.refund(refund)
    assert isinstance(reply, Answered)
    assert (await told(shop, control))[2:] == without_movements(reply.reports)
    await pull(control, "refund_fails", refund.provider_reference)
    failed = await shop.lookups.fetch(refund)
    assert isinstance(failed, Answered)
    assert kinds(failed.reports) == [RefundReversed]
    reports = (await told(shop, control))[3:]
    assert without_movements(reports) == without_movements(failed.reports) * 3
    for report in reports:  # the adapter has asked for both movements, which cancel out
        assert [one.gross for one in report.movements] == [-50, 50]


async def test_a_pending_refund_is_reported_once_it_succeeds(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    refund = await refund_of(shop, order("pm_card_pendingRefund"))
    await shop.operations.refund(refund)
    assert kinds((await told(shop, control))[2:]) == []
    await pull(control, "refund_succeeds", refund.provider_reference)
    assert kinds((await told(shop, control))[2:]) == [Refunded, Refunded]


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ("winning_evidence", [DisputeUnderReview, DisputeClosed, DisputeClosed]),
        ("losing_evidence", [DisputeUnderReview, DisputeClosed]),
    ],
)
async def test_a_dispute_is_reported_from_opening_to_decision(
    shop: StripeProvider,
    control: httpx.AsyncClient,
    evidence: str,
    expected: list[type[Fact]],
) -> None:
    captured = facts(await shop.operations.authorize(order("pm_card_createDispute")))[0]
    assert isinstance(captured, Captured)
    (dispute,) = (await control.get("/v1/disputes")).json()["data"]
    form = {"evidence[uncategorized_text]": evidence}
    (await control.post(f"/v1/disputes/{dispute['id']}", data=form)).raise_for_status()
    reports = (await told(shop, control))[2:]
    assert kinds(reports) == [DisputeOpened, DisputeOpened, *expected]
    for report in reports:
        assert report.capture_reference == captured.reference
        assert (report.payment_id, report.refund_id) == (None, None)
        assert report.provider_reference == dispute["payment_intent"]
        assert isinstance(
            report.fact,
            DisputeOpened | DisputeUnderReview | DisputeClosed,
        )
        assert (report.fact.reference, report.fact.amount) == (dispute["id"], AMOUNT)
    closed = [report.fact for report in reports if isinstance(report.fact, DisputeClosed)]
    assert {one.won for one in closed} == {evidence == "winning_evidence"}
    taken, *given_back = reports[-1].movements
    assert (taken.gross, taken.fee) == (-AMOUNT.amount, 1500)
    assert (taken.source, taken.parent) == (dispute["id"], captured.reference)
    back = [AMOUNT.amount] if evidence == "winning_evidence" else []
    assert [one.gross for one in given_back] == back


def thin(event: Mapping[str, Any], **related: str) -> tuple[str, bytes]:
    """Return the type and the body of the same event as Stripe sends it without its object."""
    about = event["data"]["object"]
    described = {"id": about["id"], "type": about["object"], "url": "https://evil.example/"}
    body = {
        "id": event["id"],
        "object": "v2.core.event",
        "type": f"v1.{event['type']}",
        "created": "2026-01-01T00:00:00.000Z",
        "related_object": {**described, **related},
    }
    return f"v1.{event['type']}", json.dumps(body).encode()


async def events_of_a_life(shop: StripeProvider, control: httpx.AsyncClient) -> list[Any]:
    """Return the events of a payment that was refunded, and of one that was disputed."""
    request = order()
    await shop.operations.refund(await refund_of(shop, request))
    await shop.operations.authorize(order("pm_card_createDispute"))
    events: list[Any] = (await control.get("/v1/events", params={"limit": 100})).json()["data"]
    return [event for event in events if event["type"] in EVENT_TYPES]


async def test_the_object_of_a_thin_event_is_fetched(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    events = await events_of_a_life(shop, control)
    assert {event["data"]["object"]["object"] for event in events} == {
        "charge",
        "dispute",
        "payment_intent",
        "refund",
    }
    for event in events:
        whole = await shop.webhooks.interpret(event["type"], json.dumps(event).encode())
        asked = await shop.webhooks.interpret(*thin(event))
        assert isinstance(whole, Answered)
        assert isinstance(asked, Answered)
        told_facts = without_movements(asked.reports)
        for report in without_movements(whole.reports):
            assert report in told_facts, event["type"]
        assert shop.webhooks.envelope({}, thin(event)[1]) == Envelope(
            event["id"], f"v1.{event['type']}"
        )


async def test_a_late_movement_comes_with_the_update_of_its_charge(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    await fault(control, late_movements=1)
    reply = await shop.operations.authorize(order())
    assert isinstance(reply, Answered)
    assert [report.movements for report in reply.reports] == [()]
    await fault(control)
    await pull(control, "book_movement", reference(reply))
    *_, updated = await told(shop, control)
    assert without_movements([updated]) == without_movements(reply.reports)
    (moved,) = updated.movements
    assert (moved.gross, moved.fee) == (AMOUNT.amount, 39)


async def test_a_returned_debit_is_reported_with_both_movements(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    reply = await shop.operations.authorize(order("pm_usBankAccount_success"))
    assert kinds(reply.reports if isinstance(reply, Answered) else ()) == [Processing]
    intent = reference(reply)
    await pull(control, "debit_succeeds", intent)
    await pull(control, "debit_returned", intent)
    (returned,) = [
        one for one in await told(shop, control) if isinstance(one.fact, CaptureReturned)
    ]
    assert isinstance(returned.fact, CaptureReturned)
    assert returned.fact.amount == AMOUNT
    assert [one.gross for one in returned.movements] == [AMOUNT.amount, -AMOUNT.amount]


async def test_refunds_are_listed_for_an_endpoint_of_an_old_version(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    refund = await refund_of(shop, order(), Money(50, "EUR"))
    reply = await shop.operations.refund(refund)
    assert isinstance(reply, Answered)
    events: list[Any] = (await control.get("/v1/events", params={"limit": 100})).json()["data"]
    (event,) = [one for one in events if one["type"] == "charge.refunded"]
    for version, reports in (("2022-11-15", reply.reports), ("2024-10-28.acacia", ())):
        body = json.dumps({**event, "api_version": version}).encode()
        assert await shop.webhooks.interpret("charge.refunded", body) == Answered(reports)


async def test_a_thin_event_with_a_missing_object_is_retried(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    [event, *_] = await events_of_a_life(shop, control)
    assert isinstance(await shop.webhooks.interpret(*thin(event, id="ch_0/../x")), Unknown)
    assert isinstance(await shop.webhooks.interpret(*thin(event, type="payout")), Unreadable)


async def test_a_thin_event_of_no_interest_causes_no_call(shop: StripeProvider) -> None:
    assert await shop.webhooks.interpret("v1.payout.paid", b"{}") == Answered(())
