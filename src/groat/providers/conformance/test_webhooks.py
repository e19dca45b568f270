"""Webhooks: genuine ones are accepted, and they report the same facts as the replies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from groat.kernel.money import Money
from groat.kernel.value import replace
from groat.providers.conformance.harness import Fault, SentWebhook
from groat.providers.conformance.shop import F, Shop, only
from groat.providers.domain.facts import Authorized, Canceled, Captured, Refunded, Report
from groat.providers.port import Envelope, Provider, Rejection, Webhooks

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("webhooks")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deliveries(shop: Shop) -> AsyncIterator[Sequence[SentWebhook]]:
    """The webhooks of a payment and its refund, each delivered several times."""
    await shop.take_deliveries()
    async with shop.under(Fault.DUPLICATE):
        await shop.perform((await shop.pay()).refund())
        taken = await shop.take_deliveries()
    assert taken
    yield taken


async def _verdict(webhooks: Webhooks, delivery: SentWebhook) -> Rejection | None:
    return await webhooks.verify(delivery.headers, delivery.body, datetime.now(UTC))


def _envelopes(webhooks: Webhooks, deliveries: Sequence[SentWebhook]) -> list[Envelope]:
    read = [webhooks.envelope(sent.headers, sent.body) for sent in deliveries]
    envelopes = [envelope for envelope in read if isinstance(envelope, Envelope)]
    assert len(envelopes) == len(deliveries)
    return envelopes


def _facts(kind: type[F], reported: Sequence[Report]) -> list[F]:
    return [report.fact for report in reported if isinstance(report.fact, kind)]


async def test_genuine_webhooks_are_accepted(
    webhooks: Webhooks, deliveries: Sequence[SentWebhook]
) -> None:
    """A provider delivers a rejected webhook again for some days, and then gives up."""
    for delivery in deliveries:
        assert await _verdict(webhooks, delivery) is None


async def test_webhooks_of_another_account_are_rejected(
    stranger: Provider, deliveries: Sequence[SentWebhook]
) -> None:
    """An attacker with an account at the provider can make it sign events of that account."""
    assert stranger.webhooks is not None
    for delivery in deliveries:
        assert await _verdict(stranger.webhooks, delivery) is not None


@settings(max_examples=60, deadline=None)
@given(data=st.data())
async def test_webhook_with_one_changed_byte_is_rejected(
    webhooks: Webhooks, deliveries: Sequence[SentWebhook], data: st.DataObject
) -> None:
    """The signature covers exactly the delivered bytes."""
    delivery = data.draw(st.sampled_from(deliveries))
    body = bytearray(delivery.body)
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    assert await _verdict(webhooks, replace(delivery, body=bytes(body))) is not None


async def test_webhook_without_headers_is_rejected(
    webhooks: Webhooks, deliveries: Sequence[SentWebhook]
) -> None:
    """The sender of an unsigned webhook is unknown."""
    assert await _verdict(webhooks, SentWebhook({}, deliveries[0].body)) is not None


async def test_event_has_the_same_id_in_every_delivery(
    webhooks: Webhooks, deliveries: Sequence[SentWebhook]
) -> None:
    """The inbox finds duplicates by the id. One id per delivery, or one for all events, fails."""
    types = defaultdict[str, list[str]](list)
    for envelope in _envelopes(webhooks, deliveries):
        types[envelope.event_id].append(envelope.event_type)
    assert len(types) > 1
    for same in types.values():
        assert len(same) > 1, "the harness delivered an event only once"
        assert same == [same[0]] * len(same)


async def test_transmission_id_belongs_to_one_event(
    webhooks: Webhooks, deliveries: Sequence[SentWebhook]
) -> None:
    """The inbox refuses a second event under the same transmission id as a forgery."""
    events = defaultdict[str, set[str]](set)
    for envelope in _envelopes(webhooks, deliveries):
        if envelope.transmission_id is not None:
            events[envelope.transmission_id].add(envelope.event_id)
    for transmitted in events.values():
        assert len(transmitted) == 1


async def test_webhook_read_alone_reports_the_same_as_interpreted(
    webhooks: Webhooks, deliveries: Sequence[SentWebhook]
) -> None:
    """If ``read_webhook`` has a result, the engine uses it and does not ask the provider."""
    for envelope, delivery in zip(_envelopes(webhooks, deliveries), deliveries, strict=True):
        read = webhooks.read(envelope.event_type, delivery.body)
        if read is not None:
            interpreted = await webhooks.interpret(envelope.event_type, delivery.body)
            assert read == interpreted


async def test_webhook_reports_a_capture_like_the_reply(shop: Shop) -> None:
    """The reply and each webhook carry the same reference. Otherwise the ledger posts it twice."""
    await shop.take_deliveries()
    paid = await shop.pay()
    reported = await shop.webhook_reports(paid)
    assert _facts(Captured, reported)
    assert set(_facts(Captured, reported)) == {paid.captured}
    assert {report.payment_id for report in reported} == {paid.request.payment_id}


async def test_webhook_reports_a_partial_capture_like_the_reply(shop: Shop) -> None:
    """The webhook reports the captured amount, although the authorized amount is larger."""
    await shop.take_deliveries()
    reserved = await shop.reserve()
    capture = reserved.capture(Money(400, "EUR"))
    captured = only(Captured, await shop.perform(capture))
    reported = await shop.webhook_reports(reserved)
    assert set(_facts(Captured, reported)) == {captured}


async def test_webhooks_report_an_authorization_and_its_cancellation(shop: Shop) -> None:
    """Webhooks report actions that the merchant took on the provider's own pages."""
    await shop.take_deliveries()
    reserved = await shop.reserve()
    authorized = _facts(Authorized, await shop.webhook_reports(reserved))
    assert {replace(fact, expires_at=None) for fact in authorized} == {
        replace(reserved.authorized, expires_at=None)
    }
    only(Canceled, await shop.perform(reserved.cancel()))
    assert _facts(Canceled, await shop.webhook_reports(reserved))


async def test_webhook_reports_a_refund_like_the_reply(shop: Shop) -> None:
    """A webhook may come before the reply. Unless it names the refund, it counts as foreign."""
    paid = await shop.pay()
    await shop.take_deliveries()
    request = paid.refund(Money(400, "EUR"))
    refunded = only(Refunded, await shop.perform(request))
    reported = [
        report for report in await shop.webhook_reports(paid) if isinstance(report.fact, Refunded)
    ]
    assert reported
    for report in reported:
        assert (report.fact, report.refund_id) == (refunded, request.refund_id)
        assert report.payment_id in {request.payment_id, None}
        assert report.capture_reference == request.capture_reference
