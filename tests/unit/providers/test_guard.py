"""The guard: an adapter may raise, hang or fail, and the engine gets an answer each time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast
from unittest.mock import Mock

import pytest

from groat.kernel import ids
from groat.kernel.clock import SystemClock
from groat.kernel.ids import PaymentId, RefundId
from groat.kernel.money import Money
from groat.platform.redis.breaker import Breakers
from groat.platform.redis.circuit import BreakerPolicy
from groat.providers import guard
from groat.providers.domain.facts import NotSent
from groat.providers.domain.failures import FailureCode
from groat.providers.guard import AdapterRaised, GuardedProvider
from groat.providers.port import (
    Answered,
    AuthorizeRequest,
    CancelRequest,
    CaptureRequest,
    EventPage,
    OperationRequest,
    Provider,
    RefundRequest,
    Rejection,
    Unknown,
    Unreadable,
)

PAYMENT, AMOUNT = PaymentId(ids.uuid7()), Money(1050, "EUR")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
REQUESTS: dict[str, OperationRequest] = {
    "authorize": AuthorizeRequest("key", PAYMENT, AMOUNT, "pm_1"),
    "capture": CaptureRequest(
        "key", PAYMENT, AMOUNT, final=True, provider_reference="p", authorization_reference="a"
    ),
    "cancel": CancelRequest("key", PAYMENT, "p", "a"),
    "refund": RefundRequest("key", PAYMENT, RefundId(ids.uuid7()), AMOUNT, "p", "c"),
}


HANGS = object()
"""The answer of an adapter that never answers."""


class Adapter(Provider):
    """Does the same in every call of every capability, and counts the calls."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[str] = []
        self.operations = self.lookups = self.webhooks = self.event_list = cast("Any", self)

    async def close(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        async def call(*_arguments: object) -> Any:
            self.calls.append(name)
            if isinstance(self.answer, Exception):
                raise self.answer
            if self.answer is HANGS:
                await asyncio.Event().wait()
            return self.answer

        return call


def guarded(adapter: Adapter, failures: int = 2) -> GuardedProvider:
    breakers = Breakers(None, Mock(), SystemClock(), BreakerPolicy(failures=failures))
    return GuardedProvider(adapter, "account", breakers, 10.0)


@pytest.mark.parametrize("name", REQUESTS)
async def test_an_operation_that_raises_has_an_unknown_outcome(name: str) -> None:
    adapter = Adapter(ValueError("hunter2"))
    assert await guarded(adapter).operate(REQUESTS[name]) == AdapterRaised("ValueError")
    assert adapter.calls == [name]


async def test_an_operation_that_raises_before_it_awaits_has_an_unknown_outcome() -> None:
    adapter = Mock()
    adapter.lookups.fetch.side_effect = KeyError("id")
    provider = GuardedProvider(adapter, "account", Mock(), 10.0)
    assert await provider.fetch(REQUESTS["authorize"]) == AdapterRaised("KeyError")


async def test_every_lookup_that_raises_is_unknown() -> None:
    provider = guarded(Adapter(ValueError("hunter2")))
    answers = [
        await provider.fetch(REQUESTS["authorize"]),
        await provider.fetch_capture("c"),
        await provider.list_events(NOW, NOW, None),
        await provider.interpret_webhook("x.y", b"{}"),
    ]
    assert answers == [AdapterRaised("ValueError")] * 4


async def test_an_unreadable_webhook_differs_from_an_unknown_outcome() -> None:
    adapter = Mock()
    adapter.webhooks.read.side_effect = KeyError("id")
    provider = GuardedProvider(adapter, "account", Mock(), 10.0)
    assert provider.read_webhook("x.y", b"{}") == AdapterRaised("KeyError")


async def test_an_endless_call_times_out_with_an_unknown_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "_GRACE_SECONDS", -9.99)
    reply = await guarded(Adapter(HANGS)).operate(REQUESTS["capture"])
    assert reply == AdapterRaised("TimeoutError")


async def test_an_open_breaker_refuses_operations_and_allows_lookups() -> None:
    adapter = Adapter(Unknown("timeout"))
    provider = guarded(adapter, failures=2)
    for _ in range(2):
        await provider.operate(REQUESTS["authorize"])
    kept_back = await provider.operate(REQUESTS["authorize"])
    assert kept_back == NotSent(FailureCode.PROVIDER_UNREACHABLE, "circuit_open")
    assert adapter.calls == ["authorize"] * 2
    adapter.answer = Answered(())
    assert await provider.fetch(REQUESTS["authorize"]) == Answered(())


async def test_failed_lookups_do_not_open_the_breaker() -> None:
    adapter = Adapter(Unknown("status 403"))
    provider = guarded(adapter, failures=2)
    for _ in range(5):
        await provider.fetch(REQUESTS["authorize"])
    adapter.answer = Answered(())
    assert await provider.operate(REQUESTS["authorize"]) == Answered(())


class Bare(Provider):
    """Has the operations alone."""

    def __init__(self) -> None:
        self.operations = Mock()

    async def close(self) -> None:
        pass


async def test_the_guard_answers_for_a_capability_that_the_adapter_lacks() -> None:
    provider = GuardedProvider(Bare(), "account", Mock(), 10.0)
    assert provider.lists_events_for is None
    assert await provider.list_events(NOW, NOW, None) == EventPage((), None)
    assert await provider.verify_webhook({}, b"{}", NOW) is Rejection.NOT_SUPPORTED
    assert isinstance(provider.read_webhook("x.y", b"{}"), Unreadable)
    assert isinstance(await provider.interpret_webhook("x.y", b"{}"), Unreadable)


async def test_without_lookups_an_outcome_stays_unknown() -> None:
    provider = GuardedProvider(Bare(), "account", Mock(), 10.0)
    for request in REQUESTS.values():
        assert await provider.fetch(request) == Unknown("no_look_up")
    assert await provider.fetch_capture("c") == Answered(())
