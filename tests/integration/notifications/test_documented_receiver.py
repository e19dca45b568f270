"""The receiver in docs/events.md does what the page says."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from groat.platform.embedded.places import free_port
from tests.support.feed import all_events
from tests.support.http_servers import until
from tests.support.webhook_receiver import add_endpoint, send_all
from tests.support.world import World

PAGE = Path(__file__).parents[3] / "docs" / "events.md"
MOST_LINES = 25


def receiver() -> str:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(code)


@contextmanager
def running(port: int, secret: str, database: Path) -> Iterator[None]:
    told = {"PORT": str(port), "WEBHOOK_SECRET": secret, "DATABASE": str(database)}
    line = [sys.executable, "-c", receiver()]
    with subprocess.Popen(line, env={**os.environ, **told}, stderr=subprocess.DEVNULL) as process:
        yield
        process.kill()


def listens(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def objects(database: Path) -> dict[str, tuple[int, object]]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("select id, sequence, data from object").fetchall()
    return {name: (sequence, json.loads(data)) for name, sequence, data in rows}


async def test_the_receiver_verifies_deduplicates_and_orders(hooked: World, tmp_path: Path) -> None:
    port, database = free_port(), tmp_path / "events.db"
    url = f"http://127.0.0.1:{port}/"
    endpoint = await add_endpoint(hooked, url)
    with running(port, endpoint["secret"], database):
        await until(lambda: listens(port))
        payment = await hooked.pay(await hooked.wallet())
        await hooked.refund(payment)
        await send_all(hooked)
        events = await all_events(hooked)
        latest = {one["subject"]["id"]: (one["subject"]["sequence"], one["data"]) for one in events}
        assert objects(database) == latest
        path = f"webhook-endpoints/{endpoint['id']}/deliveries/{events[0]['id']}/resend"
        assert (await hooked.ask(path)).status_code == 200
        await send_all(hooked)
        assert objects(database) == latest  # the first event of the payment is stale
        forged = {"webhook-id": "evt_1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
        async with httpx.AsyncClient() as client:
            answer = await client.post(url, content=b"{}", headers=forged)
        assert answer.status_code == 400


def test_the_receiver_is_short() -> None:
    assert len([line for line in receiver().splitlines() if line.strip()]) <= MOST_LINES
