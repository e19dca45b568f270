"""Read events with the adapter of their provider account, which may call the provider."""

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
from groat.providers.port import FOREIGN, Answered, NotOurs, Reply, Unknown, Unreadable
from groat.providers.registry import ProviderRegistry

_log = structlog.get_logger(__name__)

_ANSWER_SECONDS = 18.0
"""Maximum seconds for all provider calls that the reading of one event needs."""
CALLS_AT_ONCE = 16
"""Maximum concurrent calls to one provider account.

The limit is separate for each account, so a provider that does not answer blocks no other account.
"""


class Poison(Value):
    """The event makes its adapter or the engine fail in an unforeseen way."""

    reason: str


Reading: TypeAlias = Reply | Unreadable | NotOurs | Poison

Call: TypeAlias = Callable[[GuardedProvider], Awaitable[Reply | Unreadable | NotOurs]]
"""A question to a provider about an event."""


class Interpreter:
    """Reads events. A failure to read one event never affects another event."""

    def __init__(self, providers: ProviderRegistry) -> None:
        self._providers = providers
        self._calls = WeakValueDictionary[ProviderAccountId, asyncio.Semaphore]()

    def read_at_once(self, event: ClaimedEvent) -> Reading | None:
        """Return the event's reading if it needs no provider call, else None: see ``read``."""
        provider = self._providers.kept(event.merchant_id, event.provider_account_id)
        if provider is None:
            return None
        reading = provider.read_webhook(event.event_type, event.body)
        return None if reading is None else _reading(reading)

    async def read(self, event: ClaimedEvent) -> Reading:
        """Read an event, with provider calls if needed. For a time limit, see ``in_time``."""
        return await self._ask(
            event, lambda provider: provider.interpret_webhook(event.event_type, event.body)
        )

    async def with_captures(self, event: ClaimedEvent, answered: Answered) -> Reading:
        """Fetch the captures that an event names, and return their facts before the event's own.

        An event that names only captures of another system is foreign.
        """
        known: list[Report] = []
        foreign: set[str] = set()
        captures = {
            report.capture_reference for report in answered.reports if report.payment_id is None
        }
        for capture in filter(None, captures):
            found = await self._capture(event, capture)
            match found:
                case Answered(reports):
                    known += reports
                case NotOurs():
                    foreign.add(capture)
                case _:
                    return found
        ours = [report for report in answered.reports if report.capture_reference not in foreign]
        return Answered((*known, *ours)) if ours else FOREIGN

    async def _capture(self, event: ClaimedEvent, reference: str) -> Reading:
        """Fetch a capture that ``event`` names."""
        return await self._ask(event, lambda provider: provider.fetch_capture(reference))

    async def _ask(self, event: ClaimedEvent, call: Call) -> Reading:
        """Ask the provider of ``event``. An error concerns this event alone."""
        try:
            async with self._turn(event.provider_account_id):
                provider = await self._providers.get(event.merchant_id, event.provider_account_id)
                return _reading(await call(provider))
        except Exception as error:  # noqa: BLE001 - for example, credentials that cannot be opened
            _log.warning("webhook_not_interpreted", event_type=event.event_type, exc_info=error)
            return Unknown(type(error).__name__)

    def _turn(self, account_id: ProviderAccountId) -> asyncio.Semaphore:
        """Return the semaphore of an account's calls. It exists as long as a call uses it."""
        return self._calls.setdefault(account_id, asyncio.Semaphore(CALLS_AT_ONCE))


async def in_time(reading: Awaitable[Reading]) -> Reading:
    """Return the reading, or ``Unknown`` if it takes longer than ``_ANSWER_SECONDS``."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await reading
    except TimeoutError as error:
        _log.warning("webhook_not_interpreted", reason="timeout")
        return Unknown(type(error).__name__)


def _reading(answer: Reply | Unreadable | NotOurs) -> Reading:
    return Poison(answer.reason) if isinstance(answer, AdapterRaised) else answer
