"""What an event says, by the adapter of its provider account: some of it has to be asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from weakref import WeakValueDictionary

import structlog

from groat.inbox.domain.event import ClaimedEvent
from groat.kernel.ids import ProviderAccountId
from groat.kernel.value import Value
from groat.providers.domain.facts import Report
from groat.providers.guard import AdapterRaised, GuardedProvider
from groat.providers.port import (
    FOREIGN,
    Answered,
    NotOurs,
    Reply,
    Unknown,
    Unreadable,
)
from groat.providers.registry import ProviderRegistry

_log = structlog.get_logger(__name__)

_ANSWER_SECONDS = 18.0
"""For all that has to be asked because of one event."""
CALLS_AT_ONCE = 16
"""For each provider account: one that does not answer takes nobody else's turn."""


class Poison(Value):
    """The event makes its adapter, or us, fail in a way that nobody foresaw."""

    reason: str


Reading: TypeAlias = Reply | Unreadable | NotOurs | Poison

Call: TypeAlias = Callable[[GuardedProvider], Awaitable[Reply | Unreadable | NotOurs]]
"""A question to a provider about an event."""


class Interpreter:
    """Reads events. Whatever goes wrong with one is its own trouble alone."""

    def __init__(self, providers: ProviderRegistry) -> None:
        self._providers = providers
        self._calls = WeakValueDictionary[ProviderAccountId, asyncio.Semaphore]()

    def read_at_once(self, event: ClaimedEvent) -> Reading | None:
        """Return what ``event`` says, or None if that takes an answer of somebody: see ``read``."""
        provider = self._providers.kept(event.merchant_id, event.provider_account_id)
        if provider is None:
            return None
        reading = provider.read_webhook(event.event_type, event.body)
        return None if reading is None else _reading(reading)

    async def read(self, event: ClaimedEvent) -> Reading:
        """Return what ``event`` says. Its provider may have to be asked: see ``in_time``."""
        return await self._ask(
            event, lambda provider: provider.interpret_webhook(event.event_type, event.body)
        )

    async def with_captures(self, event: ClaimedEvent, said: Answered) -> Reading:
        """Return what ``event`` says, after what the provider knows of the captures that it names.

        An event that names nothing but captures of another system's is none of ours.
        """
        known: list[Report] = []
        foreign: set[str] = set()
        captures = {one.capture_reference for one in said.reports if one.payment_id is None}
        for capture in filter(None, captures):
            found = await self._capture(event, capture)
            match found:
                case Answered(reports):
                    known += reports
                case NotOurs():
                    foreign.add(capture)
                case _:
                    return found
        ours = [one for one in said.reports if one.capture_reference not in foreign]
        return Answered((*known, *ours)) if ours else FOREIGN

    async def _capture(self, event: ClaimedEvent, reference: str) -> Reading:
        """Return what the provider knows of a capture that ``event`` names."""
        return await self._ask(event, lambda provider: provider.fetch_capture(reference))

    async def _ask(self, event: ClaimedEvent, call: Call) -> Reading:
        """Ask the provider of ``event``. Errors concern this event alone."""
        try:
            async with self._turn(event.provider_account_id):
                provider = await self._providers.get(event.merchant_id, event.provider_account_id)
                return _reading(await call(provider))
        except Exception as error:  # noqa: BLE001 - such as credentials that cannot be opened
            _log.warning("webhook_not_interpreted", event_type=event.event_type, exc_info=error)
            return Unknown(type(error).__name__)

    def _turn(self, account_id: ProviderAccountId) -> asyncio.Semaphore:
        """Return what calls of an account wait for. It is there as long as any of them is."""
        return self._calls.setdefault(account_id, asyncio.Semaphore(CALLS_AT_ONCE))


async def in_time(reading: Awaitable[Reading]) -> Reading:
    """Return what an event says, or after ``_ANSWER_SECONDS`` that it could not be learned."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await reading
    except TimeoutError as error:
        _log.warning("webhook_not_interpreted", reason="timeout")
        return Unknown(type(error).__name__)


def _reading(answer: Reply | Unreadable | NotOurs) -> Reading:
    return Poison(answer.reason) if isinstance(answer, AdapterRaised) else answer
