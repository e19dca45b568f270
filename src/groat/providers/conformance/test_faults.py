"""Calls that are not answered as they should be."""

from __future__ import annotations

import time

import pytest

from groat.providers.conformance.harness import Fault
from groat.providers.conformance.plugin import HASTY_SECONDS
from groat.providers.conformance.shop import AMOUNT, VERBS, Shop, only, perform, wanted
from groat.providers.domain.facts import NotSent
from groat.providers.domain.failures import FailureCode
from groat.providers.port import Answered, Provider, Unknown

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARGIN_SECONDS = 0.4
"""How much longer than its timeout a call may take, on a busy machine."""


def _effect(verb: str) -> list[object]:
    return [] if verb == "cancel" else [AMOUNT]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.UNAVAILABLE])
async def test_a_call_that_was_lost_is_unknown_and_is_made_again(
    shop: Shop, verb: str, fault: Fault
) -> None:
    """Nobody can tell that it was lost; called *not sent*, it would go to a second provider."""
    request = await shop.prepare(verb)
    async with shop.under(fault):
        assert isinstance(await perform(shop.provider, request), Unknown)
    assert await shop.effects(request) == []
    only(wanted(request), await shop.settle(request))
    assert await shop.effects(request) == _effect(verb)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.HTML])
async def test_an_answer_that_was_lost_is_unknown_and_is_learned(
    shop: Shop, verb: str, fault: Fault
) -> None:
    """The money has moved: *failed* would lose it, and another key would move it twice."""
    request = await shop.prepare(verb)
    async with shop.under(fault):
        assert isinstance(await perform(shop.provider, request), Unknown)
    assert await shop.effects(request) == _effect(verb)
    only(wanted(request), await shop.settle(request))
    assert await shop.effects(request) == _effect(verb)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_server_error_is_unknown(shop: Shop, verb: str) -> None:
    """A 500 says that something went wrong there, not that nothing happened."""
    request = await shop.prepare(verb)
    async with shop.under(Fault.BROKEN):
        assert isinstance(await perform(shop.provider, request), Unknown)


@pytest.mark.parametrize("verb", VERBS)
async def test_an_answer_is_not_waited_for_beyond_the_timeout(
    shop: Shop, hasty: Provider, verb: str
) -> None:
    """A caller waits at the other end; how the call ended is learned afterwards."""
    request = await shop.prepare(verb)
    await hasty.fetch(request)  # so that whatever has to be opened first is open
    async with shop.under(Fault.SLOW):
        started = time.monotonic()
        reply = await perform(hasty, request)
        took = time.monotonic() - started
    assert isinstance(reply, Unknown)
    assert took <= HASTY_SECONDS + MARGIN_SECONDS
    only(wanted(request), await shop.settle(request))
    assert await shop.effects(request) == _effect(verb)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_call_that_was_turned_away_was_not_sent(shop: Shop, verb: str) -> None:
    """A 429 is said before anything is begun: the payment may go elsewhere at once."""
    request = await shop.prepare(verb)
    async with shop.under(Fault.RATE_LIMITED):
        reply = await perform(shop.provider, request)
    assert isinstance(reply, NotSent)
    assert reply.code is FailureCode.RATE_LIMITED
    assert await shop.effects(request) == []


@pytest.mark.parametrize("verb", VERBS)
async def test_a_call_that_reached_nobody_was_not_sent(
    shop: Shop, unreachable: Provider, verb: str
) -> None:
    """Where nobody listens nothing has happened: the payment may go elsewhere at once."""
    request = await shop.prepare(verb)
    reply = await perform(unreachable, request)
    assert isinstance(reply, NotSent)
    assert reply.code is FailureCode.PROVIDER_UNREACHABLE


@pytest.mark.parametrize("verb", VERBS)
async def test_a_look_up_that_reached_nobody_tells_nothing(
    shop: Shop, unreachable: Provider, verb: str
) -> None:
    """That the question was not heard says nothing about the call that it was about."""
    reply = await unreachable.fetch(await shop.prepare(verb))
    assert not isinstance(reply, Answered) or reply.reports == ()
