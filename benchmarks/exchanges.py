"""Count exchanges with PostgreSQL: a proxy in front of the server counts the ends of its answers.

PostgreSQL ends its answer to each exchange with the message ReadyForQuery, whatever the number of
statements in it. (https://www.postgresql.org/docs/current/protocol-message-formats.html)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_READY = b"Z"
_HEAD_BYTES = 5
"""Bytes before the body of a message: its type, and its length, which counts itself."""


class ExchangeCounter:
    """Passes bytes between clients and the server, and counts the answers."""

    def __init__(self, url: str) -> None:
        """Prepare a proxy for the server of ``url``."""
        target = conninfo_to_dict(url)
        self._target = (str(target["host"]), int(str(target["port"])))
        self.exchanges = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect one client to the server until either closes the connection."""
        from_server, to_server = await asyncio.open_connection(*self._target)
        ways = [
            asyncio.create_task(_forward(reader, to_server)),
            asyncio.create_task(self._answer(from_server, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, to_server):
            end.close()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(_HEAD_BYTES)
                body = await reader.readexactly(int.from_bytes(head[1:], "big") - 4)
                writer.write(head + body)
                self.exchanges += head[:1] == _READY


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@contextmanager
def counted(url: str) -> Iterator[tuple[ExchangeCounter, str]]:
    """Run a proxy for the server of ``url`` in a thread; yield it with the address through it."""
    counter, ready, stop = ExchangeCounter(url), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    ports: list[int] = []

    async def run() -> None:
        async with _listening(counter) as port:
            ports.append(port)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[run()])
    thread.start()
    try:
        ready.wait()
        plain = {"sslmode": "disable", "gssencmode": "disable"}  # their answers are no messages
        yield counter, make_conninfo(url, host="127.0.0.1", port=ports[0], **plain)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@asynccontextmanager
async def _listening(counter: ExchangeCounter) -> AsyncIterator[int]:
    """Listen on a free port, and close every connection at the end."""
    server = await asyncio.start_server(counter.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
