"""Faults: calls that fail or that get no proper answer."""

from __future__ import annotations

import time

import pytest

from groat.providers.conformance.harness import Fault
from groat.providers.conformance.plugin import HASTY_SECONDS
from groat.providers.conformance.shop import AMOUNT, VERBS, Shop, only, wanted
from groat.providers.domain.facts import NotSent
from groat.providers.domain.failures import FailureCode
from groat.providers.port import Answered, Provider, Unknown, perform

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARGIN_SECONDS = 0.4
"""Seconds that a call may exceed its time-out by, on a busy machine."""


def _effect(verb: str) -> list[object]:
    return [] if verb == "cancel" else [AMOUNT]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.UNAVAILABLE])
async def test_lost_call_is_unknown_and_succeeds_when_repeated(
    shop: Shop, verb: str, fault: Fault
) -> None:
    """The adapter cannot know that the call had no effect. ``NotSent`` would allow a fallback."""
    request = await shop.prepare(verb)
    async with shop.under(fault):
        assert isinstance(await perform(shop.provider.operations, request), Unknown)
    assert await shop.effects(request) == []
    only(wanted(request), await shop.settle(request))
    assert await shop.effects(request) == _effect(verb)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.HTML])
async def test_lost_answer_is_unknown_until_looked_up(shop: Shop, verb: str, fault: Fault) -> None:
    """The money has moved. ``Declined`` would lose it, and another key would move it twice."""
    request = await shop.prepare(verb)
    async with shop.under(fault):
        assert isinstance(await perform(shop.provider.operations, request), Unknown)
    assert await shop.effects(request) == _effect(verb)
    only(wanted(request), await shop.settle(request))
    assert await shop.effects(request) == _effect(verb)


@pytest.mark.parametrize("verb", VERBS)
async def test_server_error_is_unknown(shop: Shop, verb: str) -> None:
    """A 500 means that the provider failed, not that the call had no effect."""
    request = await shop.prepare(verb)
    async with shop.under(Fault.BROKEN):
        assert isinstance(await perform(shop.provider.operations, request), Unknown)


@pytest.mark.parametrize("verb", VERBS)
async def test_call_ends_at_its_timeout(shop: Shop, hasty: Provider, verb: str) -> None:
    """A caller waits for the engine, so the engine learns the outcome afterwards."""
    request = await shop.prepare(verb)
    if hasty.lookups is not None:
        await hasty.lookups.fetch(request)  # opens the connection and gets a token if necessary
    async with shop.under(Fault.SLOW):
        started = time.monotonic()
        reply = await perform(hasty.operations, request)
        took = time.monotonic() - started
    assert isinstance(reply, Unknown)
    assert took <= HASTY_SECONDS + MARGIN_SECONDS
    only(wanted(request), await shop.settle(request))
    assert await shop.effects(request) == _effect(verb)


@pytest.mark.parametrize("verb", VERBS)
async def test_rate_limited_call_was_not_sent(shop: Shop, verb: str) -> None:
    """A 429 comes before the provider begins anything. The payment may fall back at once."""
    request = await shop.prepare(verb)
    async with shop.under(Fault.RATE_LIMITED):
        reply = await perform(shop.provider.operations, request)
    assert isinstance(reply, NotSent)
    assert reply.code is FailureCode.RATE_LIMITED
    assert await shop.effects(request) == []


@pytest.mark.parametrize("verb", VERBS)
async def test_call_without_a_connection_was_not_sent(
    shop: Shop, unreachable: Provider, verb: str
) -> None:
    """Without a connection the call had no effect. The payment may fall back at once."""
    request = await shop.prepare(verb)
    reply = await perform(unreachable.operations, request)
    assert isinstance(reply, NotSent)
    assert reply.code is FailureCode.PROVIDER_UNREACHABLE


@pytest.mark.parametrize("verb", VERBS)
async def test_look_up_without_a_connection_reports_nothing(
    shop: Shop, unreachable: Provider, verb: str
) -> None:
    """A look-up that was not sent proves nothing about the operation."""
    if unreachable.lookups is None:
        pytest.skip("the adapter has no look-ups")
    reply = await unreachable.lookups.fetch(await shop.prepare(verb))
    assert not isinstance(reply, Answered) or reply.reports == ()
