from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groat.kernel import ids
from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.providers.domain.facts import Authorized, Canceled, Captured, NotSent, Refunded
from groat.providers.domain.failures import FailureCode
from groat.providers.port import Answered, OperationRequest, RefundRequest, Unknown
from groat.providers.stripe.adapter import StripeProvider
from tests.providers.stripe.shop import (
    AMOUNT,
    books,
    cancel_of,
    capture_of,
    facts,
    fault,
    order,
    reference,
    refund_of,
)
from tests.support.http_servers import Stage


async def prepared(shop: StripeProvider, verb: str) -> tuple[OperationRequest, str]:
    """Return a request that would move something, and where the books would say so."""
    request = order(capture=False)
    if verb == "authorize":
        return request, "authorizations"
    if verb == "refund":
        return await refund_of(shop, order()), "refunds"
    intent = reference(await shop.operations.authorize(request))
    if verb == "capture":
        return capture_of(request, intent), "charges"
    return cancel_of(request, intent), "disputes"  # which a cancel leaves empty


NOW = datetime(2026, 1, 1, tzinfo=UTC)
VERBS = ["authorize", "capture", "cancel", "refund"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("answer", "happened"),
    [
        ("cut_before", False),
        ("unavailable", False),
        ("cut_after", True),
        ("broken", True),
        ("html", True),
    ],
)
async def test_without_a_readable_answer_the_outcome_is_unknown(
    shop: StripeProvider, control: httpx.AsyncClient, verb: str, answer: str, *, happened: bool
) -> None:
    request, where = await prepared(shop, verb)
    before = len((await books(control))[where])
    await fault(control, answer=answer)
    assert isinstance(await getattr(shop.operations, verb)(request), Unknown)
    await fault(control)
    after = len((await books(control))[where])
    assert after - before == (happened and verb != "cancel")
    found = facts(await shop.lookups.fetch(request))
    settled = {"authorize": Authorized, "capture": Captured, "refund": Refunded}
    expected = settled.get(verb, Canceled)
    assert any(isinstance(fact, expected) for fact in found) == happened
    if answer != "broken":
        again = facts(await getattr(shop.operations, verb)(request))
        assert isinstance(again[0], expected)
        assert len((await books(control))[where]) == before + (verb != "cancel")


@pytest.mark.parametrize("verb", VERBS)
async def test_a_rejected_call_was_not_sent(
    shop: StripeProvider, control: httpx.AsyncClient, verb: str
) -> None:
    request, where = await prepared(shop, verb)
    before = (await books(control))[where]
    await fault(control, answer="rate_limited")
    reply = await getattr(shop.operations, verb)(request)
    assert reply == NotSent(FailureCode.RATE_LIMITED, "status 429")
    assert (await books(control))[where] == before


@pytest.mark.parametrize("verb", VERBS)
async def test_a_slow_answer_leaves_the_outcome_unknown(
    hasty: StripeProvider, shop: StripeProvider, control: httpx.AsyncClient, verb: str
) -> None:
    request, _ = await prepared(shop, verb)
    await fault(control, answer_ms=1_000)
    assert isinstance(await getattr(hasty.operations, verb)(request), Unknown)
    await fault(control)
    assert facts(await shop.lookups.fetch(request)) != []


