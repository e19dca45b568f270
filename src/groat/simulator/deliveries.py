"""The webhook sender: at least once, in no order, tried again until it is accepted.

The providers spread their tries over three days. This one keeps the three days but shrinks the
pauses, so that a receiver which was down hears from it within seconds of being up again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

import httpx

from groat.simulator.faults import FaultPlan, Faults
from groat.simulator.wire import JsonObject

IN_FLIGHT_MAX = 16
ATTEMPT_SECONDS_MAX = 10
FIRST_PAUSE_SECONDS = 0.2
PAUSE_SECONDS_MAX = 5.0
TRYING_SECONDS_MAX = 3 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Letter:
    """One attempt's body and headers, signed for the moment at which it is sent."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint.

    ``compose`` is called for each attempt, since each has a signature of its own. It returns None
    once the endpoint is gone.
    """

    url: str
    compose: Callable[[], Letter | None]


@dataclass(slots=True)
class Tally:
    """How many events there were, and how the attempts to deliver them ended."""

    events: int = 0
    attempted: int = 0
    acknowledged: int = 0
    refused: int = 0


def retry_pauses() -> Iterator[float]:
    """Yield the seconds to wait after each failed attempt, until three days are over."""
    pause, waited = FIRST_PAUSE_SECONDS, 0.0
    while waited + pause <= TRYING_SECONDS_MAX:
        yield pause
        waited += pause
        pause = min(pause * 2, PAUSE_SECONDS_MAX)


class Courier:
    """Delivers events concurrently. It is stopped by ``aclose``; what is under way is dropped."""

    def __init__(self) -> None:
        self.faults = Faults(FaultPlan())
        self._tally = Tally()
        self._under_way: set[asyncio.Task[None]] = set()
        self._open: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._client = httpx.AsyncClient(timeout=None, trust_env=False)  # noqa: S113 - see _post

    def announce(self, event_id: str, deliveries: Iterable[Delivery]) -> None:
        """Start delivering an event that has just happened; return at once."""
        self._tally.events += 1
        for delivery in deliveries:
            for departure in self.faults.departures():
                self._start(event_id, delivery, departure)

    def open_deliveries(self, event_id: str) -> int:
        """Return how many deliveries of an event have not been accepted yet."""
        return self._open[event_id]

    def render(self) -> JsonObject:
        """Return the tally as JSON. ``pending`` counts deliveries to come, duplicates too."""
        return {**asdict(self._tally), "pending": len(self._under_way)}

    async def aclose(self) -> None:
        """Drop what has not been delivered and close the connections."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._client.aclose()

    def _start(self, event_id: str, delivery: Delivery, departure: float) -> None:
        self._open[event_id] += 1
        task = asyncio.create_task(self._deliver(delivery, departure))
        self._under_way.add(task)
        task.add_done_callback(lambda done: self._end(event_id, done))

    def _end(self, event_id: str, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._open[event_id] -= 1
        if self._open[event_id] == 0:
            del self._open[event_id]

    async def _deliver(self, delivery: Delivery, departure: float) -> None:
        await asyncio.sleep(departure)
        for pause in retry_pauses():
            if await self._attempt(delivery):
                return
            await asyncio.sleep(pause)

    async def _attempt(self, delivery: Delivery) -> bool:
        """Try once; tell whether there is nothing left to do."""
        async with self._slots:
            letter = delivery.compose()
            if letter is None:
                return True
            self._tally.attempted += 1
            accepted = await self._post(delivery.url, letter)
        self._tally.acknowledged += accepted
        self._tally.refused += not accepted
        return accepted

    async def _post(self, url: str, letter: Letter) -> bool:
        """Send once; only 2xx is yes. The limit is for the whole exchange, not for each read."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS_MAX):
                reply = await self._client.post(url, content=letter.body, headers=letter.headers)
        except (httpx.HTTPError, TimeoutError):
            return False
        return reply.is_success
