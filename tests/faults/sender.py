"""A provider that delivers: by the clock, through a load balancer, again until it hears 200."""

from __future__ import annotations

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from tests.faults.stripe_events import Event, signature

OK = 200
NO_ANSWER = 0
_CONNECTIONS_EACH = 16
_ANSWER_SECONDS = 30.0
_AGAIN_SECONDS = 0.25
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """One kept connection to an API, with one request under way at a time."""

    reader: StreamReader
    writer: StreamWriter

    @classmethod
    async def opened(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: bytes) -> int:
        """Deliver; return the status.

        Raises:
            OSError: the connection broke.
            EOFError: it ended before the answer was whole.
        """
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nStripe-Signature: {signature(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(answer)
        assert length is not None, answer
        await self.reader.readexactly(int(length[1]))
        return int(answer[9:12])


@dataclass(slots=True)
class Sender:
    """Delivers events to the APIs on ``ports``. What is not acknowledged is delivered again.

    ``sent`` counts the deliveries of each event, however they ended; ``acknowledged`` those that
    were answered with 200, and ``answers`` all answers, with 0 where there was none.
    """

    path: str
    ports: Sequence[int]
    sent: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    _due: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, order: Sequence[Event], per_second: float) -> None:
        """Deliver ``order``; return once each delivery in it is acknowledged."""
        wanted = self.acknowledged.total() + len(order)
        async with asyncio.TaskGroup() as group:
            lines = [
                group.create_task(self._keep_delivering(port))
                for port in self.ports
                for _ in range(_CONNECTIONS_EACH)
            ]
            await self._by_the_clock(order, per_second)
            while self.acknowledged.total() < wanted:
                await self._answered.wait()
                self._answered.clear()
            for line in lines:
                line.cancel()

    async def _by_the_clock(self, order: Sequence[Event], per_second: float) -> None:
        started = asyncio.get_running_loop().time()
        for place, event in enumerate(order):
            early = started + place / per_second - asyncio.get_running_loop().time()
            if early > 0:
                await asyncio.sleep(early)
            self._due.put_nowait(event)

    async def _keep_delivering(self, port: int) -> None:
        line: Line | None = None
        try:
            while True:
                event = await self._due.get()
                line = await self._try(event, line, port)
                if line is None:
                    await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            _hang_up(line)

    async def _try(self, event: Event, line: Line | None, port: int) -> Line | None:
        """Deliver once; return the line if it still stands."""
        began = asyncio.get_running_loop().time()
        status = NO_ANSWER
        self.sent[event.id] += 1
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                line = line or await Line.opened(port)
                status = await line.post(self.path, event.body)
        except (OSError, EOFError):
            _hang_up(line)
            line = None
        self._note(event, status, asyncio.get_running_loop().time() - began)
        return line

    def _note(self, event: Event, status: int, seconds: float) -> None:
        self.answers[status] += 1
        if status == OK:
            self.acknowledged[event.id] += 1
            self.slowest = max(self.slowest, seconds)
            self._answered.set()
        else:
            asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._due.put_nowait, event)


def _hang_up(line: Line | None) -> None:
    if line is not None:
        line.writer.close()
