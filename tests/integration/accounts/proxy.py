"""A way to PostgreSQL that can lose the answer to a commit, as a network does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

COMMITTED = (b"COMMIT\0", b"first_at\0")
"""The tag of a commit, and a column of the statement that posts by claims and commits itself."""


class Proxy:
    """Passes bytes on, and cuts the connection instead of handing back the answer to a commit."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.to_lose = 0
        self.lost = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        tasks = [
            asyncio.create_task(_forward(reader, server_writer)),
            asyncio.create_task(self._back(server_reader, writer)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, server_writer):
            end.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self.to_lose and any(mark in data for mark in COMMITTED):
                self.to_lose -= 1
                self.lost += 1
                return
            writer.write(data)
            await writer.drain()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def losing_answers(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """Yield a proxy to the server of ``url``, and the address through it."""
    target = conninfo_to_dict(url)
    proxy = Proxy(str(target["host"]), int(str(target["port"])))
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield proxy, make_conninfo(url, port=port)
    finally:
        server.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 5)
