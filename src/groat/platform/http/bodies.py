"""Limits for request bodies: bytes and seconds of each body, and bytes of all bodies together."""

from __future__ import annotations

import asyncio
import types
from collections import Counter
from collections.abc import Awaitable, Coroutine, Generator
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groat.kernel.errors import PayloadTooLarge, RequestTimeout
from groat.platform.http.strict_json import Json, read_json
from groat.platform.process.batching import overloaded

MAX_BODY_BYTES = 1024 * 1024
"""Maximum bytes of a webhook's body."""

MAX_BYTES_IN_HAND = 64 * 1024 * 1024
"""Maximum bytes of all bodies in memory. A limit on requests is not enough, because one body may
have a megabyte."""

_SMALL_DIGITS = 4
"""Maximum digits of a small body's length: it has less than 10,000 bytes."""

_READ_SECONDS = 10.0
"""Maximum seconds for a body to arrive."""

_INLINE_BYTES = 16 * 1024
"""Maximum bytes of a body that is parsed on the event loop. A larger one is parsed in a thread."""


Result = TypeVar("Result")


class BodyBudget:
    """ASGI middleware: bounds the bytes of all bodies in memory, counted as they arrive.

    A body counts until its request is answered. One address may use half of the budget, so that
    its slow uploads cannot block deliveries from other addresses. Bodies with a small
    content-length do not count: the limit of connections bounds them.
    """

    def __init__(self, app: ASGIApp, most_bytes: int = MAX_BYTES_IN_HAND) -> None:
        self._app = app
        self._left = most_bytes
        self._share = most_bytes // 2
        self._by_address: Counter[str] = Counter()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle one request. It is no coroutine itself, so a small request passes at no cost."""
        if scope["type"] != "http" or _is_small(scope):
            return self._app(scope, receive, send)
        return self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        address: str = scope["client"][0] if scope["client"] else ""
        held = 0

        async def counted() -> Message:
            nonlocal held
            message = await receive()
            size = len(message.get("body", b""))
            if size > self._left or self._by_address[address] + size > self._share:
                raise overloaded()
            held += size
            self._left -= size
            self._by_address[address] += size
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._left += held
            self._by_address[address] -= held
            if not self._by_address[address]:
                del self._by_address[address]


def _is_small(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return len(value) <= _SMALL_DIGITS
    return False


async def read_bytes(receive: Receive, announced: str, most: int = MAX_BODY_BYTES) -> bytes:
    """Return a request's raw body, of up to ``most`` bytes; ``announced`` is its content-length.

    Raises:
        PayloadTooLarge: the body is larger; its rest is not read.
        RequestTimeout: the body did not arrive in time.
        ClientDisconnect: the client closed the connection.
    """
    if announced.isdecimal() and int(announced[:12]) > most:
        raise _too_large(most)
    try:
        return await within(_READ_SECONDS, _read_bytes(receive, most))
    except TimeoutError:
        raise RequestTimeout(
            "body_too_slow",
            f"The body did not arrive within {_READ_SECONDS:.0f} seconds; send it again.",
        ) from None


async def _read_bytes(receive: Receive, most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return bytes(body)


async def read_json_aside(raw: bytes) -> Json:
    """Return the JSON value in ``raw``. Parse a large body in a thread, so that others are served.

    Raises:
        BadRequest, InvalidRequest: the same as ``read_json``.
    """
    return await asyncio.to_thread(read_json, raw) if len(raw) > _INLINE_BYTES else read_json(raw)


def _too_large(most: int) -> PayloadTooLarge:
    return PayloadTooLarge("body_too_large", f"The body exceeds the maximum of {most} bytes.")


async def within(seconds: float, work: Coroutine[Any, None, Result]) -> Result:
    """Return the result of ``work``, or cancel it when it has waited for ``seconds``.

    Without a wait, no timer is set: ``asyncio.timeout`` takes 5 microseconds, as much as the check
    of a signature.

    Raises:
        TimeoutError: ``work`` waited for too long.
    """
    try:
        awaited = work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    async with asyncio.timeout(seconds):
        return await _resume(work, awaited)


@types.coroutine
def _resume(work: Coroutine[Any, None, Result], awaited: object) -> Generator[object, None, Result]:
    """Resume ``work``, which awaits ``awaited``, in the way that ``await`` would."""
    try:
        while True:
            try:
                yield awaited
            except BaseException as error:  # noqa: BLE001 - such as the cancellation by the timer
                awaited = work.throw(error)
            else:
                awaited = work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
