"""Limits in front of the HTTP server, which has no such limits itself.

The guard limits the connections, in all and from one address, and the bytes, headers and seconds of
a request's head. It counts bytes before the parser stores them. ``bodies`` limits request bodies.
"""

from __future__ import annotations

import resource
from asyncio import TimerHandle, Transport
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from groat.kernel.errors import ConfigurationError
from groat.platform.http.bodies import MAX_BODY_BYTES
from groat.platform.http.problems import problem, problem_of
from groat.platform.process.batching import overloaded

MAX_HEAD_BYTES = 32 * 1024
"""Maximum bytes of a request's head."""

MAX_HEADERS = 100
"""Maximum headers and trailers of a request."""

MAX_FRAMING_BYTES = 64 * 1024
"""Maximum bytes of chunk sizes, extensions and trailers, beyond one for each byte of the body."""

HEAD_SECONDS = 10.0
"""Maximum seconds for a request's head to arrive, or for the rest of a body after its answer."""

_RESERVED_DESCRIPTORS = 128
"""File descriptors kept for files, Redis, providers and connections that are being refused."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Maximum connections to this process, in all and from one address."""

    total: int
    per_address: int


def connection_limits(
    wanted: int, per_address: int | None, database_connections: int
) -> ConnectionLimits:
    """Return the limits for this process, and raise its limit of file descriptors if needed.

    The total stays below the limit of file descriptors. Without ``per_address``, one address may
    have half of the total.

    Raises:
        ConfigurationError: ``too_few_descriptors``; none would be left for connections.
    """
    reserved = _RESERVED_DESCRIPTORS + database_connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted + reserved:
        soft = min(wanted + reserved, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    total = min(wanted, soft - reserved)
    if total < 1:
        raise ConfigurationError(
            "too_few_descriptors",
            f"The process may open {soft} files, and needs {reserved} of them for other uses than "
            "connections. Raise `ulimit -n`.",
        )
    return ConnectionLimits(total, per_address or max(1, total // 2))


class Admission:
    """Counts connections and admits a new one while the limits allow it."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._total = 0
        self._by_address: Counter[str] = Counter()

    def admits(self, address: str) -> bool:
        """Count a connection from ``address`` if the limits allow it; tell whether they do."""
        if self._total >= self._limits.total:
            return False
        if self._by_address[address] >= self._limits.per_address:
            return False
        self._total += 1
        self._by_address[address] += 1
        return True

    def leaves(self, address: str) -> None:
        """Stop counting an admitted connection."""
        self._total -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def guarded(limits: ConnectionLimits) -> type[GuardedProtocol]:
    """Return a protocol class for one server, whose connections share ``limits``."""
    return type("Guarded", (GuardedProtocol,), {"admission": Admission(limits)})


class GuardedProtocol(HttpToolsProtocol):
    """One connection. It counts the bytes of a head before the parser stores them."""

    admission: ClassVar[Admission]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._address: str | None = None
        self._arrived: Any = self.cycle  # the last request that has arrived with its whole body
        self._head_left = MAX_HEAD_BYTES
        self._framing_left = MAX_FRAMING_BYTES
        self._deadline: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Admit the connection, or answer 503 and close it."""
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        if not self.admission.admits(address):
            transport.write(_OVERLOADED)
            transport.close()
            return
        self._address = address
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the connection's place in the limits."""
        if self._address is None:
            return
        self.admission.leaves(self._address)
        self._address = None
        self._unset_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass the allowed bytes of a head to the parser, and then the body."""
        if self._address is None:
            return
        before = self.cycle
        if self._arrived is not before:
            self._take_body(data)
        elif len(data) <= self._head_left:
            self._head_left -= len(data)
            super().data_received(data)
            if self.cycle is before:
                self._wait_for_head()
                return
            self._head_left, self._framing_left = MAX_HEAD_BYTES, MAX_FRAMING_BYTES
            if self._deadline is not None:
                self._unset_deadline()
        else:
            head, rest = data[: self._head_left], data[self._head_left :]
            self.data_received(head)
            if not self.transport.is_closing():
                self.data_received(rest)

    def _wait_for_head(self) -> None:
        """Wait for the rest of a head; close the connection if the head exceeds its limits."""
        if not self._head_left or self._has_too_many_headers():
            self._cut_off()
        elif self._deadline is None:
            self._set_deadline()

    def _take_body(self, data: bytes) -> None:
        """Parse a body; answer 413 and close if its framing or trailers exceed their limits.

        If the request was answered before its body was read, the rest of the body is parsed and
        dropped, up to the maximum size of a body.
        """
        cycle = self.cycle
        before = len(cycle.body)
        super().data_received(data)
        if self._arrived is cycle or self.cycle is not cycle:
            return
        self._framing_left += 2 * (len(cycle.body) - before) - len(data)
        if cycle.response_complete and self._deadline is None:
            self._framing_left += MAX_BODY_BYTES
            self._set_deadline()
        if self._framing_left < 0 or self._has_too_many_headers():
            if not cycle.response_started and not self.pipeline:
                self.transport.write(_FRAMING_TOO_LARGE)
            self.transport.close()

    def _has_too_many_headers(self) -> bool:
        headers: Any = self.headers  # None before the first request; trailers are added to them
        return headers is not None and len(headers) > MAX_HEADERS

    def on_headers_complete(self) -> None:
        """Start answering the request; answer 431 if it has too many headers."""
        if len(self.headers) > MAX_HEADERS:
            self.app = _too_many_headers
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the head of another request."""
        self._arrived = self.cycle
        super().on_message_complete()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._close)

    def _unset_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete

    def _close(self) -> None:
        if not self._is_answering() and not self.transport.is_closing():
            self.transport.close()

    def _cut_off(self) -> None:
        """Close the connection; answer 431 first unless an earlier answer is under way."""
        if not self._is_answering():
            self.transport.write(_HEAD_TOO_LARGE)
        self.transport.close()


async def _too_many_headers(scope: Scope, receive: Receive, send: Send) -> None:
    answer = problem(431, "too_many_headers", f"The request has more than {MAX_HEADERS} headers.")
    answer.headers["connection"] = "close"
    await answer(scope, receive, send)


def _raw(answer: Response) -> bytes:
    """Return an answer as bytes of HTTP/1.1, for a connection without a parsed request."""
    answer.headers["connection"] = "close"
    phrase = HTTPStatus(answer.status_code).phrase
    lines = [f"HTTP/1.1 {answer.status_code} {phrase}".encode()]
    lines += [name + b": " + value for name, value in answer.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])


_OVERLOADED = _raw(problem_of(overloaded()))
_FRAMING_TOO_LARGE = _raw(
    problem(
        413,
        "body_too_large",
        f"The chunk sizes, extensions and trailers of the body exceed {MAX_FRAMING_BYTES} bytes.",
    )
)
_HEAD_TOO_LARGE = _raw(
    problem(431, "head_too_large", f"The request's head exceeds {MAX_HEAD_BYTES} bytes.")
)
