"""The guard around adapters. The registry hands out no adapter without it.

An adapter may come from any package. The guard bounds the time of its calls, turns its exceptions
into unknown outcomes, and counts the time that a request spends at the provider. It also answers in
place of a capability that the adapter lacks, so no other part of the engine asks which it has.

The circuit breaker decides on operations alone. Look-ups stand outside it: an account whose
look-ups fail still takes payments, and an open breaker delays no outcome that can be learned.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from groat.platform.process import timings
from groat.platform.process.metrics import PROVIDER_CALL_SECONDS
from groat.platform.redis.breaker import Breakers
from groat.providers.domain.facts import NotSent
from groat.providers.domain.failures import FailureCode
from groat.providers.domain.movements import Movement
from groat.providers.domain.payouts import ToldPayout
from groat.providers.port import (
    Answered,
    AuthorizeRequest,
    CancelRequest,
    CaptureRequest,
    Envelope,
    EventPage,
    Explained,
    MovementWindow,
    NotOurs,
    OperationRequest,
    Provider,
    Recheck,
    RefundRequest,
    Rejection,
    Reply,
    ToldBalance,
    Unknown,
    Unreadable,
    perform,
)

_log = structlog.get_logger(__name__)

_GRACE_SECONDS = 2.0
"""Seconds that a call may take beyond the time limit that its adapter keeps by itself."""

_FEED_SECONDS = 120.0
"""Seconds for all pages of a window of movements."""

_Answer = TypeVar("_Answer")


class AdapterRaised(Unknown):
    """The adapter raised an exception instead of an answer. ``reason`` is its type."""


NO_LOOK_UP = Unknown("no_look_up")
"""The look-up at a provider that has none: it proves nothing about the operation."""

NO_WEBHOOKS = Unreadable("the adapter has no webhooks")


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
        return self._provider.operations.keeps_keys_for

    @property
    def captures_once(self) -> bool:
        """Whether an authorization can be captured only once."""
        return self._provider.operations.captures_once

    @property
    def lists_events_for(self) -> timedelta | None:
        """Age of the oldest events that the provider lists; None if it lists none."""
        events = self._provider.event_list
        return None if events is None else events.covers

    def method_problem(self, payment_method: str | None, return_url: str | None) -> str | None:
        """Return why the provider does not take a payment method; None if it does."""
        return self._provider.operations.method_problem(payment_method, return_url)

    async def operate(self, request: OperationRequest) -> Reply:
        """Make the call of an operation, unless the circuit breaker is open: then none is sent."""
        if not await self._breakers.allows(self._account):
            return NotSent(FailureCode.PROVIDER_UNREACHABLE, "circuit_open")
        kind = _OPERATIONS[type(request)]
        reply = await self._answer(kind, lambda: perform(self._provider.operations, request))
        await self._breakers.record(self._account, ok=_has_answered(reply))
        return reply

    async def fetch(self, request: OperationRequest) -> Reply:
        """Look an operation up. Without look-ups, its outcome stays unknown."""
        lookups = self._provider.lookups
        if lookups is None:
            return NO_LOOK_UP
        return await self._answer("look_up", lambda: lookups.fetch(request))

    async def fetch_capture(self, reference: str) -> Reply | NotOurs:
        """Look up a capture that a webhook names. Without look-ups, nothing is learned about it.

        The event then waits for the webhook that reports the capture.
        """
        lookups = self._provider.lookups
        if lookups is None:
            return Answered(())
        return await self._answer("look_up_capture", lambda: lookups.fetch_capture(reference))

    async def list_events(
        self, since: datetime, until: datetime, cursor: str | None
    ) -> EventPage | Unknown:
        """Return a page of the provider's list of events. Without a list, it is empty."""
        events = self._provider.event_list
        if events is None:
            return EventPage((), None)
        return await self._answer("list_events", lambda: events.page(since, until, cursor))

    @property
    def feed_overlap(self) -> timedelta | None:
        """Time that each window of the feed reads again; None without a list of movements."""
        feed = self._provider.movement_feed
        return None if feed is None else feed.overlap

    @property
    def feed_recheck(self) -> Recheck | None:
        """The part of the list that is read again at times; None without a list of movements."""
        feed = self._provider.movement_feed
        return None if feed is None else feed.recheck

    async def read_movements(self, since: datetime, until: datetime) -> MovementWindow | Unknown:
        """Read a window of the provider's list of movements."""
        feed = self._provider.movement_feed
        if feed is None:
            return MovementWindow((), since)
        return await self._answer("read_movements", lambda: feed.read(since, until), _FEED_SECONDS)

    async def balances(self, at: datetime) -> Mapping[str, ToldBalance] | Unknown:
        """Return the provider's balances. Without a feed, they are unknown."""
        feed = self._provider.movement_feed
        if feed is None:
            return Unknown("no_movement_feed")
        return await self._answer("balances", lambda: feed.balances(at), _FEED_SECONDS)

    async def payout(self, reference: str) -> ToldPayout | Unknown | None:
        """Return a payout as the provider shows it. Without its book, it is not known there."""
        book = self._provider.payout_book
        if book is None:
            return None
        return await self._answer("payout", lambda: book.payout(reference), _FEED_SECONDS)

    async def explain(self, movement: Movement) -> Explained | Unknown:
        """Ask the provider for the payment that a movement belongs to, and for its facts."""
        feed = self._provider.movement_feed
        if feed is None:
            return Unknown("no_movement_feed")
        return await self._answer("explain", lambda: feed.explain(movement))

    async def interpret_webhook(self, event_type: str, body: bytes) -> Reply | Unreadable | NotOurs:
        """Return the facts of a verified webhook, asking the provider where it must be asked."""
        webhooks = self._provider.webhooks
        if webhooks is None:
            return NO_WEBHOOKS
        return await self._answer("read_webhook", lambda: webhooks.interpret(event_type, body))

    def read_webhook(
        self, event_type: str, body: bytes
    ) -> Answered | Unreadable | NotOurs | AdapterRaised | None:
        """Return the facts of a verified webhook; None if the provider must be asked."""
        webhooks = self._provider.webhooks
        if webhooks is None:
            return NO_WEBHOOKS
        try:
            return webhooks.read(event_type, body)
        except Exception as error:  # noqa: BLE001 - an adapter may raise anything
            return self._raised(error)

    async def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> Envelope | Rejection:
        """Return the ids of a genuine webhook, or the reason to reject it."""
        webhooks = self._provider.webhooks
        if webhooks is None:
            return Rejection.NOT_SUPPORTED
        return await webhooks.verify(headers, body, now) or webhooks.envelope(headers, body)

    async def close(self) -> None:
        """Close the connections of the adapter."""
        await self._provider.close()

    async def _answer(
        self,
        operation: str,
        call: Callable[[], Awaitable[_Answer]],
        limit_seconds: float | None = None,
    ) -> _Answer | Unknown:
        """Return the answer of a call, and measure and log the call."""
        started = time.perf_counter()
        with timings.spent_on("provider"):
            answer = await self._answer_in_time(call, limit_seconds or self._seconds)
        seconds, outcome = time.perf_counter() - started, _outcome(answer)
        PROVIDER_CALL_SECONDS.labels(self._account, operation, outcome).observe(seconds)
        _log.info(
            "provider_call",
            account=self._account,
            operation=operation,
            outcome=outcome,
            ms=round(1000 * seconds, 1),
        )
        return answer

    async def _answer_in_time(
        self, call: Callable[[], Awaitable[_Answer]], limit_seconds: float
    ) -> _Answer | Unknown:
        """Return the answer of a call. The request was perhaps sent, so no error means failure."""
        try:
            async with asyncio.timeout(limit_seconds):
                return await call()
        except Exception as error:  # noqa: BLE001 - an adapter may raise anything
            return self._raised(error)

    def _raised(self, error: Exception) -> AdapterRaised:
        _log.error("adapter_raised", account=self._account, exc_info=error)
        return AdapterRaised(type(error).__name__)


_OPERATIONS: Mapping[type[OperationRequest], str] = {
    AuthorizeRequest: "authorize",
    CaptureRequest: "capture",
    CancelRequest: "cancel",
    RefundRequest: "refund",
}


def _outcome(answer: object) -> str:
    """Return the outcome of a call, for metrics and log lines."""
    match answer:
        case NotSent():
            return "not_sent"
        case AdapterRaised():
            return "raised"
        case Unknown():
            return "unknown"
        case _:
            return "answered"


def _has_answered(reply: Reply) -> bool:
    """Return whether the provider answered, be it with a decline."""
    match reply:
        case Answered():
            return True
        case NotSent(code):
            return code is not FailureCode.PROVIDER_UNREACHABLE
        case Unknown():
            return False
