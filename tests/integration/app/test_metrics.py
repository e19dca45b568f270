"""Metrics and probes: each value moves when its cause does, and they survive a hanging server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from groat.app.metrics_port import metrics_port
from groat.kernel.errors import ConfigurationError
from groat.platform.embedded.places import free_port
from groat.platform.http.probes import Health
from groat.platform.postgres.database import Database
from groat.platform.postgres.heartbeat import heartbeat, processes
from tests.support.declared_metrics import declared_metrics
from tests.support.sealing import seal_all
from tests.support.soundness import assert_sound
from tests.support.world import World

Found = TypeVar("Found")

PATIENCE_SECONDS = 60.0
PROBE_SECONDS = 1.0
"""Time that a probe of Kubernetes waits by default."""


async def eventually(ask: Callable[[], Awaitable[list[Found]]]) -> list[Found]:
    """Ask until the answer is not empty."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = await ask()
            if found:
                return found
            await asyncio.sleep(0.01)


async def is_answering(client: httpx.AsyncClient) -> list[bool]:
    with suppress(httpx.ConnectError):
        return [(await client.get("/livez")).is_success]
    return []


@pytest.fixture
async def port(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the metrics port of the world's engine."""
    number, engine = free_port(), world.engine
    async with (
        metrics_port(engine.database, engine.health, "127.0.0.1", number),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{number}") as client,
    ):
        await eventually(lambda: is_answering(client))
        yield client


async def scrape(port: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """Return every sample, by its name and the values of its labels."""
    answer = await port.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_payments_and_webhooks_move_the_counters(
    world: World, port: httpx.AsyncClient
) -> None:
    before = await scrape(port)
    await world.pay(await world.wallet())
    await world.settle()
    after = await scrape(port)

    def grown(*sample: str) -> float:
        return after[sample] - before.get(sample, 0)

    assert grown("groat_http_requests_total", "POST", "/v1/payments", "201") == 1
    account = world.stripe.account
    assert grown("groat_provider_call_seconds_count", account, "authorize", "answered") == 1
    assert grown("groat_provider_event_lag_seconds_count", "processed") >= 1
    assert after["groat_breaker_state", account] == 0
    assert after["groat_database_connections", "max"] >= after["groat_database_connections", "idle"]


async def test_an_event_that_waits_is_counted_until_it_is_settled(
    world: World, port: httpx.AsyncClient
) -> None:
    await world.pay(await world.wallet())
    mail = await world.posted_mail()
    await world.deliver_all(mail)
    waiting = await scrape(port)
    assert waiting["groat_inbox_open_events", "pending"] == len(mail)
    assert waiting["groat_inbox_oldest_seconds", "pending"] > 0
    await world.drain()
    settled = await scrape(port)
    assert settled["groat_inbox_open_events", "pending"] == 0
    assert settled["groat_inbox_oldest_seconds", "pending"] == 0
    assert settled["groat_inbox_dead_events",] == 0


async def test_a_lost_answer_is_counted_as_an_unknown_operation(
    world: World, port: httpx.AsyncClient
) -> None:
    await world.stripe.set_faults(answer="cut_after")
    await world.pay(await world.wallet())
    found = await scrape(port)
    assert found["groat_operations_open", "unknown"] == 1
    assert found["groat_operations_oldest_seconds", "unknown"] > 0


async def test_a_wrong_balance_shows_as_an_imbalance(world: World, port: httpx.AsyncClient) -> None:
    await world.pay(await world.wallet())
    assert (await scrape(port))["groat_ledger_imbalance", "EUR"] == 0
    async with await psycopg.AsyncConnection.connect(world.database_url) as connection:
        await connection.execute("set session_replication_role = replica")
        await connection.execute("update balance set posted = posted + 7 where not is_engine")
    assert (await scrape(port))["groat_ledger_imbalance", "EUR"] == 7


async def test_sealing_and_verification_are_measured(world: World, port: httpx.AsyncClient) -> None:
    await world.wallet()
    assert (await scrape(port))["groat_audit_unsealed_records",] > 0
    await seal_all(world)
    await assert_sound(world)
    found = await scrape(port)
    assert found["groat_audit_unsealed_records",] == 0
    assert found["groat_verification_ok",] == 1
    assert abs(time.time() - found["groat_verification_timestamp_seconds",]) < 60


async def test_every_declared_metric_is_exposed(port: httpx.AsyncClient) -> None:
    answer = await port.get("/metrics")
    exposed = {family.name for family in text_string_to_metric_families(answer.text)}
    assert declared_metrics() <= exposed


async def test_a_process_that_beats_is_alive_until_it_ends(
    world: World, port: httpx.AsyncClient
) -> None:
    database = world.engine.database
    async with heartbeat(database, "worker"):
        [process] = await eventually(lambda: processes(database))
        assert (process.kind, process.is_alive) == ("worker", True)
        alive = await scrape(port)
        assert alive["groat_processes", "worker", process.version] == 1
    assert await processes(database) == []


async def test_a_port_that_is_taken_is_named(world: World, port: httpx.AsyncClient) -> None:
    engine, taken = world.engine, port.base_url.port
    with pytest.raises(ConfigurationError, match=f"GROAT_METRICS_PORT {taken}") as refused:
        async with metrics_port(engine.database, engine.health, "127.0.0.1", taken):
            pass
    assert refused.value.code == "port_in_use"


async def test_a_ready_process_says_so_on_both_ports(world: World, port: httpx.AsyncClient) -> None:
    for client in (port, world.api):
        for path in ("/livez", "/readyz"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_process_whose_connections_are_all_in_use_is_ready(
    world: World,
) -> None:
    database = Database(world.database_url, max_connections=1)
    await database.open()
    try:
        assert await Health(database).obstacle() is None
        async with database.transaction():
            assert await Health(database).obstacle() is None
    finally:
        await database.close()


async def test_a_process_that_stops_is_live_and_not_ready(
    world: World, port: httpx.AsyncClient
) -> None:
    world.engine.health.stopping = True
    answer = await port.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "stopping")
    assert (await port.get("/livez")).status_code == 200


async def test_a_hanging_postgresql_is_noticed_before_the_probe_gives_up() -> None:
    async def never(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hanging.wait()
        writer.close()

    hanging = asyncio.Event()
    server = await asyncio.start_server(never, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    database = Database(f"postgresql://nobody@127.0.0.1:{number}/none", max_connections=2)
    await database.open()
    try:
        took = []
        for _ in range(10):  # a busy machine may stretch some of them
            started = time.monotonic()
            assert await Health(database).obstacle() == "database_unavailable"
            took.append(time.monotonic() - started)
        assert min(took) < PROBE_SECONDS
    finally:
        hanging.set()
        await database.close()
        server.close()
        await server.wait_closed()
