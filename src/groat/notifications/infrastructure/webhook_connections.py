"""Connections to webhook endpoints: HTTP/1.1, one request at a time, kept for the next event.

The parser is httptools, which also reads the requests of our own API. A general client takes a
multiple of the time of a delivery, and hides the choice of the address.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import defaultdict
from typing import NamedTuple, cast

import httptools

from groat.kernel.value import Value

_IDLE_SECONDS = 20.0
"""Seconds for which an idle connection is kept for the next event."""

_MOST_IDLE = 500
"""Maximum idle connections that are kept."""

_MOST_BYTES = 32 * 1024
"""Maximum bytes of an answer that are read. The connection is closed if there are more."""

_FINAL = 200
"""Lowest status of a final answer. Those below announce it."""


class BrokenAnswer(Exception):
    """The answer is not HTTP, or the connection was closed before its end."""


class WebhookAnswer(Value):
    """The answer to a request: its status, one header, and the first bytes of its body."""

    status: int
    retry_after: bytes | None
    body: bytes


class Origin(NamedTuple):
    """The scheme, host and port that a connection is for."""

    scheme: str
    host: str
    port: int


class WebhookConnection(asyncio.Protocol):
    """A connection to an endpoint."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._answer: asyncio.Future[WebhookAnswer] | None = None
        self._retry_after: bytes | None = None
        self._body, self._read = b"", 0
        self._has_head = self._is_open = False
        self._rested_at = 0.0

    @property
    def is_untouched(self) -> bool:
        """Whether no byte of an answer to the latest request arrived."""
        return self._read == 0

    @property
    def is_reusable(self) -> bool:
        """Whether the connection can take another request: it is open, and did not rest long."""
        return self._is_open and time.monotonic() < self._rested_at + _IDLE_SECONDS

    async def exchange(self, request: bytes) -> WebhookAnswer:
        """Send a request, and return its answer. The body is cut.

        Raises:
            BrokenAnswer: no whole answer arrived.
        """
        if self._transport is None or not self._is_open:
            raise BrokenAnswer("the connection was closed")
        self._parser = httptools.HttpResponseParser(self)
        self._retry_after, self._body, self._read, self._has_head = None, b"", 0, False
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Close the connection at once."""
        self._is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport of the new connection."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has no common class
        self._is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer under way: without a length, it ends with the connection."""
        self._is_open = False
        parser = self._parser
        if parser is not None and self._has_head and not parser.should_keep_alive():
            self._conclude(parser.get_status_code())
        self._fail(str(exc or "the connection was closed"))

    def data_received(self, data: bytes) -> None:
        """Read a part of the answer. Anything that is not its part closes the connection."""
        self._read += len(data)
        if self._parser is None or not self._is_waiting:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(f"the answer is not HTTP: {error}")
            self.close()
        if self._read > _MOST_BYTES and self._is_waiting:
            self._cut()

    def on_message_begin(self) -> None:
        """Close the connection if an answer begins that no request asked for."""
        if not self._is_waiting:
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note the header that says when to try again."""
        if name.lower() == b"retry-after":
            self._retry_after = value

    def on_headers_complete(self) -> None:
        """Note that the status is known."""
        self._has_head = self._parser is not None and self._parser.get_status_code() >= _FINAL

    def on_body(self, body: bytes) -> None:
        """Add a part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Conclude the answer, unless it only announces the final one."""
        parser = self._parser
        if parser is None or parser.get_status_code() < _FINAL:
            return
        keep = parser.should_keep_alive()
        self._conclude(parser.get_status_code())
        self._rested_at = time.monotonic()
        if not keep:
            self.close()

    @property
    def _is_waiting(self) -> bool:
        return self._answer is not None and not self._answer.done()

    def _cut(self) -> None:
        """Conclude an answer that is too long, and close the connection."""
        parser = self._parser
        if parser is not None and self._has_head:
            self._conclude(parser.get_status_code())
        self._fail("the head of the answer is too long")
        self.close()

    def _conclude(self, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(WebhookAnswer(status, self._retry_after, self._body))

    def _fail(self, reason: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BrokenAnswer(reason))


class IdleConnections:
    """Connections that wait for the next event, by their origin; the latest is used first."""

    def __init__(self) -> None:
        self._idle: dict[Origin, list[WebhookConnection]] = defaultdict(list)
        self._count = 0

    def take(self, origin: Origin) -> WebhookConnection | None:
        """Return a connection that can be used again, None if there is none."""
        idle = self._idle.get(origin, [])
        while idle:
            connection = idle.pop()
            self._count -= 1
            if connection.is_reusable:
                return connection
            connection.close()
        self._idle.pop(origin, None)
        return None

    def keep(self, origin: Origin, connection: WebhookConnection) -> None:
        """Keep a connection after its answer, or close it."""
        if connection.is_reusable and self._count >= _MOST_IDLE:
            self.close()
        if connection.is_reusable:
            self._idle[origin].append(connection)
            self._count += 1
        else:
            connection.close()

    def close(self) -> None:
        """Close all of them."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()
        self._count = 0


async def connect(address: str, origin: Origin, tls: ssl.SSLContext) -> WebhookConnection:
    """Connect to ``address``; with https, the certificate must be that of the origin's host.

    Raises:
        OSError: the connection failed, or the certificate is wrong.
    """
    secure = origin.scheme == "https"
    _, connection = await asyncio.get_running_loop().create_connection(
        WebhookConnection,
        address,
        origin.port,
        ssl=tls if secure else None,
        server_hostname=origin.host if secure else None,
    )
    return connection
