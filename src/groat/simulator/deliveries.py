"""The webhook sender: at least once, in no order, tried again until it is accepted.

The providers spread their tries over three days. This one keeps the three days but shrinks the
pauses, so that a receiver which was down hears from it within seconds of being up again.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import httpx

from groat.simulator.faults import Course, FaultPlan, Faults, Signing
from groat.simulator.wire import JsonObject

IN_FLIGHT_MAX = 16
ATTEMPT_SECONDS_MAX = 10
FIRST_PAUSE_SECONDS = 0.2
PAUSE_SECONDS_MAX = 5.0
TRYING_SECONDS_MAX = 3 * 24 * 3600
REMEMBERED_MAX = 200
"""How many of the latest deliveries are remembered, to be shown."""


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
    compose: Callable[[Signing], Letter | None]


@dataclass(slots=True)
class DeliveryTally:
    """How many events there were, and how the attempts to deliver them ended.

    ``dropped`` are events that the fault plan kept from everyone, and ``ignored`` are those of the
    acknowledgments that it took for nothing.
    """

    events: int = 0
    dropped: int = 0
    attempted: int = 0
    acknowledged: int = 0
    ignored: int = 0
    refused: int = 0


@dataclass(slots=True)
class Passage:
    """How a delivery has fared so far. ``last`` is what came of the latest attempt."""

    event_id: str
    event_type: str
    url: str
    status: Literal["under way", "acknowledged", "dropped", "endpoint gone", "given up"]
    attempts: int = 0
    last: str = ""


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
        self.latest: deque[Passage] = deque(maxlen=REMEMBERED_MAX)
        self._tally = DeliveryTally()
        self._under_way: set[asyncio.Task[None]] = set()
        self._open: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._client = httpx.AsyncClient(timeout=None, trust_env=False)  # noqa: S113 - see _post

    def announce(self, event_id: str, event_type: str, deliveries: Sequence[Delivery]) -> None:
        """Start delivering an event that has just happened; return at once."""
        self._tally.events += 1
        if self.faults.drops():
            self._drop(event_id, event_type, deliveries)
            return
        for delivery in deliveries:
            for course in self.faults.courses():
                passage = Passage(event_id, event_type, delivery.url, "under way")
                self._start(passage, delivery, course)

    def open_deliveries(self, event_id: str) -> int:
        """Return how many deliveries of an event have not been accepted."""
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

    def _drop(self, event_id: str, event_type: str, deliveries: Sequence[Delivery]) -> None:
        self._tally.dropped += 1
        for delivery in deliveries:
            self._open[event_id] += 1
            self.latest.append(Passage(event_id, event_type, delivery.url, "dropped"))

    def _start(self, passage: Passage, delivery: Delivery, course: Course) -> None:
        self._open[passage.event_id] += 1
        self.latest.append(passage)
        task = asyncio.create_task(self._deliver(passage, delivery, course))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, passage: Passage, delivery: Delivery, course: Course) -> None:
        await asyncio.sleep(course.departure)
        for pause in retry_pauses():
            if await self._attempt(passage, delivery, course):
                self._close(passage.event_id)
                return
            await asyncio.sleep(pause)
        passage.status = "given up"

    def _close(self, event_id: str) -> None:
        self._open[event_id] -= 1
        if self._open[event_id] == 0:
            del self._open[event_id]

    async def _attempt(self, passage: Passage, delivery: Delivery, course: Course) -> bool:
        """Try once; tell whether there is nothing left to do."""
        async with self._slots:
            letter = delivery.compose(self.faults.signing(course))
            if letter is None:
                passage.status = "endpoint gone"
                return True
            self._tally.attempted += 1
            passage.attempts += 1
            reply = await self._post(delivery.url, letter)
        passage.last = "no answer" if reply is None else str(reply.status_code)
        if reply is None or not reply.is_success:
            self._tally.refused += 1
            return False
        return self._accepts(passage, course)

    def _accepts(self, passage: Passage, course: Course) -> bool:
        """Take an acknowledgment for what it is, unless the plan has it ignored."""
        self._tally.acknowledged += 1
        if self.faults.ignores_ack(course):
            self._tally.ignored += 1
            passage.last += ", ignored"
            return False
        passage.status = "acknowledged"
        return True

    async def _post(self, url: str, letter: Letter) -> httpx.Response | None:
        """Send once; only 2xx is yes. The limit is for the whole exchange, not for each read."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS_MAX):
                return await self._client.post(url, content=letter.body, headers=letter.headers)
        except (httpx.HTTPError, TimeoutError):
            return None
