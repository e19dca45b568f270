"""What is authorized is captured, whole or in part, or given up."""

from __future__ import annotations

import pytest

from groat.kernel.money import Money
from groat.providers.conformance.shop import AMOUNT, Shop, found, only, reports
from groat.providers.domain.facts import Canceled, Captured, Declined

pytestmark = pytest.mark.asyncio(loop_scope="session")

PART, REST = Money(400, "EUR"), Money(650, "EUR")


async def test_an_authorization_is_captured(shop: Shop) -> None:
    """What was reserved is taken, and the report says of which payment."""
    reserved = await shop.reserve()
    reply = await shop.provider.capture(reserved.capture())
    captured = only(Captured, reply)
    assert (captured.amount, captured.final) == (AMOUNT, True)
    assert {one.payment_id for one in reports(reply)} == {reserved.request.payment_id}
    assert {one.provider_reference for one in reports(reply)} == {reserved.provider_reference}
    assert await shop.charges(reserved.request.payment_id) == [AMOUNT]


async def test_a_part_is_captured_and_the_rest_lapses(shop: Shop) -> None:
    """The fact carries what was taken, not what was authorized."""
    reserved = await shop.reserve()
    captured = only(Captured, await shop.provider.capture(reserved.capture(PART)))
    assert (captured.amount, captured.final) == (PART, True)
    assert await shop.charges(reserved.request.payment_id) == [PART]


async def test_an_authorization_is_captured_in_parts(shop: Shop) -> None:
    """Each part is an effect of its own, with a reference of its own."""
    if shop.provider.captures_once:
        pytest.skip("this provider captures once")
    reserved = await shop.reserve()
    first = only(Captured, await shop.provider.capture(reserved.capture(PART, final=False)))
    last = only(Captured, await shop.provider.capture(reserved.capture(REST)))
    assert [(one.amount, one.final) for one in (first, last)] == [(PART, False), (REST, True)]
    assert first.reference != last.reference
    assert await shop.charges(reserved.request.payment_id) == [PART, REST]


async def test_no_more_is_captured_than_was_authorized(shop: Shop) -> None:
    """A definite no: the authorization stays usable, and nothing is asked about any further."""
    reserved = await shop.reserve()
    reply = await shop.provider.capture(reserved.capture(Money(AMOUNT.amount + 1, "EUR")))
    only(Declined, reply)
    assert await shop.charges(reserved.request.payment_id) == []


async def test_an_authorization_is_given_up(shop: Shop) -> None:
    """The customer's money is free again, and nothing can be taken of it."""
    reserved = await shop.reserve()
    reply = await shop.provider.cancel(reserved.cancel())
    only(Canceled, reply)
    assert {one.payment_id for one in reports(reply)} == {reserved.request.payment_id}
    assert not found(Captured, await shop.provider.capture(reserved.capture()))
    assert await shop.charges(reserved.request.payment_id) == []


async def test_what_was_captured_is_not_canceled(shop: Shop) -> None:
    """A cancellation that comes too late must not say that it came in time: money was taken."""
    reserved = await shop.reserve()
    only(Captured, await shop.provider.capture(reserved.capture()))
    reply = await shop.provider.cancel(reserved.cancel())
    assert {type(one.fact) for one in reports(reply)} & {Captured, Declined}
    assert not found(Canceled, reply)
    assert await shop.charges(reserved.request.payment_id) == [AMOUNT]
