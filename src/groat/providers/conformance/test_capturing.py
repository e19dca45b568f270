"""Capturing: an authorization is captured in full or in part, or canceled."""

from __future__ import annotations

import pytest

from groat.kernel.money import Money
from groat.providers.conformance.shop import AMOUNT, Shop, found, only, reports
from groat.providers.domain.facts import Canceled, Captured, Declined

pytestmark = pytest.mark.asyncio(loop_scope="session")

PART, REST = Money(400, "EUR"), Money(650, "EUR")


async def test_authorization_is_captured(shop: Shop) -> None:
    """The capture takes the authorized amount, and its report names the payment."""
    reserved = await shop.reserve()
    reply = await shop.perform(reserved.capture())
    captured = only(Captured, reply)
    assert (captured.amount, captured.final) == (AMOUNT, True)
    assert {report.payment_id for report in reports(reply)} == {reserved.request.payment_id}
    assert {report.provider_reference for report in reports(reply)} == {reserved.provider_reference}
    assert await shop.charges(reserved.request.payment_id) == [AMOUNT]


async def test_part_is_captured_and_the_rest_lapses(shop: Shop) -> None:
    """The fact carries the captured amount, not the authorized one."""
    reserved = await shop.reserve()
    captured = only(Captured, await shop.perform(reserved.capture(PART)))
    assert (captured.amount, captured.final) == (PART, True)
    assert await shop.charges(reserved.request.payment_id) == [PART]


async def test_authorization_is_captured_in_parts(shop: Shop) -> None:
    """Each part is an effect of its own, with a reference of its own."""
    if shop.provider.operations.captures_once:
        pytest.skip("this provider captures once")
    reserved = await shop.reserve()
    first = only(Captured, await shop.perform(reserved.capture(PART, final=False)))
    last = only(Captured, await shop.perform(reserved.capture(REST)))
    assert [(part.amount, part.final) for part in (first, last)] == [(PART, False), (REST, True)]
    assert first.reference != last.reference
    assert await shop.charges(reserved.request.payment_id) == [PART, REST]


async def test_capture_above_the_authorization_is_declined(shop: Shop) -> None:
    """The provider declines. The authorization stays usable, and the engine needs no look-up."""
    reserved = await shop.reserve()
    reply = await shop.perform(reserved.capture(Money(AMOUNT.amount + 1, "EUR")))
    only(Declined, reply)
    assert await shop.charges(reserved.request.payment_id) == []


async def test_authorization_is_canceled(shop: Shop) -> None:
    """The customer's money is released, and nothing of it can be captured."""
    reserved = await shop.reserve()
    reply = await shop.perform(reserved.cancel())
    only(Canceled, reply)
    assert {report.payment_id for report in reports(reply)} == {reserved.request.payment_id}
    assert not found(Captured, await shop.perform(reserved.capture()))
    assert await shop.charges(reserved.request.payment_id) == []


async def test_captured_payment_is_not_canceled(shop: Shop) -> None:
    """A cancellation after the capture must not report success: the money was taken."""
    reserved = await shop.reserve()
    only(Captured, await shop.perform(reserved.capture()))
    reply = await shop.perform(reserved.cancel())
    assert {type(report.fact) for report in reports(reply)} & {Captured, Declined}
    assert not found(Canceled, reply)
    assert await shop.charges(reserved.request.payment_id) == [AMOUNT]
