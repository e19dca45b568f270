"""The same key twice is one call; another key is another."""

from __future__ import annotations

import asyncio

import pytest

from groat.kernel.value import replace
from groat.providers.conformance.shop import AMOUNT, VERBS, Shop, new_key, only, perform, wanted
from groat.providers.domain.facts import NotSent
from groat.providers.port import Answered, Unknown

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("verb", VERBS)
async def test_the_same_key_has_one_effect_and_one_answer(shop: Shop, verb: str) -> None:
    """The engine makes a call again whenever it did not hear how it ended."""
    request = await shop.prepare(verb)
    first = await perform(shop.provider, request)
    effects = await shop.effects(request)
    only(wanted(request), first)
    assert await perform(shop.provider, request) == first
    assert await shop.effects(request) == effects == ([] if verb == "cancel" else [AMOUNT])


@pytest.mark.parametrize("verb", ["authorize", "refund"])
async def test_the_same_key_at_once_has_one_effect(shop: Shop, verb: str) -> None:
    """Two workers may hold one operation; whichever is turned away must not say that it failed."""
    request = await shop.prepare(verb)
    replies = await asyncio.gather(*(perform(shop.provider, request) for _ in range(4)))
    answers = {reply for reply in replies if isinstance(reply, Answered)}
    assert len(answers) == 1
    only(wanted(request), answers.pop())
    assert all(isinstance(reply, Answered | NotSent | Unknown) for reply in replies)
    assert await shop.effects(request) == [AMOUNT]


async def test_another_key_has_another_effect(shop: Shop) -> None:
    """The key alone makes calls one: two alike, meant as two, are two."""
    request = shop.order()
    await shop.provider.authorize(request)
    await shop.provider.authorize(replace(request, idempotency_key=new_key()))
    assert await shop.charges(request.payment_id) == [AMOUNT, AMOUNT]
