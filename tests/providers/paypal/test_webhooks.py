"""What the adapter makes of the webhooks that the stand-in for PayPal sends, over HTTP."""

from __future__ import annotations

import json

import pytest

from groat.kernel.value import replace
from groat.providers.domain.facts import (
    Approved,
    Authorized,
    Canceled,
    Captured,
    Declined,
    DisputeClosed,
    DisputeOpened,
    DisputeUnderReview,
    Expired,
    Fact,
    Processing,
    Refunded,
)
from groat.providers.domain.failures import FailureCode
from groat.providers.port import Answered, Reply, Unknown, Unreadable
from tests.providers.paypal.stand_in import PayPal, facts
from tests.support.http_servers import Receiver, settled
from tests.support.paypal_requests import (
    AMOUNT,
    PAYMENT_ID,
    REFUND_ID,
    authorize_request,
    cancel_request,
    capture_request,
    refund_request,
)


@pytest.fixture
async def heard(paypal: PayPal, receiver: Receiver) -> Receiver:
    await paypal.listen(receiver)
    return receiver


async def _started(
    paypal: PayPal, heard: Receiver, method: str = "card:vault_visa", *, capture: bool = True
) -> tuple[str, dict[str, Reply | Unreadable]]:
    """Return a new order's id, and what was told of it."""
    await paypal.provider.operations.authorize(authorize_request(method, capture=capture))
    told = dict(await paypal.told(heard))
    (order_id,) = {
        report.provider_reference
        for reply in told.values()
        if isinstance(reply, Answered)
        for report in reply.reports
        if report.provider_reference
    }
    assert order_id is not None
    return order_id, told


async def _only(paypal: PayPal, heard: Receiver) -> dict[str, list[Fact]]:
    return {event_type: facts(reply) for event_type, reply in await paypal.told(heard)}


async def test_both_events_of_a_payment_report_the_same_fact(
    paypal: PayPal, heard: Receiver
) -> None:
    _, told = await _started(paypal, heard)
    assert told.keys() == {"PAYMENT.CAPTURE.COMPLETED", "CHECKOUT.ORDER.COMPLETED"}
    one, other = told.values()
    assert one == other
    (captured,) = facts(one)
    assert isinstance(captured, Captured)
    assert (captured.amount, captured.final) == (AMOUNT, True)
    assert isinstance(one, Answered)
    assert one.reports[0].payment_id == PAYMENT_ID


async def test_an_approval_is_reported(paypal: PayPal, heard: Receiver) -> None:
    reply = await paypal.provider.operations.authorize(authorize_request("card:vault_payer_action"))
    assert isinstance(reply, Answered)
    order_id = reply.reports[0].provider_reference
    assert order_id is not None
    await paypal.pull("approve", order_id)
    assert await _only(paypal, heard) == {"CHECKOUT.ORDER.APPROVED": [Approved()]}


async def test_a_voided_order_is_reported(paypal: PayPal, heard: Receiver) -> None:
    reply = await paypal.provider.operations.authorize(authorize_request("card:vault_payer_action"))
    assert isinstance(reply, Answered)
    await paypal.pull("cancel_approval", str(reply.reports[0].provider_reference))
    assert await _only(paypal, heard) == {"CHECKOUT.ORDER.VOIDED": [Canceled()]}


async def test_an_authorization_and_its_end_are_reported(paypal: PayPal, heard: Receiver) -> None:
    order_id, told = await _started(paypal, heard, capture=False)
    assert told.keys() == {"PAYMENT.AUTHORIZATION.CREATED", "CHECKOUT.ORDER.COMPLETED"}
    (authorized,) = facts(told["PAYMENT.AUTHORIZATION.CREATED"])
    assert isinstance(authorized, Authorized)
    await paypal.provider.operations.cancel(cancel_request(order_id, authorized.reference))
    assert await _only(paypal, heard) == {"PAYMENT.AUTHORIZATION.VOIDED": [Canceled()]}


async def test_an_expired_authorization_is_reported_as_expired(
    paypal: PayPal, heard: Receiver
) -> None:
    order_id, _ = await _started(paypal, heard, capture=False)
    await paypal.pull("expire", order_id)
    assert await _only(paypal, heard) == {"PAYMENT.AUTHORIZATION.VOIDED": [Expired()]}


async def test_a_partial_capture_is_reported(paypal: PayPal, heard: Receiver) -> None:
    order_id, told = await _started(paypal, heard, capture=False)
    (authorized,) = facts(told["PAYMENT.AUTHORIZATION.CREATED"])
    assert isinstance(authorized, Authorized)
    part = replace(AMOUNT, amount=400)
    await paypal.provider.operations.capture(
        capture_request(part, final=False, order_id=order_id, authorization_id=authorized.reference)
    )
    ((event_type, reply),) = await paypal.told(heard)
    assert event_type == "PAYMENT.CAPTURE.COMPLETED"
    (captured,) = facts(reply)
    assert isinstance(captured, Captured)
    assert (captured.amount, captured.final) == (part, False)


@pytest.mark.parametrize(
    ("trigger", "event_type", "kind"),
    [
        ("complete_capture", "PAYMENT.CAPTURE.COMPLETED", Captured),
        ("deny_capture", "PAYMENT.CAPTURE.DENIED", Declined),
    ],
)
async def test_a_pending_capture_is_reported_once_it_settles(
    paypal: PayPal, heard: Receiver, trigger: str, event_type: str, kind: type[Fact]
) -> None:
    await paypal.provider.operations.authorize(authorize_request("card:vault_pending"))
    await settled(paypal.http)
    events = [json.loads(delivery.body) for delivery in heard.deliveries]
    (order_id,) = (
        event["resource"]["id"]
        for event in events
        if event["event_type"] == "CHECKOUT.ORDER.COMPLETED"
    )
    for _, reply in await paypal.told(heard):
        assert facts(reply) == [Processing()]
    await paypal.pull(trigger, order_id)
    ((told_type, reply),) = await paypal.told(heard)
    assert told_type == event_type
    assert isinstance(facts(reply)[0], kind)


