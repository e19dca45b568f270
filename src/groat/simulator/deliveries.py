"""The webhook sender: it delivers at least once, in no order, and retries until an acknowledgment.

Providers spread their attempts over three days. This sender retries for three days too, but with
shorter pauses, so that a receiver gets its deliveries within seconds after an outage.
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
"""Maximum attempts under way at once."""

ATTEMPT_SECONDS_MAX = 10
"""Maximum seconds that an attempt may take."""

FIRST_PAUSE_SECONDS = 0.2
"""Seconds between the first attempt and the second. Each further pause is twice as long."""

PAUSE_SECONDS_MAX = 5.0
"""Maximum seconds between two attempts."""

TRYING_SECONDS_MAX = 3 * 24 * 3600
"""Seconds after which a delivery is given up."""

REMEMBERED_MAX = 200
"""Maximum latest deliveries kept for display."""


@dataclass(frozen=True, slots=True)
class Letter:
    """The body and headers of one attempt, signed with the time of the attempt."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of one event to one endpoint.

    ``compose`` is called for each attempt, because each attempt has its own signature. It returns
    None if the endpoint was deleted.
    """

    url: str
    compose: Callable[[Signing], Letter | None]


@dataclass(slots=True)
class DeliveryTally:
    """Counts the events, and the attempts to deliver them by their results.

    ``dropped`` counts the events that the fault plan did not deliver. ``ignored`` counts the
    acknowledgments that the fault plan ignored.
    """

    events: int = 0
    dropped: int = 0
    attempted: int = 0
    acknowledged: int = 0
    ignored: int = 0
    refused: int = 0


@dataclass(slots=True)
class Passage:
    """The progress of a delivery. ``last`` is the result of its latest attempt."""

    event_id: str
    event_type: str
    url: str
    status: Literal["under way", "acknowledged", "dropped", "endpoint gone", "given up"]
    attempts: int = 0
    last: str = ""


def retry_pauses() -> Iterator[float]:
    """Yield the seconds to wait after each failed attempt, for three days in all."""
    pause, waited = FIRST_PAUSE_SECONDS, 0.0
    while waited + pause <= TRYING_SECONDS_MAX:
        yield pause
        waited += pause
        pause = min(pause * 2, PAUSE_SECONDS_MAX)


class Courier:
    """Delivers events concurrently. ``aclose`` stops it and drops unfinished deliveries."""

    def __init__(self) -> None:
        self.faults = Faults(FaultPlan())
        self.latest: deque[Passage] = deque(maxlen=REMEMBERED_MAX)
        self._tally = DeliveryTally()
        self._under_way: set[asyncio.Task[None]] = set()
        self._open: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._client = httpx.AsyncClient(timeout=None, trust_env=False)  # noqa: S113 - see _post

    def announce(self, event_id: str, event_type: str, deliveries: Sequence[Delivery]) -> None:
        """Start the deliveries of a new event, and return at once."""
        self._tally.events += 1
        if self.faults.drops():
            self._drop(event_id, event_type, deliveries)
            return
        for delivery in deliveries:
            for course in self.faults.courses():
                passage = Passage(event_id, event_type, delivery.url, "under way")
                self._start(passage, delivery, course)

    def open_deliveries(self, event_id: str) -> int:
        """Return the number of an event's deliveries that are not acknowledged."""
        return self._open[event_id]

    def render(self) -> JsonObject:
        """Return the counts as JSON. ``pending`` counts unfinished deliveries with duplicates."""
        return {**asdict(self._tally), "pending": len(self._under_way)}

    async def aclose(self) -> None:
        """Drop unfinished deliveries and close the connections."""
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
        """Make one attempt; tell whether the delivery is finished."""
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
        """Count an acknowledgment; tell whether it ends the delivery. The plan may ignore it."""
        self._tally.acknowledged += 1
        if self.faults.ignores_ack(course):
            self._tally.ignored += 1
            passage.last += ", ignored"
            return False
        passage.status = "acknowledged"
        return True

    async def _post(self, url: str, letter: Letter) -> httpx.Response | None:
        """Send a request. The time limit covers the whole exchange, not each read."""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS_MAX):
                return await self._client.post(url, content=letter.body, headers=letter.headers)
        except (httpx.HTTPError, TimeoutError):
            return None
