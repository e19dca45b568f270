"""Limits in front of the HTTP server, which has none of its own.

Whatever a stranger sends is bounded before anything else sees it: how many connections there are,
in all and from one address; how long a request's head is, how many headers are in it, and how long
it may take to arrive. Bodies are bounded where they are read.
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
from groat.platform.batching import overloaded
from groat.platform.problems import problem, problem_of

MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 100
MAX_FRAMING_BYTES = 64 * 1024
"""What a chunked body may have between its chunks and after them, beyond as much as is body."""

HEAD_SECONDS = 10.0
"""Seconds for a request's head to arrive; also for a body to end that nobody waits for."""

_RESERVED_DESCRIPTORS = 128
"""Descriptors kept for files, Redis, providers and connections that are being refused."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Maximum connections to this process, in all and from one address."""

    total: int
    per_address: int


def connection_limits(
    wanted: int, per_address: int | None, database_connections: int
) -> ConnectionLimits:
    """Return how many connections the process may have, with as many descriptors as it takes.

    The limit of descriptors is raised as far as the system lets the process raise it. Without
    ``per_address``, one address may have half of all connections.

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
            f"The process may open {soft} files and needs {reserved} besides its connections. "
            "Raise `ulimit -n`.",
        )
    return ConnectionLimits(total, per_address or max(1, total // 2))


class Admission:
    """Counts connections, and admits no more than the limits allow."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._total = 0
        self._by_address: Counter[str] = Counter()

    def admits(self, address: str) -> bool:
        """Count a connection from ``address`` if one more is allowed; tell whether it is."""
        if self._total >= self._limits.total:
            return False
        if self._by_address[address] >= self._limits.per_address:
            return False
        self._total += 1
        self._by_address[address] += 1
        return True

    def leaves(self, address: str) -> None:
        """Count an admitted connection no more."""
        self._total -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def guarded(limits: ConnectionLimits) -> type[GuardedProtocol]:
    """Return the protocol of a server whose connections are counted together."""
    return type("Guarded", (GuardedProtocol,), {"admission": Admission(limits)})


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Its head is counted as it comes, before the parser keeps any of it."""

    admission: ClassVar[Admission]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._address: str | None = None
        self._in_head = True
        self._head_left = MAX_HEAD_BYTES
        self._framing_left = MAX_FRAMING_BYTES
        self._body_bytes = 0
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
        """Make room for another connection."""
        if self._address is None:
            return
        self.admission.leaves(self._address)
        self._address = None
        self._unset_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand on what is allowed of a head, and then the body."""
        if self._address is None or self.transport.is_closing():
            return
        if self._in_head:
            data = self._take_head(data)
        if data and not self.transport.is_closing():
            self._take_body(data)

    def _take_head(self, data: bytes) -> bytes:
        """Read as much of ``data`` as a head may still have; return the rest."""
        head, rest = data[: self._head_left], data[self._head_left :]
        self._head_left -= len(head)
        super().data_received(head)
        if self._in_head and self._head_left < MAX_HEAD_BYTES:
            if not self._head_left or self._has_too_many_headers():
                self._cut_off()
            elif self._deadline is None:
                self._set_deadline()
        return rest

    def _take_body(self, data: bytes) -> None:
        """Read what follows a head; what of it is neither body nor another request is bounded."""
        self._body_bytes, message = 0, self.cycle
        super().data_received(data)
        if self._in_head or self.cycle is not message:
            return  # the body ended in these bytes
        left = self._framing_left - len(data) + 2 * self._body_bytes
        self._framing_left = min(left, MAX_FRAMING_BYTES)
        if left < 0 or self._has_too_many_headers():
            self.transport.close()

    def _has_too_many_headers(self) -> bool:
        headers: Any = self.headers  # None before the first request; trailers are added to them
        return headers is not None and len(headers) > MAX_HEADERS

    def on_headers_complete(self) -> None:
        """Let the request be answered; one with too many headers is refused."""
        self._in_head, self._framing_left = False, MAX_FRAMING_BYTES
        self._unset_deadline()
        if self._has_too_many_headers():
            self.app = _too_many_headers
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand on a part of the body, which makes up for as much framing."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the next head."""
        self._in_head, self._head_left = True, MAX_HEAD_BYTES
        self._unset_deadline()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Give the rest of a body that nobody read a while to arrive."""
        super().on_response_complete()
        if not self._in_head and not self.transport.is_closing():
            self._set_deadline()

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
        """Refuse a head that is too long, unless an earlier request is still being answered."""
        if not self._is_answering():
            self.transport.write(_HEAD_TOO_LARGE)
        self.transport.close()


async def _too_many_headers(scope: Scope, receive: Receive, send: Send) -> None:
    answer = problem(431, "too_many_headers", f"A request has at most {MAX_HEADERS} headers.")
    answer.headers["connection"] = "close"
    await answer(scope, receive, send)


def _raw(answer: Response) -> bytes:
    """Return an answer as it goes over the wire, for where no request was read to be answered."""
    answer.headers["connection"] = "close"
    phrase = HTTPStatus(answer.status_code).phrase
    lines = [f"HTTP/1.1 {answer.status_code} {phrase}".encode()]
    lines += [name + b": " + value for name, value in answer.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])


_OVERLOADED = _raw(problem_of(overloaded()))
_HEAD_TOO_LARGE = _raw(
    problem(431, "head_too_large", f"The head of a request has at most {MAX_HEAD_BYTES} bytes.")
)
