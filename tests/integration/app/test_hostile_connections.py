"""Strangers at a real API process: what they send is bounded before it takes memory or descriptors.

Everything goes to loopback, and no more than is needed to see a missing bound. With ``-rP`` the
figures are shown.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from groat.kernel import ids
from groat.platform.embedded.places import free_port
from tests.support.processes import running, until
from tests.support.world import World

MB = 1024 * 1024
DESCRIPTORS = 1024
UPLOADS = 300
GROWTH = 60 * MB
"""What the server itself may keep of so many connections."""

BODIES = 64 * MB
"""The budget of all bodies in hand."""


@dataclass(frozen=True, slots=True)
class Target:
    """A ``groat api`` that may have 1,024 descriptors, as many systems let it by default."""

    process: psutil.Process
    port: int

    @property
    def memory(self) -> int:
        rss: int = self.process.memory_info().rss
        return rss

    async def connect(
        self, source: str = "127.0.0.1"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))

    async def is_serving(self, source: str = "127.0.0.2") -> bool:
        """Tell whether a well-behaved client from another address is answered within 10 seconds."""
        transport = httpx.AsyncHTTPTransport(local_address=source)
        async with httpx.AsyncClient(transport=transport, timeout=10) as http:
            with suppress(httpx.HTTPError):
                return (await http.get(f"http://127.0.0.1:{self.port}/healthz")).status_code == 200
        return False


@contextmanager
def serving(world: World, home: Path) -> Iterator[Target]:
    port = free_port()
    told = {"GROAT_API_PORT": str(port), **world.variables}
    with running(home, "api", home / "api.log", DESCRIPTORS, **told) as started:
        address = f"http://127.0.0.1:{port}/healthz"
        until(lambda: _answers(address), "the API")
        yield Target(psutil.Process(started.pid), port)


def _answers(address: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(address, timeout=2).status_code == 200
    return False


@pytest.fixture
async def target(world: World, tmp_path: Path) -> AsyncIterator[Target]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    with serving(world, tmp_path) as found:
        yield found
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@asynccontextmanager
async def crowd(
    target: Target, size: int, first: bytes = b"", source: str = "127.0.0.1"
) -> AsyncIterator[list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]:
    """Yield connections that have each sent ``first``, and see that the process took it in."""
    people = []
    for _ in range(size):
        with suppress(OSError):
            people.append(await target.connect(source))
    for _, writer in people:
        writer.write(first)
    await asyncio.gather(*(drained(writer) for _, writer in people))
    try:
        yield people
    finally:
        for _, writer in people:
            writer.close()


async def comes_back(target: Target, source: str) -> None:
    give_up_at = time.monotonic() + 30
    while not await target.is_serving(source):
        assert time.monotonic() < give_up_at


async def drained(writer: asyncio.StreamWriter) -> None:
    """Wait until what was written is sent, or the other side will have no more of it."""
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.drain(), 60)


def upload(path: str) -> bytes:
    """Return a request that lacks its last byte."""
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {MB}\r\n\r\n".encode()
    return head + b"x" * (MB - 1)


async def test_slow_uploads_stay_within_the_memory_limit(world: World, target: Target) -> None:
    known = world.webhook_path
    unknown = f"{known.rpartition('/')[0]}/{ids.render('provider_account', ids.uuid7())}"
    for path, most in ((unknown, GROWTH), (known, GROWTH + BODIES)):
        before = target.memory
        async with crowd(target, UPLOADS, upload(path)):
            assert await target.is_serving()
            growth = target.memory - before
        print(f"{UPLOADS} slow uploads of 1 MiB to {path}: {growth / MB:.0f} MB more")  # noqa: T201
        assert growth < most


async def flood(target: Target, begin: bytes, unit: bytes, most: int) -> tuple[bytes, int]:
    """Send ``unit`` until the process refuses it, up to ``most`` bytes; return its answer."""
    reader, writer = await target.connect()
    sent, block = 0, unit * (65_536 // len(unit))
    writer.write(begin)
    with suppress(OSError):
        while sent < most and not writer.is_closing() and not reader.at_eof():
            writer.write(block)
            await writer.drain()
            sent += len(block)
    answer = b""
    with suppress(OSError, TimeoutError):
        answer = await asyncio.wait_for(reader.read(4096), 60)
    writer.close()
    return answer, sent


CHUNKED = b"POST /v1/refunds HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
WITHOUT_END = {
    "headers": (b"GET / HTTP/1.1\r\n", b"a: b\r\n"),
    "a header's value": (b"GET / HTTP/1.1\r\na: ", b"x"),
    "a header's name": (b"GET / HTTP/1.1\r\n", b"x"),
    "an address": (b"GET /", b"x"),
    "empty lines": (b"", b"\r\n"),
    "trailers": (CHUNKED + b"0\r\n", b"a: b\r\n"),
    "a trailer's value": (CHUNKED + b"1\r\nx\r\n0\r\na: ", b"x"),
    "a chunk's extension": (CHUNKED + b"1;", b"x"),
    "chunks of one byte": (CHUNKED, b"1\r\nx\r\n"),
}


async def test_an_endless_request_is_cut_off(target: Target) -> None:
    for name, (begin, unit) in WITHOUT_END.items():
        before, started = target.memory, time.monotonic()
        answer, sent = await flood(target, begin, unit, 32 * MB)
        seconds, growth = time.monotonic() - started, target.memory - before
        figures = f"{sent / MB:.1f} MB in {seconds:.1f} s, {growth / MB:.0f} MB more"
        print(f"{name}: {figures}")  # noqa: T201
        assert sent < 16 * MB, name
        assert growth < 16 * MB, name
        assert answer == b"" or answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 401 "))
        assert await target.is_serving(), name


async def test_too_many_headers_are_refused_with_a_problem(target: Target) -> None:
    reader, writer = await target.connect()
    writer.write(b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n")
    answer = await asyncio.wait_for(reader.read(), 60)  # to the end: the server closes
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in answer
    assert b"too_many_headers" in answer
    writer.close()


@pytest.mark.parametrize("first", [b"", b"GET /healthz HTTP/1.1\r\nhost: x\r\n"])
async def test_one_address_cannot_lock_the_others_out(target: Target, first: bytes) -> None:
    async with crowd(target, DESCRIPTORS + 100, first) as people:
        assert await target.is_serving()
        assert len(people) > DESCRIPTORS / 2
    await comes_back(target, "127.0.0.1")


async def test_many_addresses_cannot_exhaust_the_descriptors(target: Target) -> None:
    async with crowd(target, 500, source="127.0.0.3"), crowd(target, 500, source="127.0.0.4"):
        assert target.process.num_fds() < DESCRIPTORS - 50
        async with httpx.AsyncClient(timeout=5) as http:
            with suppress(httpx.TransportError):  # a refusal, not a hanging connection
                answer = await http.get(f"http://127.0.0.1:{target.port}/healthz")
                assert answer.status_code in {200, 503}
    await comes_back(target, "127.0.0.2")


async def seconds_until_closed(target: Target, first: bytes, *, dripping: bool = False) -> float:
    """Send what is no whole request; return how long the connection stands."""
    reader, writer = await target.connect()
    started = time.monotonic()
    writer.write(first)
    async with asyncio.timeout(30):
        with suppress(OSError):
            while await drip(reader, writer, b"x" if dripping else b""):
                pass
    writer.close()
    return time.monotonic() - started


async def test_an_incomplete_request_times_out(target: Target) -> None:
    """A request's head; and a body that nobody asked for, since its sender has no key."""
    unread = b"POST /v1/refunds HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n"
    seconds = await asyncio.gather(
        seconds_until_closed(target, b""),
        seconds_until_closed(target, b"GET /healthz HTTP/1.1\r\nhost: "),
        seconds_until_closed(target, b"GET /healthz HTTP/1.1\r\nhost: ", dripping=True),
        seconds_until_closed(target, unread),
        seconds_until_closed(target, unread, dripping=True),
    )
    assert all(4 < one < 28 for one in seconds), seconds


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, more: bytes) -> bool:
    """Send ``more``; tell whether the connection still stands a second later."""
    writer.write(more)
    await writer.drain()
    try:
        async with asyncio.timeout(1):
            while await reader.read(4096):
                pass
    except TimeoutError:
        return True
    return False
