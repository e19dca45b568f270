"""Webhooks are believed if they are the provider's, and say what the replies said."""

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
from groat.providers.port import Envelope, Provider, Rejection

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deliveries(shop: Shop) -> AsyncIterator[Sequence[SentWebhook]]:
    """What a payment and its refund lead to, each webhook delivered several times."""
    await shop.harness.take_deliveries()
    async with shop.under(Fault.DUPLICATE):
        await shop.provider.refund((await shop.pay()).refund())
        taken = await shop.harness.take_deliveries()
    assert taken
    yield taken


async def _verdict(provider: Provider, delivery: SentWebhook) -> Rejection | None:
    return await provider.verify_webhook(delivery.headers, delivery.body, datetime.now(UTC))


def _envelopes(shop: Shop, deliveries: Sequence[SentWebhook]) -> list[Envelope]:
    read = [shop.provider.read_envelope(one.headers, one.body) for one in deliveries]
    envelopes = [one for one in read if isinstance(one, Envelope)]
    assert len(envelopes) == len(deliveries)
    return envelopes


def _facts(kind: type[F], told: Sequence[Report]) -> list[F]:
    return [one.fact for one in told if isinstance(one.fact, kind)]


async def test_the_providers_webhooks_are_believed(
    shop: Shop, deliveries: Sequence[SentWebhook]
) -> None:
    """One that is refused comes again for some days, and then never more."""
    for delivery in deliveries:
        assert await _verdict(shop.provider, delivery) is None


async def test_another_accounts_webhooks_are_refused(
    stranger: Provider, deliveries: Sequence[SentWebhook]
) -> None:
    """Whoever has an account of their own at the provider can make it sign what they like."""
    for delivery in deliveries:
        assert await _verdict(stranger, delivery) is not None


@settings(max_examples=60, deadline=None)
@given(data=st.data())
async def test_one_byte_changed_is_refused(
    shop: Shop, deliveries: Sequence[SentWebhook], data: st.DataObject
) -> None:
    """The signature is for these bytes, and no others."""
    delivery = data.draw(st.sampled_from(deliveries))
    body = bytearray(delivery.body)
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    assert await _verdict(shop.provider, replace(delivery, body=bytes(body))) is not None


async def test_without_its_headers_a_webhook_is_refused(
    shop: Shop, deliveries: Sequence[SentWebhook]
) -> None:
    """What is not signed is nobody's."""
    assert await _verdict(shop.provider, SentWebhook({}, deliveries[0].body)) is not None


async def test_an_event_has_one_id_however_often_it_comes(
    shop: Shop, deliveries: Sequence[SentWebhook]
) -> None:
    """The inbox tells by the id what it has: one for each delivery, or one for all, defeats it."""
    types = defaultdict[str, list[str]](list)
    for envelope in _envelopes(shop, deliveries):
        types[envelope.event_id].append(envelope.event_type)
    assert len(types) > 1
    for same in types.values():
        assert len(same) > 1, "the harness delivered it once"
        assert same == [same[0]] * len(same)


async def test_a_transmission_is_of_one_event(
    shop: Shop, deliveries: Sequence[SentWebhook]
) -> None:
    """The inbox refuses another event under the same id: it would be taken for a forgery."""
    events = defaultdict[str, set[str]](set)
    for envelope in _envelopes(shop, deliveries):
        if envelope.transmission_id is not None:
            events[envelope.transmission_id].add(envelope.event_id)
    for transmitted in events.values():
        assert len(transmitted) == 1


async def test_what_a_webhook_says_by_itself_is_what_it_says(
    shop: Shop, deliveries: Sequence[SentWebhook]
) -> None:
    """The engine goes by it, and does not ask."""
    for envelope, delivery in zip(_envelopes(shop, deliveries), deliveries, strict=True):
        said = shop.provider.read_webhook(envelope.event_type, delivery.body)
        if said is not None:
            told = await shop.provider.interpret_webhook(envelope.event_type, delivery.body)
            assert said == told


async def test_a_capture_is_told_as_it_was_answered(shop: Shop) -> None:
    """The reply and each webhook are one effect by its reference: otherwise it is posted twice."""
    await shop.harness.take_deliveries()
    paid = await shop.pay()
    told = await shop.told(paid)
    assert _facts(Captured, told)
    assert set(_facts(Captured, told)) == {paid.captured}
    assert {one.payment_id for one in told} == {paid.request.payment_id}


async def test_a_capture_in_part_is_told_as_it_was_answered(shop: Shop) -> None:
    """Where amounts differ, it is the captured one that is told."""
    await shop.harness.take_deliveries()
    reserved = await shop.reserve()
    capture = reserved.capture(Money(400, "EUR"))
    captured = only(Captured, await shop.provider.capture(capture))
    told = await shop.told(reserved)
    assert set(_facts(Captured, told)) == {captured}


async def test_an_authorization_and_its_end_are_told(shop: Shop) -> None:
    """What the merchant did not wait for, or did at the provider's own pages, comes this way."""
    await shop.harness.take_deliveries()
    reserved = await shop.reserve()
    told = [replace(one, expires_at=None) for one in _facts(Authorized, await shop.told(reserved))]
    assert set(told) == {replace(reserved.authorized, expires_at=None)}
    only(Canceled, await shop.provider.cancel(reserved.cancel()))
    assert _facts(Canceled, await shop.told(reserved))


async def test_a_refund_is_told_as_it_was_answered(shop: Shop) -> None:
    """A webhook that comes before the reply has to find our refund, or it is taken for another."""
    paid = await shop.pay()
    await shop.harness.take_deliveries()
    request = paid.refund(Money(400, "EUR"))
    refunded = only(Refunded, await shop.provider.refund(request))
    told = [one for one in await shop.told(paid) if isinstance(one.fact, Refunded)]
    assert told
    for one in told:
        assert (one.fact, one.refund_id) == (refunded, request.refund_id)
        assert one.payment_id in {request.payment_id, None}
        assert one.capture_reference == request.capture_reference
