"""The adapter's operations against the stand-in for PayPal, over HTTP."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta

import httpx
import pytest

from groat.kernel import ids
from groat.kernel.ids import RefundId
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.providers.domain.facts import (
    Approved,
    Authorized,
    Canceled,
    Captured,
    Declined,
    Expired,
    Fact,
    NotSent,
    Processing,
    Refunded,
    RefundFailed,
    Report,
    RequiresAction,
)
from groat.providers.domain.failures import FailureCode
from groat.providers.port import Answered, OperationRequest, Reply, Unknown, perform
from tests.providers.paypal.stand_in import PayPal, adapter, facts
from tests.support.paypal_requests import (
    AMOUNT,
    PAYMENT_ID,
    REFUND_ID,
    authorize_request,
    cancel_request,
    capture_request,
    new_key,
    refund_request,
)


def _of(reply: Reply, kind: type[Fact]) -> Fact:
    """Return the one fact of a kind."""
    (fact,) = (fact for fact in facts(reply) if isinstance(fact, kind))
    return fact


def _order_id(reply: Reply) -> str:
    assert isinstance(reply, Answered)
    assert {report.payment_id for report in reply.reports} == {PAYMENT_ID}
    (order_id,) = {report.provider_reference for report in reply.reports}
    assert order_id is not None
    return order_id


async def _paid(paypal: PayPal, method: str = "card:vault_visa") -> tuple[str, str]:
    """Return the ids of an order and its capture."""
    reply = await paypal.provider.operations.authorize(authorize_request(method))
    captured = _of(reply, Captured)
    assert isinstance(captured, Captured)
    return _order_id(reply), captured.reference


async def _authorized(paypal: PayPal, method: str = "card:vault_visa") -> tuple[str, str]:
    """Return the ids of an order and its authorization."""
    reply = await paypal.provider.operations.authorize(authorize_request(method, capture=False))
    authorized = _of(reply, Authorized)
    assert isinstance(authorized, Authorized)
    return _order_id(reply), authorized.reference


async def _waiting(paypal: PayPal, method: str, *, capture: bool) -> str:
    """Return the id of an order that waits for its payer."""
    reply = await paypal.provider.operations.authorize(authorize_request(method, capture=capture))
    assert isinstance(facts(reply)[0], RequiresAction)
    return _order_id(reply)


async def test_a_payment_is_captured_at_once_and_without_a_movement(
    paypal: PayPal,
) -> None:
    reply = await paypal.provider.operations.authorize(authorize_request())
    (captured,) = facts(reply)
    assert isinstance(captured, Captured)
    assert captured == Captured(captured.reference, AMOUNT, final=True)
    assert isinstance(reply, Answered)
    assert reply.reports[0].movements == ()  # the transaction search tells it, hours later
    (entry,) = await paypal.books("charges")
    assert entry["id"] == captured.reference
    assert entry["reference"] == ids.render("payment", PAYMENT_ID)


async def test_a_payment_stays_authorized_until_it_expires(paypal: PayPal) -> None:
    reply = await paypal.provider.operations.authorize(authorize_request(capture=False))
    (authorized,) = facts(reply)
    expires_at = (paypal.clock.now() + timedelta(days=29)).replace(microsecond=0)
    assert isinstance(authorized, Authorized)
    assert authorized == Authorized(authorized.reference, AMOUNT, expires_at)
    assert await paypal.books("charges") == []


@pytest.mark.parametrize("capture", [True, False])
@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("card:vault_declined", FailureCode.DO_NOT_HONOR),
        ("card:vault_insufficient_funds", FailureCode.INSUFFICIENT_FUNDS),
        ("card:vault_instrument_declined", FailureCode.DO_NOT_HONOR),
        ("card:vault_unheard_of", FailureCode.REJECTED_BY_PROVIDER),
    ],
)
async def test_a_payment_is_declined(
    paypal: PayPal,
    method: str,
    code: FailureCode,
    capture: bool,  # noqa: FBT001 - a case
) -> None:
    reply = await paypal.provider.operations.authorize(authorize_request(method, capture=capture))
    assert facts(reply) == [Declined(code)]


@pytest.mark.parametrize("capture", [True, False])
async def test_a_payer_approves_and_the_same_order_is_completed(
    paypal: PayPal,
    capture: bool,  # noqa: FBT001 - a case
) -> None:
    request = authorize_request(
        "card:vault_payer_action", capture=capture, return_url="https://shop.example/back"
    )
    first = await paypal.provider.operations.authorize(request)
    (action,) = facts(first)
    assert isinstance(action, RequiresAction)
    assert action.url is not None
    page = await paypal.http.get(action.url)
    assert "Approve" in page.text
    order_id = _order_id(first)
    again = replace(request, provider_reference=order_id)
    assert facts(await paypal.provider.operations.authorize(again)) == [action]

    back = await paypal.http.post(f"/checkoutnow/{order_id}/approve")
    assert httpx.URL(back.headers["location"]).host == "shop.example"
    assert facts(await paypal.provider.lookups.fetch(again)) == [Approved()]
    done = await paypal.provider.operations.authorize(again)
    assert _order_id(done) == order_id
    assert isinstance(_of(done, Captured if capture else Authorized), Captured | Authorized)
    assert await paypal.provider.operations.authorize(again) == done
    other = replace(again, idempotency_key=new_key())
    assert await paypal.provider.operations.authorize(other) == done
    entries = [*await paypal.books("charges"), *await paypal.books("authorizations")]
    assert len(entries) == 1


async def test_concurrent_completions_of_an_order_get_the_same_reply(paypal: PayPal) -> None:
    order_id = await _waiting(paypal, "card:vault_payer_action", capture=True)
    await paypal.pull("approve", order_id)
    requests = [authorize_request("card:vault_payer_action", order_id=order_id) for _ in range(5)]
    replies = await asyncio.gather(*map(paypal.provider.operations.authorize, requests))
    assert isinstance(_of(replies[0], Captured), Captured)
    assert replies == [replies[0]] * 5
    assert len(await paypal.books("charges")) == 1


async def test_a_lost_answer_to_a_completion_is_found_by_its_order(paypal: PayPal) -> None:
    order_id = await _waiting(paypal, "card:vault_payer_action", capture=True)
    await paypal.pull("approve", order_id)
    await paypal.faults(answer="cut_after")
    request = authorize_request("card:vault_payer_action", order_id=order_id)
    assert isinstance(await paypal.provider.operations.authorize(request), Unknown)
    await paypal.faults()
    told = await paypal.provider.lookups.fetch(request)
    assert isinstance(_of(told, Captured), Captured)
    assert await paypal.provider.operations.authorize(request) == told


@pytest.mark.parametrize(
    "method", ["card:vault_payer_action_declined", "card:vault_payer_action_refused"]
)
@pytest.mark.parametrize("capture", [True, False])
async def test_a_payment_is_declined_after_it_was_approved(
    paypal: PayPal,
    method: str,
    capture: bool,  # noqa: FBT001 - a case
) -> None:
    order_id = await _waiting(paypal, method, capture=capture)
    await paypal.pull("approve", order_id)
    request = authorize_request(method, capture=capture, order_id=order_id)
    reply = await paypal.provider.operations.authorize(request)
    assert facts(reply) == [Declined(FailureCode.DO_NOT_HONOR)]
    assert _order_id(reply) == order_id


async def test_a_payer_cancels_the_order(paypal: PayPal) -> None:
    order_id = await _waiting(paypal, "card:vault_payer_action", capture=True)
    await paypal.pull("cancel_approval", order_id)
    request = authorize_request("card:vault_payer_action", order_id=order_id)
    assert facts(await paypal.provider.operations.authorize(request)) == [Canceled()]
    assert facts(await paypal.provider.lookups.fetch(request)) == [Canceled()]


async def test_an_order_is_canceled_unless_its_payer_has_approved_it(paypal: PayPal) -> None:
    waiting = await _waiting(paypal, "card:vault_payer_action", capture=True)
    give_up = cancel_request(waiting, authorization_id=None)
    assert facts(await paypal.provider.operations.cancel(give_up)) == [Canceled()]
    forgotten = cancel_request("FORGOTTEN", authorization_id=None)
    assert facts(await paypal.provider.operations.cancel(forgotten)) == [Canceled()]
    await paypal.pull("approve", waiting)
    no = Declined(FailureCode.REJECTED_BY_PROVIDER)
    assert facts(await paypal.provider.operations.cancel(give_up)) == [no]
    done = await paypal.provider.operations.authorize(
        authorize_request("card:vault_payer_action", order_id=waiting)
    )
    assert facts(await paypal.provider.operations.cancel(give_up)) == [*facts(done), no]


async def test_an_order_unknown_to_paypal_has_expired(paypal: PayPal) -> None:
    request = authorize_request(order_id="FORGOTTEN")
    expired = Answered((Report(PAYMENT_ID, "FORGOTTEN", Expired()),))
    assert await paypal.provider.operations.authorize(request) == expired
    assert await paypal.provider.lookups.fetch(request) == expired


@pytest.mark.parametrize("capture", [True, False])
async def test_a_payer_without_a_saved_method_pays_on_paypals_page(
    paypal: PayPal,
    capture: bool,  # noqa: FBT001 - a case
) -> None:
    request = authorize_request(None, capture=capture, return_url="https://shop.example/back")
    first = await paypal.provider.operations.authorize(request)
    (action,) = facts(first)
    assert isinstance(action, RequiresAction)
    assert action.url is not None
    order_id = _order_id(first)
    back = await paypal.http.post(f"/checkoutnow/{order_id}/approve")
    assert httpx.URL(back.headers["location"]).host == "shop.example"
    done = await paypal.provider.operations.authorize(replace(request, provider_reference=order_id))
    assert isinstance(_of(done, Captured if capture else Authorized), Captured | Authorized)
    entries = [*await paypal.books("charges"), *await paypal.books("authorizations")]
    assert len(entries) == 1


@pytest.mark.parametrize(
    ("method", "fact"),
    [
        ("paypal:vault_wallet", Captured),
        ("paypal:vault_wallet_declined", Declined),
        ("paypal:vault_visa", Declined),
        ("card:vault_wallet", Declined),
    ],
)
async def test_a_saved_paypal_account_pays_at_once(
    paypal: PayPal, method: str, fact: type[Fact]
) -> None:
    reply = await paypal.provider.operations.authorize(authorize_request(method))
    assert isinstance(_of(reply, fact), fact)


async def test_an_authorization_is_captured_in_parts(paypal: PayPal) -> None:
    order_id, authorization_id = await _authorized(paypal)
    first = capture_request(
        Money(400, "EUR"), final=False, order_id=order_id, authorization_id=authorization_id
    )
    (captured,) = facts(await paypal.provider.operations.capture(first))
    assert isinstance(captured, Captured)
    assert captured == Captured(captured.reference, Money(400, "EUR"), final=False)
    last = capture_request(Money(600, "EUR"), order_id=order_id, authorization_id=authorization_id)
    second = _of(await paypal.provider.operations.capture(last), Captured)
    assert isinstance(second, Captured)
    assert (second.amount, second.final) == (Money(600, "EUR"), True)
    told = await paypal.provider.lookups.fetch(last)
    assert [fact for fact in facts(told) if isinstance(fact, Captured)] == [captured, second]
    assert [entry["parent"] for entry in await paypal.books("charges")] == [authorization_id] * 2


async def test_a_capture_is_made_once_for_its_key(paypal: PayPal) -> None:
    order_id, authorization_id = await _authorized(paypal)
    request = capture_request(
        Money(400, "EUR"), final=False, order_id=order_id, authorization_id=authorization_id
    )
    assert await paypal.provider.operations.capture(
        request
    ) == await paypal.provider.operations.capture(request)
    assert len(await paypal.books("charges")) == 1


async def test_a_declined_capture_says_why(paypal: PayPal) -> None:
    order_id, authorization_id = await _authorized(paypal, "card:vault_capture_declined")
    request = capture_request(order_id=order_id, authorization_id=authorization_id)
    reply = await paypal.provider.operations.capture(request)
    assert facts(reply) == [Declined(FailureCode.INSUFFICIENT_FUNDS)]


async def test_a_capture_above_the_authorized_amount_is_refused(paypal: PayPal) -> None:
    order_id, authorization_id = await _authorized(paypal)
    request = capture_request(
        Money(1051, "EUR"), order_id=order_id, authorization_id=authorization_id
    )
    reply = await paypal.provider.operations.capture(request)
    assert facts(reply) == [Declined(FailureCode.REJECTED_BY_PROVIDER)]


async def test_a_capture_refused_as_a_repetition_reports_the_first_capture(paypal: PayPal) -> None:
    order_id, authorization_id = await _authorized(paypal)
    request = capture_request(order_id=order_id, authorization_id=authorization_id)
    made = await paypal.provider.operations.capture(request)
    again = await paypal.provider.operations.capture(replace(request, idempotency_key=new_key()))
    assert facts(again) == [*facts(made), Declined(FailureCode.REJECTED_BY_PROVIDER)]
    assert _order_id(again) == order_id


@pytest.mark.parametrize(("ending", "fact"), [("cancel", Canceled()), ("expire", Expired())])
async def test_every_call_on_an_ended_authorization_reports_its_end(
    paypal: PayPal, ending: str, fact: Fact
) -> None:
    order_id, authorization_id = await _authorized(paypal)
    cancel = cancel_request(order_id, authorization_id)
    if ending == "cancel":
        assert facts(await paypal.provider.operations.cancel(cancel)) == [fact]
    else:
        await paypal.pull("expire", order_id)
    capture = capture_request(order_id=order_id, authorization_id=authorization_id)
    late = replace(cancel, idempotency_key=new_key())
    for reply in (
        await paypal.provider.operations.capture(capture),
        await paypal.provider.operations.cancel(late),
        await paypal.provider.lookups.fetch(capture),
        await paypal.provider.lookups.fetch(cancel),
    ):
        assert facts(reply) == [fact]
        assert _order_id(reply) == order_id


async def test_the_uncaptured_part_can_be_canceled(paypal: PayPal) -> None:
    order_id, authorization_id = await _authorized(paypal)
    part = capture_request(
        Money(400, "EUR"), final=False, order_id=order_id, authorization_id=authorization_id
    )
    await paypal.provider.operations.capture(part)
    reply = await paypal.provider.operations.cancel(cancel_request(order_id, authorization_id))
    assert facts(reply) == [Canceled()]


async def test_a_captured_payment_is_not_canceled(paypal: PayPal) -> None:
    order_id, authorization_id = await _authorized(paypal)
    capture = capture_request(order_id=order_id, authorization_id=authorization_id)
    made = await paypal.provider.operations.capture(capture)
    reply = await paypal.provider.operations.cancel(cancel_request(order_id, authorization_id))
    assert facts(reply) == [*facts(made), Declined(FailureCode.REJECTED_BY_PROVIDER)]


async def test_a_pending_capture_reports_its_order_until_it_settles(paypal: PayPal) -> None:
    reply = await paypal.provider.operations.authorize(authorize_request("card:vault_pending"))
    assert facts(reply) == [Processing()]
    assert len(_order_id(reply)) > 1
    order_id, authorization_id = await _authorized(paypal, "card:vault_pending")
    capture = capture_request(order_id=order_id, authorization_id=authorization_id)
    assert facts(await paypal.provider.operations.capture(capture)) == [Processing()]
    assert facts(await paypal.provider.lookups.fetch(capture)) == [Processing()]
    await paypal.pull("complete_capture", order_id)
    assert isinstance(_of(await paypal.provider.lookups.fetch(capture), Captured), Captured)


async def test_a_pending_capture_can_be_denied(paypal: PayPal) -> None:
    order_id, authorization_id = await _authorized(paypal, "card:vault_pending")
    capture = capture_request(order_id=order_id, authorization_id=authorization_id)
    await paypal.provider.operations.capture(capture)
    await paypal.pull("deny_capture", order_id)
    told = await paypal.provider.lookups.fetch(capture)
    assert facts(told) == [Declined(FailureCode.DO_NOT_HONOR)]


async def test_a_decline_of_one_capture_does_not_answer_another(paypal: PayPal) -> None:
    order_id, authorization_id = await _authorized(paypal, "card:vault_capture_declined")
    first, second = (
        capture_request(order_id=order_id, authorization_id=authorization_id) for _ in range(2)
    )
    said = facts(await paypal.provider.operations.capture(first))
    assert said == [Declined(FailureCode.INSUFFICIENT_FUNDS)]
    reserved, *_ = facts(await paypal.provider.lookups.fetch(second))
    assert isinstance(reserved, Authorized)
    assert facts(await paypal.provider.lookups.fetch(first)) == [*said, reserved]


async def test_each_refund_is_reported_separately(paypal: PayPal) -> None:
    order_id, capture_id = await _paid(paypal)
    one = refund_request(Money(400, "EUR"), order_id=order_id, capture_id=capture_id)
    other = refund_request(
        Money(650, "EUR"),
        order_id=order_id,
        capture_id=capture_id,
        refund_id=RefundId(ids.uuid7()),
    )
    for request in (one, other):
        reply = await paypal.provider.operations.refund(request)
        assert isinstance(reply, Answered)
        (report,) = reply.reports
        assert isinstance(report.fact, Refunded)
        assert report.fact.amount == request.amount
        assert (report.payment_id, report.refund_id) == (PAYMENT_ID, request.refund_id)
        assert (report.provider_reference, report.capture_reference) == (order_id, capture_id)
        assert await paypal.provider.lookups.fetch(request) == reply
        assert await paypal.provider.operations.refund(request) == reply
    entries = await paypal.books("refunds")
    assert [entry["reference"] for entry in entries] == [
        ids.render("refund", request.refund_id) for request in (one, other)
    ]


async def test_a_refund_above_the_remaining_amount_fails(paypal: PayPal) -> None:
    order_id, capture_id = await _paid(paypal)
    request = refund_request(Money(1051, "EUR"), order_id=order_id, capture_id=capture_id)
    reply = await paypal.provider.operations.refund(request)
    assert isinstance(reply, Answered)
    (report,) = reply.reports
    assert report.fact == RefundFailed(FailureCode.REJECTED_BY_PROVIDER)
    assert (report.refund_id, report.capture_reference) == (REFUND_ID, capture_id)
    assert await paypal.provider.lookups.fetch(request) == Answered(())


@pytest.mark.parametrize(
    ("trigger", "kind"), [("complete_refund", Refunded), ("fail_refund", RefundFailed)]
)
async def test_a_pending_refund_reports_no_fact_until_it_settles(
    paypal: PayPal, trigger: str, kind: type[Fact]
) -> None:
    order_id, capture_id = await _paid(paypal, "card:vault_refund_pending")
    request = refund_request(order_id=order_id, capture_id=capture_id)
    assert await paypal.provider.operations.refund(request) == Answered(())
    assert await paypal.provider.lookups.fetch(request) == Answered(())
    await paypal.pull(trigger, order_id)
    (fact,) = facts(await paypal.provider.lookups.fetch(request))
    assert isinstance(fact, kind)


async def _requests(paypal: PayPal) -> list[OperationRequest]:
    """Return one operation of each kind, ready to be called."""
    order_id, capture_id = await _paid(paypal)
    refund = refund_request(order_id=order_id, capture_id=capture_id)
    one, authorization_id = await _authorized(paypal)
    capture = capture_request(order_id=one, authorization_id=authorization_id)
    other, voided_id = await _authorized(paypal)
    cancel = cancel_request(other, voided_id)
    waiting = await _waiting(paypal, "card:vault_payer_action", capture=True)
    await paypal.pull("approve", waiting)
    go_on = authorize_request("card:vault_payer_action", order_id=waiting)
    return [authorize_request(), go_on, capture, cancel, refund]


@pytest.mark.parametrize(
    ("answer", "had_effect"),
    [
        ("cut_before", False),
        ("unavailable", False),
        ("cut_after", True),
        ("broken", True),
        ("html", True),
    ],
)
async def test_an_unreadable_answer_leaves_every_operation_unknown(
    paypal: PayPal,
    answer: str,
    had_effect: bool,  # noqa: FBT001 - a case
) -> None:
    requests = await _requests(paypal)
    before = [await paypal.books(kind) for kind in ("charges", "refunds")]
    await paypal.faults(answer=answer)
    for request in requests:
        assert isinstance(await perform(paypal.provider.operations, request), Unknown), request
    after = [await paypal.books(kind) for kind in ("charges", "refunds")]
    assert (before != after) is had_effect


async def test_a_rate_limited_call_was_not_sent(paypal: PayPal) -> None:
    requests = await _requests(paypal)
    await paypal.faults(answer="rate_limited")
    for request in requests:
        assert await perform(paypal.provider.operations, request) == NotSent(
            FailureCode.RATE_LIMITED, "status 429"
        )


async def test_every_operation_times_out(paypal: PayPal) -> None:
    requests = await _requests(paypal)
    await paypal.faults(answer_ms=60_000)
    hasty = adapter(str(paypal.http.base_url), timeout_seconds=1.0)
    await hasty.lookups.fetch(requests[-1])  # signs in: the time of the calls is not for that
    for request in requests:
        assert await perform(hasty.operations, request) in {
            Unknown("TimeoutError"),
            Unknown("ReadTimeout"),
        }
    await hasty.close()


def _deserted() -> str:
    """Return an address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_an_order_that_cannot_be_looked_up_is_not_reported_as_canceled() -> None:
    lost = adapter(_deserted())
    assert await lost.operations.cancel(cancel_request(authorization_id=None)) == Unknown(
        "ConnectError"
    )
    await lost.close()


