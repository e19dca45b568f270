"""A process that delivers events as a provider does, over connections that stay open.

It reads one round per line from standard input, and answers each with a line on standard output.
It builds and signs all requests before the clock starts, so that it uses little processor time
during the measurement.
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
"""Status of an acknowledgement, and a number that stands for no answer."""

_ACCEPTING_SECONDS = 0.2
"""Seconds for the server to accept all connections before the measurement starts."""
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Round:
    """The deliveries of a round: their address and their order.

    ``rate`` is the number of deliveries per second, which come due by the clock and do not wait for
    answers. If it is None, each connection sends its next delivery when the last is answered.
    ``patience_seconds`` is the time to wait for missing answers after all deliveries are queued.
    """

    port: int
    path: str
    order: list[int]
    connections: int
    rate: float | None
    patience_seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a round. ``sent_at`` has the Unix time at which each event was first sent.

    With a ``rate``, that is the time at which the event came due, even if it was sent later.
    ``latencies_ms`` covers the acknowledged deliveries.
    """

    started_at: float
    seconds: float
    cpu_seconds: float
    acknowledged: list[int]
    sent_at: list[tuple[int, float]]
    latencies_ms: list[float]


class _Delivering:
    """A round in progress: the deliveries that wait, and the connections that are free."""

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
        """Queue the delivery of an event. It is sent as soon as a connection is free."""
        self._waiting.append((number, due))
        self._send()

    def free(self, connection: _Connection) -> None:
        """Register a connection as free, and send the next delivery."""
        self._free.append(connection)
        self._send()

    def answered(self, number: int, due: float, status: int) -> None:
        """Register the answer to a delivery."""
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
        """Close all connections without waiting for missing answers."""
        self.finished.cancel()
        for connection in self._open:
            connection.close()

    def done(self, started: float, cpu_started: float) -> Done:
        """Return the result of the round since its start."""
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
    """A connection with at most one request in progress."""

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
    """Return the status of an answer, None if the answer is not complete yet."""
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
    uvloop.run(_serve([Payment(*fields) for fields in json.loads(Path(known).read_text())]))
