"""Two processes hold one operation: one was asleep when the other took it over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import pytest

from groat.providers.domain.facts import NotSent, Report, RequiresAction
from groat.providers.domain.failures import FailureCode
from groat.providers.paypal.lookups import PayPalLookups
from groat.providers.paypal.operations import PayPalOperations
from groat.providers.port import Answered, Reply, Unknown
from groat.providers.stripe.operations import StripeOperations
from tests.support.payments import PROVIDERS, pay, waiting
from tests.support.soundness import assert_sound
from tests.support.world import World

ADAPTERS = {"stripe": StripeOperations, "paypal": PayPalOperations}
Call = Callable[[Any, Any], Awaitable[Reply]]


@asynccontextmanager
async def asleep(world: World, provider: str, method: str) -> AsyncIterator[None]:
    """Let the first call sleep until a worker has made it and lost the answer, and not be sent."""
    real: Call = getattr(ADAPTERS[provider], method)
    calls = 0

    async def call(adapter: object, request: object) -> Reply:
        nonlocal calls
        calls += 1
        if calls == 1:
            await world.make_due()
            await world.engine.recovery.recover_batch()
            return NotSent(FailureCode.PROVIDER_UNREACHABLE, "ConnectError")
        await real(adapter, request)
        return Unknown("timeout")

    with patch.object(ADAPTERS[provider], method, call):
        yield


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_caller_that_wakes_late_does_not_fail_a_payment(
    world: World, provider: str
) -> None:
    wallet = await world.wallet()
    async with asleep(world, provider, "authorize"):
        payment = await pay(world, wallet, provider)
    assert payment["status"] == "processing"
    await world.settle()
    assert (await world.payment(payment["id"]))["status"] == "succeeded"
    assert len(await world.site(provider).charges()) == 1
    assert await world.balance(wallet) == 1050
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_caller_that_wakes_late_does_not_release_the_hold_of_a_refund(
    world: World, provider: str
) -> None:
    wallet = await world.wallet()
    payment = await pay(world, wallet, provider)
    async with asleep(world, provider, "refund"):
        assert (await world.refund(payment))["status"] == "pending"
    await world.settle()
    assert (await world.payment(payment["id"]))["refunded"] == 1050
    assert len(await world.site(provider).really("refunds")) == 1
    assert await world.balance(wallet) == 0
    await assert_sound(world)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_lost_cancellation_of_a_waiting_payment_is_repeated(
    world: World, provider: str
) -> None:
    payment = await waiting(world, provider)
    with patch.object(ADAPTERS[provider], "cancel", _lost):
        assert (await world.command(payment, "cancel"))["status"] == "requires_action"
    await world.settle()
    found = await world.payment(payment["id"])
    assert found["status"] == "canceled"
    assert {one["outcome"] for one in found["operations"]} == {"failed", "succeeded"}
    await assert_sound(world)


async def _lost(_adapter: object, _request: object) -> Reply:
    return Unknown("timeout")


async def test_a_payment_approved_during_an_open_cancellation_is_completed(
    world: World,
) -> None:
    payment = await waiting(world, "paypal")
    with patch.object(PayPalOperations, "cancel", _lost):
        await world.command(payment, "cancel")
    await world.paypal.pull("approve", payment)
    for _ in range(2):
        await world.settle()
    found = await world.payment(payment["id"])
    assert {one["outcome"] for one in found["operations"]} == {"declined", "succeeded"}
    assert (found["status"], len(await world.paypal.charges())) == ("succeeded", 1)
    await assert_sound(world)


async def test_an_outdated_lookup_does_not_let_an_approved_payment_be_canceled(
    world: World,
) -> None:
    payment = await waiting(world, "paypal")
    await world.paypal.pull("approve", payment)
    real = PayPalOperations.authorize

    async def meanwhile_canceled(adapter: PayPalOperations, request: Any) -> Reply:
        reference = request.provider_reference
        stale = Report(request.payment_id, reference, RequiresAction("https://x.example/"))
        with patch.object(PayPalLookups, "fetch", _answering(Answered((stale,)))):
            await world.make_due()
            await world.engine.recovery.recover_batch()
        await world.ask(f"payments/{payment['id']}/cancel")
        return await real(adapter, request)

    with patch.object(PayPalOperations, "authorize", meanwhile_canceled):
        await world.make_due()
        await world.engine.recovery.recover_batch()
    await world.settle()
    found = await world.payment(payment["id"])
    assert (found["status"], len(await world.paypal.charges())) == ("succeeded", 1)
    assert await world.balance(payment["beneficiary"]) == 1050
    await assert_sound(world)


def _answering(reply: Reply) -> Call:
    async def fetch(_adapter: object, _request: object) -> Reply:
        return reply

    return fetch
