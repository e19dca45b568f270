"""A process that delivers events as a provider does: over connections that it keeps, and lean.

It reads one round a line from standard input and answers each with one line on standard output.
Requests are made and signed before the clock starts, so that it costs little while it runs.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.webhooks import events
from benchmarks.webhooks.events import Payment
from groat.platform.process.memory import settle_memory

_ACKNOWLEDGED, _NO_ANSWER = 200, 0
_ACCEPTING_SECONDS = 0.2  # a server takes a moment to accept so many connections at once
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Round:
    """What to deliver, in which order, and to whom.

    With a ``rate`` deliveries fall due by the clock, whatever the answers; with none, each
    connection sends the next when the last is answered. ``patience_seconds`` is for what is
    unanswered once all else is done.
    """

    port: int
    path: str
    order: list[int]
    connections: int
    rate: float | None
    patience_seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a round. ``sent_at`` is when each event was first sent, in Unix seconds.

    By the clock that is when it was due, whatever kept it. Latencies are those of acknowledgements.
    """

    started_at: float
    seconds: float
    cpu_seconds: float
    acknowledged: list[int]
    sent_at: list[tuple[int, float]]
    latencies_ms: list[float]


class _Delivering:
    """One round: what waits to be sent, and the connections that are free to send it."""

    def __init__(self, asked: Round, requests: dict[int, bytes]) -> None:
        self.finished = asyncio.get_running_loop().create_future()
        self._port = asked.port
        self._requests = requests
        self._waiting: deque[tuple[int, float | None]] = deque()
        self._open: set[_Connection] = set()
        self._free: deque[_Connection] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self._left = len(asked.order)
        self._sent: dict[int, float] = {}
        self._acknowledged: set[int] = set()
        self._latencies_ms: list[float] = []

    async def connect(self) -> None:
        """Open one more connection."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: _Connection(self), "127.0.0.1", self._port
        )
        self._open.add(connection)
        self.free(connection)

    def add(self, number: int, due: float | None) -> None:
        """Have an event delivered, at once or as soon as a connection is free."""
        self._waiting.append((number, due))
        self._send()

    def free(self, connection: _Connection) -> None:
        """Take note of a connection that can send."""
        self._free.append(connection)
        self._send()

    def answered(self, number: int, due: float, status: int) -> None:
        """Take note of an answer."""
        if status == _ACKNOWLEDGED:
            self._latencies_ms.append(1000 * (time.perf_counter() - due))
            self._acknowledged.add(number)
        self._left -= 1
        if not self._left and not self.finished.done():
            self.finished.set_result(None)

    def lost(self, connection: _Connection) -> None:
        """Replace a connection that the server has closed."""
        self._open.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if not self.finished.done():
            task = asyncio.create_task(self.connect())
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def close(self) -> None:
        """Close the connections; what is unanswered stays so."""
        self.finished.cancel()
        for connection in self._open:
            connection.close()

    def done(self, started: float, cpu_started: float) -> Done:
        """Return what has come of it since it was started."""
        offset = time.time() - time.perf_counter()
        return Done(
            started_at=started + offset,
            seconds=time.perf_counter() - started,
            cpu_seconds=time.process_time() - cpu_started,
            acknowledged=sorted(self._acknowledged),
            sent_at=[(number, at + offset) for number, at in self._sent.items()],
            latencies_ms=self._latencies_ms,
        )

    def _send(self) -> None:
        while self._waiting and self._free:
            number, due = self._waiting.popleft()
            moment = time.perf_counter() if due is None else due
            self._sent.setdefault(number, moment)
            self._free.popleft().send(number, moment, self._requests[number])


class _Connection(asyncio.Protocol):
    """One connection, with one request under way at a time."""

    def __init__(self, delivering: _Delivering) -> None:
        self._delivering = delivering
        self._under_way: tuple[int, float] | None = None
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, number: int, due: float, request: bytes) -> None:
        self._under_way = number, due
        self._transport.write(request)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        status = _status(self._answer)
        if status is not None:
            self._answer = b""
            self._end(status)
            if not self._transport.is_closing():
                self._delivering.free(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._end(_NO_ANSWER)
        self._delivering.lost(self)

    def _end(self, status: int) -> None:
        if self._under_way is not None:
            (number, due), self._under_way = self._under_way, None
            self._delivering.answered(number, due, status)


def _status(answer: bytes) -> int | None:
    """Return the status of an answer, or None if it is not all there yet."""
    head, blank, content = answer.partition(b"\r\n\r\n")
    if not blank:
        return None
    length = _LENGTH.search(head)
    assert length is not None, head  # noqa: S101 - neither contestant streams
    return int(head[9:12]) if len(content) >= int(length[1]) else None


async def _deliver(payments: Sequence[Payment], asked: Round) -> Done:
    delivering = _Delivering(
        asked,
        {number: _request(asked, number, payments[number]) for number in set(asked.order)},
    )
    await asyncio.gather(*(delivering.connect() for _ in range(asked.connections)))
    await asyncio.sleep(_ACCEPTING_SECONDS)
    started, cpu_started = time.perf_counter(), time.process_time()
    if asked.rate is None:
        for number in asked.order:
            delivering.add(number, None)
    else:
        await _by_the_clock(delivering, asked.order, asked.rate, started)
    await asyncio.wait({delivering.finished}, timeout=asked.patience_seconds)
    done = delivering.done(started, cpu_started)
    delivering.close()
    return done


async def _by_the_clock(
    delivering: _Delivering, order: Sequence[int], rate: float, started: float
) -> None:
    for place, number in enumerate(order):
        due = started + place / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        delivering.add(number, due)


def _request(asked: Round, number: int, payment: Payment) -> bytes:
    content = events.body(number, payment)
    head = (
        f"POST {asked.path} HTTP/1.1\r\nHost: 127.0.0.1:{asked.port}\r\n"
        "User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nAccept: */*\r\n"
        "Content-Type: application/json; charset=utf-8\r\nCache-Control: no-cache\r\n"
        f"Content-Length: {len(content)}\r\nStripe-Signature: {events.signed(content)}\r\n\r\n"
    )
    return head.encode() + content


async def _serve(payments: Sequence[Payment]) -> None:
    settle_memory()
    while line := await asyncio.to_thread(sys.stdin.readline):
        done = await _deliver(payments, Round(**json.loads(line)))
        sys.stdout.write(json.dumps(asdict(done)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    [known] = sys.argv[1:]
    uvloop.run(_serve([Payment(*one) for one in json.loads(Path(known).read_text())]))
