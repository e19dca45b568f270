"""Idempotency keys: calls with the same key have one effect, and another key has another."""

from __future__ import annotations

import asyncio

import pytest

from groat.kernel.value import replace
from groat.providers.conformance.shop import AMOUNT, VERBS, Shop, new_key, only, wanted
from groat.providers.domain.facts import NotSent
from groat.providers.port import Answered, Unknown, perform

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("verb", VERBS)
async def test_same_key_has_one_effect_and_one_answer(shop: Shop, verb: str) -> None:
    """The engine repeats a call whose outcome it does not know."""
    request = await shop.prepare(verb)
    first = await shop.perform(request)
    effects = await shop.effects(request)
    only(wanted(request), first)
    assert await shop.perform(request) == first
    assert await shop.effects(request) == effects == ([] if verb == "cancel" else [AMOUNT])


@pytest.mark.parametrize("verb", ["authorize", "refund"])
async def test_concurrent_calls_with_the_same_key_have_one_effect(shop: Shop, verb: str) -> None:
    """Two workers may make the same call at once. The rejected one must not report a failure."""
    request = await shop.prepare(verb)
    operations = shop.provider.operations
    replies = await asyncio.gather(*(perform(operations, request) for _ in range(4)))
    first, *others = [reply for reply in replies if isinstance(reply, Answered)]
    assert all(other == first for other in others)
    only(wanted(request), await shop.outcome(request, first))
    assert all(isinstance(reply, Answered | NotSent | Unknown) for reply in replies)
    assert await shop.effects(request) == [AMOUNT]


async def test_another_key_has_another_effect(shop: Shop) -> None:
    """Only the key identifies a call. Two equal requests with different keys are two calls."""
    request = shop.order()
    await shop.perform(request)
    await shop.perform(replace(request, idempotency_key=new_key()))
    assert await shop.charges(request.payment_id) == [AMOUNT, AMOUNT]
