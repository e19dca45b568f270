"""The guard around adapters. The registry hands out no adapter without it.

An adapter may come from any package. The guard bounds the time of its calls, turns its exceptions
into unknown outcomes, and counts the time that a request spends at the provider.

The circuit breaker decides on operations alone. Look-ups stand outside it: an account whose
look-ups fail still takes payments, and an open breaker delays no outcome that can be learned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar, assert_never

import structlog

from groat.platform.process import timings
from groat.platform.redis.breaker import Breakers
from groat.providers.domain.facts import NotSent
from groat.providers.domain.failures import FailureCode
from groat.providers.port import (
    Answered,
    AuthorizeRequest,
    CancelRequest,
    CaptureRequest,
    Envelope,
    EventPage,
    NotOurs,
    OperationRequest,
    Provider,
    RefundRequest,
    Rejection,
    Reply,
    Unknown,
    Unreadable,
)

_log = structlog.get_logger(__name__)

_GRACE_SECONDS = 2.0
"""Seconds that a call may take beyond the time limit that its adapter keeps by itself."""

_Answer = TypeVar("_Answer")


class AdapterRaised(Unknown):
    """The adapter raised an exception instead of an answer. ``reason`` is its type."""


class GuardedProvider:
    """One account at one provider, behind the guard.

    Operations, look-ups, lists and the reading of webhooks never raise. A failure to verify a
    webhook does: it is answered with 500, and the provider delivers the webhook again.
    """

    def __init__(
        self, provider: Provider, account: str, breakers: Breakers, timeout_seconds: float
    ) -> None:
        self._provider = provider
        self._account = account
        self._breakers = breakers
        self._seconds = timeout_seconds + _GRACE_SECONDS

    @property
    def keeps_keys_for(self) -> timedelta:
        """Time for which the provider answers a repeated idempotency key as before."""
        return self._provider.keeps_keys_for

    @property
    def captures_once(self) -> bool:
        """Whether an authorization can be captured only once."""
        return self._provider.captures_once

    @property
    def lists_events_for(self) -> timedelta:
        """Age of the oldest events that the provider lists; zero if it lists none."""
        return self._provider.lists_events_for

    def method_problem(self, payment_method: str | None, return_url: str | None) -> str | None:
        """Return why the provider does not take a payment method; None if it does."""
        return self._provider.method_problem(payment_method, return_url)

    async def operate(self, request: OperationRequest) -> Reply:
        """Make the call of an operation, unless the circuit breaker is open: then none is sent."""
        if not await self._breakers.allows(self._account):
            return NotSent(FailureCode.PROVIDER_UNREACHABLE, "circuit_open")
        reply = await self._answer(lambda: self._call(request))
        await self._breakers.record(self._account, ok=_has_answered(reply))
        return reply

    async def fetch(self, request: OperationRequest) -> Reply:
        """Look an operation up."""
        return await self._answer(lambda: self._provider.fetch(request))

    async def fetch_capture(self, reference: str) -> Reply | NotOurs:
        """Look up a capture that a webhook names."""
        return await self._answer(lambda: self._provider.fetch_capture(reference))

    async def list_events(
        self, since: datetime, until: datetime, cursor: str | None
    ) -> EventPage | Unknown:
        """Return a page of the provider's list of events."""
        return await self._answer(lambda: self._provider.list_events(since, until, cursor))

    async def interpret_webhook(self, event_type: str, body: bytes) -> Reply | Unreadable | NotOurs:
        """Return the facts of a verified webhook, asking the provider where it must be asked."""
        return await self._answer(lambda: self._provider.interpret_webhook(event_type, body))

    def read_webhook(
        self, event_type: str, body: bytes
    ) -> Answered | Unreadable | NotOurs | AdapterRaised | None:
        """Return the facts of a verified webhook; None if the provider must be asked."""
        try:
            return self._provider.read_webhook(event_type, body)
        except Exception as error:  # noqa: BLE001 - an adapter may raise anything
            return self._raised(error)

    async def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Rejection | None:
        """Return why a webhook is not genuine; None if it is."""
        return await self._provider.verify_webhook(headers, body, now)

    def read_envelope(self, headers: Mapping[str, str], body: bytes) -> Envelope | Rejection:
        """Return the ids of a verified webhook."""
        return self._provider.read_envelope(headers, body)

    async def close(self) -> None:
        """Close the connections of the adapter."""
        await self._provider.close()

    def _call(self, request: OperationRequest) -> Awaitable[Reply]:
        match request:
            case AuthorizeRequest():
                return self._provider.authorize(request)
            case CaptureRequest():
                return self._provider.capture(request)
            case CancelRequest():
                return self._provider.cancel(request)
            case RefundRequest():
                return self._provider.refund(request)
            case _:
                assert_never(request)

    async def _answer(self, call: Callable[[], Awaitable[_Answer]]) -> _Answer | Unknown:
        """Return the answer of a call. The request was perhaps sent, so no error means failure."""
        try:
            with timings.spent_on("provider"):
                async with asyncio.timeout(self._seconds):
                    return await call()
        except Exception as error:  # noqa: BLE001 - an adapter may raise anything
            return self._raised(error)

    def _raised(self, error: Exception) -> AdapterRaised:
        _log.error("adapter_raised", account=self._account, exc_info=error)
        return AdapterRaised(type(error).__name__)


def _has_answered(reply: Reply) -> bool:
    """Return whether the provider answered, be it with a decline."""
    match reply:
        case Answered():
            return True
        case NotSent(code):
            return code is not FailureCode.PROVIDER_UNREACHABLE
        case Unknown():
            return False
