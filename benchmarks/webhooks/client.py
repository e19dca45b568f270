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
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import uvloop

from benchmarks.webhooks import events
from benchmarks.webhooks.events import Payment
from groat.platform.memory import settle_memory

_ACKNOWLEDGED = 200
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


@dataclass(slots=True)
class Done:
    """What came of a round. ``sent_at`` is when each event was first due, in Unix seconds.

    Latencies are counted from then, and for repeats from when those were due.
    """

    started_at: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    deliveries: int = 0
    acknowledged: list[int] = field(default_factory=list)
    sent_at: list[tuple[int, float]] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)


class _Delivering:
    """One round: what waits to be sent, and who is free to send it."""

    def __init__(self, requests: dict[int, bytes]) -> None:
        self.done = Done()
        self.finished = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._waiting: deque[tuple[int, float | None]] = deque()
        self._free: deque[_Connection] = deque()
        self._open = 0
        self._unanswered = 0
        self._complete = False
        self._sent: dict[int, float] = {}
        self._acknowledged: set[int] = set()

    def free(self, connection: _Connection) -> None:
        """Take note of a connection that can send."""
        self._free.append(connection)
        self._send()

    def add(self, number: int, due: float | None) -> None:
        """Have an event delivered, at once or as soon as a connection is free."""
        self._unanswered += 1
        self._waiting.append((number, due))

    def go(self) -> None:
        """Send what can be sent."""
        self._send()

    def complete(self) -> None:
        """Say that nothing will be added."""
        self._complete = True
        self._end_if_done()

    def answered(self, number: int, due: float, status: int) -> None:
        """Take note of an answer."""
        self.done.deliveries += 1
        if status == _ACKNOWLEDGED:
            self.done.latencies_ms.append(1000 * (time.perf_counter() - due))
            self._acknowledged.add(number)
        self._unanswered -= 1
        self._end_if_done()

    def summary(self) -> Done:
        """Return what came of it."""
        offset = time.time() - time.perf_counter()
        self.done.sent_at = [(number, at + offset) for number, at in self._sent.items()]
        self.done.acknowledged = sorted(self._acknowledged)
        return self.done

    def _send(self) -> None:
        while self._waiting and self._free:
            number, due = self._waiting.popleft()
            moment = time.perf_counter() if due is None else due
            self._sent.setdefault(number, moment)
            self._free.popleft().send(number, moment, self._requests[number])

    def _end_if_done(self) -> None:
        if self._complete and not self._unanswered and not self.finished.done():
            self.finished.set_result(None)


class _Connection(asyncio.Protocol):
    """One connection, with one request under way at a time."""

    transport: asyncio.WriteTransport

    def __init__(self, delivering: _Delivering) -> None:
        self._delivering = delivering
        self._answer = b""

    def send(self, number: int, due: float, request: bytes) -> None:
        self._number, self._due = number, due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        status = _status(self._answer)
        if status is not None:
            self._answer = b""
            self._delivering.answered(self._number, self._due, status)
            self._delivering.free(self)


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
        {number: _request(asked, number, payments[number]) for number in set(asked.order)}
    )
    connections = await _connect(delivering, asked)
    started, cpu = time.perf_counter(), time.process_time()
    delivering.done.started_at = time.time()
    if asked.rate is None:
        for number in asked.order:
            delivering.add(number, None)
        delivering.go()
    else:
        await _by_the_clock(delivering, asked.order, asked.rate, started)
    delivering.complete()
    await asyncio.wait({delivering.finished}, timeout=asked.patience_seconds)
    done = delivering.summary()
    done.seconds, done.cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    for connection in connections:
        connection.transport.close()
    return done


async def _connect(delivering: _Delivering, asked: Round) -> list[_Connection]:
    loop = asyncio.get_running_loop()
    connections = [_Connection(delivering) for _ in range(asked.connections)]
    for connection in connections:
        connection.transport, _ = await loop.create_connection(
            partial(_itself, connection), "127.0.0.1", asked.port
        )
        delivering.free(connection)
    return connections


def _itself(connection: _Connection) -> _Connection:
    return connection


async def _by_the_clock(
    delivering: _Delivering, order: Sequence[int], rate: float, started: float
) -> None:
    for place, number in enumerate(order):
        due = started + place / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        delivering.add(number, due)
        delivering.go()


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