async def test_a_slow_confirmation_leaves_the_outcome_unknown(
    hasty: StripeProvider, shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    form = {"amount": 1050, "currency": "eur", "payment_method": "pm_card_visa"}
    made = (await control.post("/v1/payment_intents", data=form)).json()
    going_on = order(provider_reference=made["id"])
    await fault(control, answer_ms=1_000)
    assert await hasty.operations.authorize(going_on) == Unknown("timeout")
    assert isinstance(facts(await shop.lookups.fetch(going_on))[0], Captured)


async def test_a_silent_host_runs_into_the_timeout(hasty: StripeProvider, stage: Stage) -> None:
    async def say_nothing(_: Request) -> Response:
        await asyncio.sleep(1)
        return Response()

    refund = RefundRequest(
        "key", PaymentId(ids.uuid7()), RefundId(ids.uuid7()), AMOUNT, "pi_1", "ch_1"
    )
    going_on = order(provider_reference="pi_1")
    route = Route("/{rest:path}", say_nothing, methods=["GET", "POST"])
    async with stage.showing(Starlette(routes=[route])):
        replies = [
            await hasty.operations.authorize(going_on),
            *[await hasty.lookups.fetch(request) for request in (order(), going_on, refund)],
            await hasty.event_list.page(NOW, NOW, None),
        ]
    assert replies == [Unknown("timeout")] * 5


async def test_concurrent_calls_with_one_key_are_not_both_answered(
    shop: StripeProvider, control: httpx.AsyncClient
) -> None:
    await fault(control, answer_ms=2_000)
    request = order()
    replies = await asyncio.gather(
        shop.operations.authorize(request), shop.operations.authorize(request)
    )
    assert sorted(type(reply).__name__ for reply in replies) == ["Answered", "Unknown"]
    assert len((await books(control))["charges"]) == 1


async def test_a_key_reused_for_another_request_is_unknown(shop: StripeProvider) -> None:
    request = order()
    await shop.operations.authorize(request)
    assert isinstance(
        await shop.operations.authorize(replace(request, amount=Money(1, "EUR"))), Unknown
    )


@pytest.mark.parametrize("verb", ["authorize", "capture", "refund"])
async def test_a_wrong_amount_is_reported_as_received(
    shop: StripeProvider, control: httpx.AsyncClient, verb: str
) -> None:
    request, _ = await prepared(shop, verb)
    await fault(control, answer="lie")
    (told, *_) = facts(await getattr(shop.operations, verb)(request))
    assert isinstance(told, Authorized | Captured | Refunded)
    assert told.amount == Money(1051, "EUR")
    await fault(control)
    (truth, *_) = facts(await shop.lookups.fetch(request))
    assert isinstance(truth, Authorized | Captured | Refunded)
    assert truth.amount == AMOUNT


async def test_a_call_with_an_unknown_api_key_was_not_sent(
    host: str, control: httpx.AsyncClient
) -> None:
    stranger = StripeProvider({"api_key": "pk_test", "api_base": host}, timeout_seconds=30)
    reply = await stranger.operations.authorize(order())
    await stranger.close()
    assert reply == NotSent(FailureCode.CREDENTIALS_REFUSED, "status 401")
    assert (await books(control))["charges"] == []


async def test_an_unreachable_host_was_sent_nothing() -> None:
    credentials = {"api_key": "sk_test", "api_base": "http://127.0.0.1:1"}
    nowhere = StripeProvider(credentials, timeout_seconds=30)
    for verb in VERBS:
        request: Any = {
            "authorize": order(),
            "capture": capture_of(order(), "pi_1"),
            "cancel": cancel_of(order(), "pi_1"),
            "refund": RefundRequest(
                "key", PaymentId(ids.uuid7()), RefundId(ids.uuid7()), AMOUNT, "pi_1", "ch_1"
            ),
        }[verb]
        reply = await getattr(nowhere.operations, verb)(request)
        assert isinstance(reply, NotSent)
        assert reply.code is FailureCode.PROVIDER_UNREACHABLE
        assert isinstance(await nowhere.lookups.fetch(request), Unknown)
    going_on = order(provider_reference="pi_1")
    assert isinstance(await nowhere.operations.authorize(going_on), Unknown)
    assert isinstance(await nowhere.event_list.page(NOW, NOW, None), Unknown)
    assert isinstance(await nowhere.payout_book.payout("po_1"), Unknown)
    await nowhere.close()


NONSENSE = [
    b"",
    b"null",
    b"5",
    b'"x"',
    b"[]",
    b"{}",
    b"\xff",
    b"<html>",
    b'{"error":null}',
    b'{"error":[]}',
    b'{"error":"x"}',
    b'{"object":5}',
    b'{"object":["a"]}',
    b'{"object":"payment_intent"}',
    b'{"object":"list","data":null}',
    b'{"object":"list","data":[5],"has_more":true}',
    b'{"object":"list","data":[{}],"has_more":true}',
    b"[" * 100_000,
]


@pytest.fixture
async def says(stage: Stage) -> AsyncIterator[dict[str, Any]]:
    """What a host that is not Stripe's answers."""
    says: dict[str, Any] = {}

    async def answer(_: Request) -> Response:
        return Response(says["body"], says["status"], media_type="application/json")

    route = Route("/{rest:path}", answer, methods=["GET", "POST"])
    async with stage.showing(Starlette(routes=[route])):
        yield says


@pytest.mark.parametrize("status", [200, 302, 402, 500])
@pytest.mark.parametrize("body", NONSENSE, ids=lambda body: repr(body[:30]))
async def test_any_nonsense_in_an_answer_leaves_the_outcome_unknown(
    adapter: StripeProvider, says: dict[str, Any], body: bytes, status: int
) -> None:
    says.update(body=body, status=status)
    refund = RefundRequest(
        "key", PaymentId(ids.uuid7()), RefundId(ids.uuid7()), AMOUNT, "pi_1", "ch_1"
    )
    going_on = order(provider_reference="pi_1")
    replies = [
        await adapter.operations.authorize(order()),
        await adapter.operations.authorize(going_on),
        await adapter.operations.capture(capture_of(order(), "pi_1")),
        await adapter.operations.cancel(cancel_of(order(), "pi_1")),
        await adapter.operations.refund(refund),
        await adapter.lookups.fetch(order()),
        await adapter.lookups.fetch(going_on),
        await adapter.lookups.fetch(refund),
        await adapter.event_list.page(NOW, NOW, None),
    ]
    assert all(isinstance(reply, Unknown) for reply in replies), replies


@pytest.mark.parametrize("begun_before", [timedelta(seconds=1), timedelta(days=2)])
async def test_where_search_is_refused_the_intent_is_found_beyond_the_first_page(
    shop: StripeProvider, control: httpx.AsyncClient, begun_before: timedelta
) -> None:
    request = order()
    made = await shop.operations.authorize(request)
    for _ in range(101):
        await control.post("/v1/payment_intents", data={"amount": "100", "currency": "eur"})
    await control.put("/_simulator/faults", json={"refuse_search": True})
    lookup = replace(request, begun_at=datetime.now(UTC) - begun_before)
    assert await shop.lookups.fetch(lookup) == made
    assert isinstance(await shop.lookups.fetch(request), Unknown), "a call knows no time to list by"
    unheard_of = replace(order(), begun_at=lookup.begun_at)
    assert await shop.lookups.fetch(unheard_of) == Answered(())