async def test_an_unreachable_host_was_sent_nothing_and_reports_nothing(paypal: PayPal) -> None:
    requests = await _requests(paypal)
    lost = adapter(_deserted())
    for request in requests:
        reply = await perform(lost.operations, request)
        assert reply == NotSent(FailureCode.PROVIDER_UNREACHABLE, "ConnectError")
        if request.provider_reference is not None:
            assert await lost.lookups.fetch(request) == Unknown("ConnectError")
    body = b'{"resource":{"id":"2GG279541U471931P"}}'
    told = await lost.webhooks.interpret("PAYMENT.CAPTURE.COMPLETED", body)
    assert told == Unknown("ConnectError")
    await lost.close()


async def test_without_an_access_token_nothing_was_sent() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    stuck = adapter(f"http://127.0.0.1:{port}", timeout_seconds=0.5)
    # Those who wait for another's sign-in are no worse off.
    replies = await asyncio.gather(
        *(stuck.operations.authorize(authorize_request()) for _ in range(5))
    )
    assert replies == [NotSent(FailureCode.PROVIDER_UNREACHABLE, "TimeoutError")] * 5
    await stuck.close()
    server.close()
    await server.wait_closed()


async def test_a_wrong_amount_is_reported_as_received(paypal: PayPal) -> None:
    await paypal.faults(answer="lie")
    captured = _of(await paypal.provider.operations.authorize(authorize_request()), Captured)
    assert isinstance(captured, Captured)
    assert captured.amount == Money(1051, "EUR")


@pytest.mark.parametrize("reference", ["../x", "a b", "\x00", "", "é", "a?b=c#d"])
async def test_an_impossible_reference_is_declined(paypal: PayPal, reference: str) -> None:
    capture = capture_request(order_id=reference, authorization_id=reference)
    refund = refund_request(order_id=reference, capture_id=reference)
    for request in (capture, cancel_request(reference, reference), refund):
        (fact,) = facts(await perform(paypal.provider.operations, request))
        assert isinstance(fact, Declined | RefundFailed)
