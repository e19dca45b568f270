"""Connections to a real server: sound after an error, quiet after a disconnect, and bounded."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest
import uvicorn
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs

from groat.kernel.errors import ConfigurationError
from groat.platform.http import guard
from groat.platform.http.bodies import BodyBudget
from groat.platform.http.edge import Body, StrictRoute
from groat.platform.http.guard import (
    Admission,
    ConnectionLimits,
    connection_limits,
    guarded,
)
from groat.platform.http.middleware import LastResort, RequestIds
from groat.platform.http.problems import install_problem_documents
from groat.simulator.serve import EmbeddedServer
from tests.support.http_servers import until

Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect: TypeAlias = Callable[[], Awaitable[Connection]]

HOST = b"host: x\r\n"


class Order(Body):
    amount: int


class Stage:
    """An application with requests that fail, wait and break off."""

    def __init__(self) -> None:
        self.waiting = 0
        self.go_on = asyncio.Event()
        routes = APIRouter(route_class=StrictRoute)

        @routes.get("/fail")
        async def fail() -> None:
            raise RuntimeError("hunter2")

        @routes.get("/half")
        async def half() -> StreamingResponse:
            async def content() -> AsyncIterator[bytes]:
                yield b"half"
                raise RuntimeError("hunter2")

            return StreamingResponse(content())

        @routes.get("/wait")
        async def wait(request: Request) -> dict[str, str]:
            self.waiting += 1
            await self.go_on.wait()
            return {"waited": request.state.request_id}

        @routes.post("/orders")
        async def take(order: Order) -> Order:
            return order

        app = FastAPI()
        app.include_router(routes)
        app.add_middleware(LastResort)
        install_problem_documents(app)
        app.add_middleware(RequestIds)
        self.app = BodyBudget(app)


@pytest.fixture
async def stage() -> Stage:
    return Stage()


@asynccontextmanager
async def served(stage: Stage, total: int = 10, per_address: int = 5) -> AsyncIterator[Connect]:
    """Serve the stage behind the guard; yield what makes a connection to it."""
    listener = socket.create_server(("127.0.0.1", 0))
    http = guarded(ConnectionLimits(total, per_address))
    config = uvicorn.Config(
        stage.app, http=http, ws="none", interface="asgi3", log_config=None, lifespan="off"
    )
    server = EmbeddedServer(config)
    task = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    opened: list[Connection] = []

    async def connect() -> Connection:
        opened.append(await asyncio.open_connection(*listener.getsockname()))
        return opened[-1]

    try:
        yield connect
    finally:
        for _, writer in opened:
            writer.close()
        server.should_exit = True
        await task


async def answered(connection: Connection) -> tuple[int, bytes]:
    """Return the status and the body of the next answer."""
    reader, _ = connection
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if b"content-length" in line
    )
    return int(head.split()[1]), await asyncio.wait_for(reader.readexactly(length), 60)


async def ask(connection: Connection, path: str) -> tuple[int, bytes]:
    connection[1].write(f"GET {path} HTTP/1.1\r\n".encode() + HOST + b"\r\n")
    return await answered(connection)


async def test_a_connection_is_usable_after_an_unforeseen_error(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.go_on.set()
    async with served(stage) as connect:
        connection = await connect()
        for _ in range(3):
            with capture_logs() as logs:
                status, body = await ask(connection, "/fail")
            assert (status, b'"code":"internal_error"' in body, b"hunter2" in body) == (
                500,
                True,
                False,
            )
            assert [line["event"] for line in logs] == ["request_failed"]
            assert (await ask(connection, "/wait"))[0] == 200
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_partial_answer_ends_its_connection(stage: Stage) -> None:
    async with served(stage) as connect:
        reader, writer = await connect()
        with capture_logs() as logs:
            writer.write(b"GET /half HTTP/1.1\r\n" + HOST + b"\r\n")
            answer = await asyncio.wait_for(reader.read(), 60)
    assert b"half" in answer
    assert not answer.endswith(b"0\r\n\r\n")
    assert [line["event"] for line in logs] == ["request_failed"]


@pytest.mark.parametrize("sent", [b"", b'{"amou'])
async def test_a_caller_that_disconnects_in_mid_body_is_no_error(
    stage: Stage, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logs:
        async with served(stage) as connect:
            _, writer = await connect()
            head = b"POST /orders HTTP/1.1\r\ncontent-type: application/json\r\n" + HOST
            writer.write(head + b"content-length: 100\r\n\r\n" + sent)
            await writer.drain()
            writer.transport.abort()
            other = await connect()
            assert (await ask(other, "/nowhere"))[0] == 404
    assert logs == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_an_answer_can_take_longer_than_a_head(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "HEAD_SECONDS", 0.05)
    async with served(stage) as connect:
        connection = await connect()
        asking = asyncio.create_task(ask(connection, "/wait"))
        await until(lambda: stage.waiting == 1)
        idle = await connect()
        assert await asyncio.wait_for(idle[0].read(), 60) == b""  # its time has passed
        stage.go_on.set()
        assert (await asking)[0] == 200


async def test_pipelined_requests_are_answered_in_order(stage: Stage) -> None:
    stage.go_on.set()
    async with served(stage) as connect:
        connection = await connect()
        body = b'{"amount": 5}'
        order = b"POST /orders HTTP/1.1\r\ncontent-type: application/json\r\n" + HOST
        order += b"content-length: %d\r\n\r\n" % len(body) + body
        connection[1].write(order + b"GET /wait HTTP/1.1\r\n" + HOST + b"\r\n" + order)
        answers = [await answered(connection) for _ in range(3)]
        assert [status for status, _ in answers] == [200, 200, 200]
        assert answers[0] == answers[2] == (200, b'{"amount":5}')


@pytest.mark.parametrize("size", [1, 5, 1000, 60_000])
async def test_a_body_can_arrive_in_chunks(stage: Stage, size: int) -> None:
    """Of any size that a client of good will has, several in one packet or not."""
    async with served(stage) as connect:
        connection = await connect()
        body = b'{"amount": 5}' + b" " * (12_000 if size == 1 else 60_000)
        order = b"POST /orders HTTP/1.1\r\ncontent-type: application/json\r\n" + HOST
        order += b"transfer-encoding: chunked\r\n\r\n"
        for at in range(0, len(body), size):
            chunk = body[at : at + size]
            order += b"%x\r\n%b\r\n" % (len(chunk), chunk)
        order += b"0\r\ntrailer: x\r\n\r\n"
        for _ in range(3):
            connection[1].write(order)
            assert await answered(connection) == (200, b'{"amount":5}')
        connection[1].write(order * 3)
        for _ in range(3):
            assert await answered(connection) == (200, b'{"amount":5}')


async def test_a_head_can_arrive_byte_by_byte_and_together_with_its_body(stage: Stage) -> None:
    async with served(stage) as connect:
        connection = await connect()
        body = b'{"amount": 5}' + b" " * 50_000
        order = b"POST /orders HTTP/1.1\r\ncontent-type: application/json\r\n" + HOST
        order += b"content-length: %d\r\n\r\n" % len(body) + body
        for at in range(200):
            connection[1].write(order[at : at + 1])
            await connection[1].drain()
            await asyncio.sleep(0)
        connection[1].write(order[200:])
        assert await answered(connection) == (200, b'{"amount":5}')


async def test_a_connection_above_the_limit_gets_503_with_retry_after(stage: Stage) -> None:
    async with served(stage, per_address=2) as connect:
        first, _ = await connect(), await connect()
        assert (await ask(first, "/nowhere"))[0] == 404
        refused = await connect()
        status, body = await answered(refused)
        assert (status, b'"code":"overloaded"' in body) == (503, True)
        assert await refused[0].read() == b""
        first[1].close()
        await first[1].wait_closed()
        await asyncio.sleep(0)
        status = 503
        while status == 503:
            status, _ = await _status(await connect())
        assert status == 404


async def _status(connection: Connection) -> tuple[int, bytes]:
    try:
        return await ask(connection, "/nowhere")
    except (OSError, asyncio.IncompleteReadError):
        return 503, b""


def test_connections_are_limited_in_total_and_per_address() -> None:
    admission = Admission(ConnectionLimits(total=3, per_address=2))
    assert [admission.admits(one) for one in ("a", "a", "a", "b", "b")] == [
        True,
        True,
        False,
        True,
        False,
    ]
    admission.leaves("a")
    assert [admission.admits("b"), admission.admits("b"), admission.admits("a")] == [
        True,
        False,
        False,
    ]


def test_connections_stay_below_the_limit_of_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: dict[str, Any] = {"limits": (256, 1024), "set": None}
    monkeypatch.setattr("resource.getrlimit", lambda _: allowed["limits"])
    monkeypatch.setattr("resource.setrlimit", lambda _, to: allowed.update(set=to))
    assert connection_limits(2048, None, 16) == ConnectionLimits(1024 - 144, (1024 - 144) // 2)
    assert allowed["set"] == (1024, 1024)
    assert connection_limits(300, 7, 16) == ConnectionLimits(300, 7)
    assert allowed["set"] == (444, 1024)
    allowed["limits"] = (100, 100)
    with pytest.raises(ConfigurationError, match="ulimit"):
        connection_limits(2048, None, 16)
