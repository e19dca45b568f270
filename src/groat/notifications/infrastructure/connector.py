"""Send webhooks to URLs that merchants name, and to no address that is not public.

A connection resolves its host once, checks every address, and connects to a checked one. So a
resolver that changes its answer gains nothing. No redirect is followed, no proxy is used, and only
the first bytes of an answer are read.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from importlib.metadata import version
from types import TracebackType
from typing import Self, TypeAlias

from groat.kernel.errors import InvalidRequest
from groat.notifications.domain.addresses import require_public
from groat.notifications.domain.delivery import Reply
from groat.notifications.infrastructure.urls import UrlParts, parse_url
from groat.notifications.infrastructure.webhook_connections import (
    BrokenAnswer,
    IdleConnections,
    Origin,
    WebhookAnswer,
    WebhookConnection,
    connect,
)

ANSWER_BYTES = 500
"""Maximum bytes of an answer that are kept."""

_TIMEOUT_SECONDS = 15.0
"""Maximum seconds of a request, from the resolution of the name to the end of the answer."""

_RESOLVE_SECONDS = 5.0
"""Maximum seconds to resolve a name when a URL is saved."""

_VERSION = version("groat")

_HEAD = """\
POST {path} HTTP/1.1\r
host: {host}\r
user-agent: Groat/{version}\r
content-type: application/json\r
content-length: {length}\r
accept-encoding: identity\r
{headers}\r
"""

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""A function that returns the addresses of a host and a port, in the order to try them."""


class Connector:
    """Posts bodies to URLs. Private addresses are refused, unless ``allow_private``."""

    def __init__(self, *, allow_private: bool, resolve: Resolve | None = None) -> None:
        self._allow_private = allow_private
        self._resolve = resolve or _addresses
        self._idle = IdleConnections()
        self._tls = ssl.create_default_context()

    async def __aenter__(self) -> Self:
        """Return the connector, which is closed at the end of the block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        self._idle.close()
        await asyncio.sleep(0)  # the transports close in the loop

    async def require_public(self, url: str) -> None:
        """Refuse a URL that no webhook may go to. Only its name is resolved.

        Raises:
            InvalidRequest: ``invalid_webhook_url``.
        """
        target = parse_url(url, allow_private=self._allow_private)
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                await self._checked(target.host, target.port)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise InvalidRequest(
                "invalid_webhook_url", f"The name of the host cannot be resolved: {target.host!a}."
            ) from error

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post ``body`` to ``url``, and return the reply; an error is a reply too."""
        try:
            target = parse_url(url, allow_private=self._allow_private)
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                answer = await self._exchange(target, _request(target, headers, body))
        except InvalidRequest as error:
            return Reply(error=error.message)
        except TimeoutError:
            return Reply(error=f"no answer within {_TIMEOUT_SECONDS:.0f} seconds")
        except (OSError, UnicodeError) as error:
            return Reply(error=f"no connection: {_short(error)}")
        except BrokenAnswer as error:
            return Reply(error=f"no answer: {_short(error)}")
        delay = _retry_after(answer.retry_after)
        return Reply(answer.status, delay, answer.body[:ANSWER_BYTES])

    async def _exchange(self, target: UrlParts, request: bytes) -> WebhookAnswer:
        """Send a request on an idle connection or on a new one, and return the answer.

        An endpoint may close an idle connection at the moment at which it is used again. Then a new
        one takes the request.
        """
        origin = Origin(target.scheme, target.host, target.port)
        idle = self._idle.take(origin)
        if idle is not None:
            try:
                return await self._asked(origin, idle, request)
            except BrokenAnswer:
                if not idle.is_untouched:
                    raise
        return await self._asked(origin, await self._opened(origin), request)

    async def _asked(
        self, origin: Origin, connection: WebhookConnection, request: bytes
    ) -> WebhookAnswer:
        try:
            answer = await connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        self._idle.keep(origin, connection)
        return answer

    async def _opened(self, origin: Origin) -> WebhookConnection:
        """Resolve the host once, and connect to the first checked address that answers.

        Raises:
            InvalidRequest: ``invalid_webhook_url``.
            OSError, UnicodeError: the name cannot be resolved, or no address answers.
        """
        failure = OSError("the name has no address")
        for address in await self._checked(origin.host, origin.port):
            try:
                return await connect(address, origin, self._tls)
            except OSError as error:
                failure = error
        raise failure

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host, all of them checked.

        Raises:
            InvalidRequest: ``invalid_webhook_url``.
            OSError, UnicodeError: the name cannot be resolved.
        """
        addresses = await self._resolve(host, port)
        if not self._allow_private:
            require_public(host, addresses)
        return addresses


def _request(target: UrlParts, headers: Mapping[str, str], body: bytes) -> bytes:
    host = f"[{target.host}]" if ":" in target.host else target.host
    head = _HEAD.format(
        path=target.path,
        host=f"{host}:{target.port}",
        version=_VERSION,
        length=len(body),
        headers="".join(f"{name}: {text}\r\n" for name, text in headers.items()),
    )
    return head.encode("ascii") + body


async def _addresses(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _retry_after(header: bytes | None) -> timedelta | None:
    """Return the delay in a ``Retry-After`` header. Only seconds are understood (RFC 9110)."""
    if header is None or not header.isdigit():
        return None
    return timedelta(seconds=min(int(header[:9]), 10**8))


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