async def test_a_decline_is_reported(paypal: PayPal, heard: Receiver) -> None:
    _, told = await _started(paypal, heard, "card:vault_insufficient_funds")
    assert {name: facts(reply) for name, reply in told.items()} == {
        "PAYMENT.CAPTURE.DECLINED": [Declined(FailureCode.INSUFFICIENT_FUNDS)]
    }


async def test_a_refund_is_reported_with_our_ids_and_its_capture(
    paypal: PayPal, heard: Receiver
) -> None:
    order_id, told = await _started(paypal, heard)
    captured = facts(told["PAYMENT.CAPTURE.COMPLETED"])[0]
    assert isinstance(captured, Captured)
    await paypal.provider.operations.refund(
        refund_request(order_id=order_id, capture_id=captured.reference)
    )
    ((event_type, reply),) = await paypal.told(heard)
    assert event_type == "PAYMENT.CAPTURE.REFUNDED"
    assert isinstance(reply, Answered)
    (report,) = reply.reports
    assert isinstance(report.fact, Refunded)
    assert (report.payment_id, report.refund_id) == (PAYMENT_ID, REFUND_ID)
    assert report.capture_reference == captured.reference


async def _disputed(paypal: PayPal, heard: Receiver) -> tuple[str, str, str]:
    """Return the ids of an order, of its capture and of the dispute over it."""
    order_id, told = await _started(paypal, heard, "card:vault_dispute")
    reply = told["CUSTOMER.DISPUTE.CREATED"]
    assert isinstance(reply, Answered)
    (report,) = reply.reports
    assert isinstance(report.fact, DisputeOpened)
    assert report.fact.amount == AMOUNT
    captured = facts(told["PAYMENT.CAPTURE.COMPLETED"])[0]
    assert isinstance(captured, Captured)
    assert report.capture_reference == captured.reference
    return order_id, captured.reference, report.fact.reference


async def test_a_won_dispute_is_reported(paypal: PayPal, heard: Receiver) -> None:
    order_id, _, dispute_id = await _disputed(paypal, heard)
    opened = DisputeOpened(dispute_id, AMOUNT)
    await paypal.pull("dispute_review", order_id)
    assert await _only(paypal, heard) == {
        "CUSTOMER.DISPUTE.UPDATED": [opened, DisputeUnderReview(dispute_id, AMOUNT)]
    }
    await paypal.pull("dispute_won", order_id)
    assert await _only(paypal, heard) == {
        "CUSTOMER.DISPUTE.RESOLVED": [opened, DisputeClosed(dispute_id, AMOUNT, won=True)]
    }


async def test_both_events_of_a_lost_dispute_report_the_same_fact(
    paypal: PayPal, heard: Receiver
) -> None:
    order_id, capture_id, dispute_id = await _disputed(paypal, heard)
    await paypal.pull("dispute_lost", order_id)
    told = dict(await paypal.told(heard))
    assert told.keys() == {"CUSTOMER.DISPUTE.RESOLVED", "PAYMENT.CAPTURE.REVERSED"}
    one, other = told.values()
    assert one == other
    assert facts(one) == [
        DisputeOpened(dispute_id, AMOUNT),
        DisputeClosed(dispute_id, AMOUNT, won=False),
    ]
    assert isinstance(one, Answered)
    assert {report.capture_reference for report in one.reports} == {capture_id}
    looked_up = await paypal.provider.lookups.fetch(authorize_request(order_id=order_id))
    assert [type(fact) for fact in facts(looked_up)] == [Captured]


async def test_a_reversal_without_a_dispute_reports_nothing(paypal: PayPal) -> None:
    reply = await paypal.provider.operations.authorize(authorize_request())
    captured = facts(reply)[0]
    assert isinstance(captured, Captured)
    assert isinstance(reply, Answered)
    order_id = str(reply.reports[0].provider_reference)
    refund = refund_request(order_id=order_id, capture_id=captured.reference)
    given = facts(await paypal.provider.operations.refund(refund))[0]
    assert isinstance(given, Refunded)
    body = json.dumps({"resource": {"id": given.reference}}).encode()
    told = await paypal.provider.webhooks.interpret("PAYMENT.CAPTURE.REVERSED", body)
    assert told == Answered(())  # its row in the transaction search moves the money


@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        ("CHECKOUT.ORDER.APPROVED", "id"),
        ("PAYMENT.AUTHORIZATION.CREATED", "id"),
        ("PAYMENT.CAPTURE.COMPLETED", "id"),
        ("PAYMENT.CAPTURE.REFUNDED", "id"),
        ("PAYMENT.CAPTURE.REVERSED", "id"),
        ("CUSTOMER.DISPUTE.CREATED", "dispute_id"),
    ],
)
async def test_an_event_with_invented_content_is_not_believed(
    paypal: PayPal, event_type: str, name: str
) -> None:
    made_up = {name: "MADEUP", "status": "COMPLETED", "amount": {"value": "1000000.00"}}
    body = json.dumps({"resource": made_up}).encode()
    assert isinstance(await paypal.provider.webhooks.interpret(event_type, body), Unknown)
