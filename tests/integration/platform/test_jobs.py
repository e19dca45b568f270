from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import redis.asyncio
import structlog

from groat.platform.embedded.servers import EmbeddedServers
from groat.platform.process.cancellation import cancel_all
from groat.platform.redis.jobs import (
    Doorbell,
    JobWorker,
    Reminder,
    connect_redis,
)

QUEUE = "groat-test"
LIMIT_SECONDS = 60


@dataclass
class Recorder:
    """A handler that counts its runs and holds each until it is let go on."""

    runs: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    started: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, name: str, data: Mapping[str, object]) -> None:
        self.runs.append((name, data))
        self.started.release()
        await self.may_end.wait()

    async def await_run(self) -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            await self.started.acquire()


@asynccontextmanager
async def working(servers: EmbeddedServers, handler: Recorder) -> AsyncIterator[None]:
    task = asyncio.create_task(JobWorker(servers.redis_url, QUEUE, handler).run())
    try:
        yield
    finally:
        await cancel_all([task])


async def is_idle(client: redis.asyncio.Redis) -> bool:
    return not (
        await client.llen(f"bull:{QUEUE}:active") or await client.llen(f"bull:{QUEUE}:wait")
    )


async def await_idle(client: redis.asyncio.Redis) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not await is_idle(client):  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.02)


async def ring_until_run(bell: Doorbell, handler: Recorder) -> None:
    """Ring as traffic does, again and again: rings while Redis is away are lost by design."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while handler.started.locked():
            await bell.ring()
            await asyncio.sleep(0.1)
    await handler.await_run()


async def test_a_ring_reaches_the_handler_and_leaves_no_job(
    valkey: EmbeddedServers, client: redis.asyncio.Redis
) -> None:
    handler = Recorder()
    handler.may_end.set()
    async with working(valkey, handler):
        await Doorbell(client, QUEUE).ring()
        await handler.await_run()
        await await_idle(client)
    assert handler.runs == [("drain", {})]
    assert await client.zcard(f"bull:{QUEUE}:completed") == 0


async def test_rings_without_a_worker_are_one_job(client: redis.asyncio.Redis) -> None:
    bell = Doorbell(client, QUEUE)
    for _ in range(100):
        await bell.ring()
    assert await client.llen(f"bull:{QUEUE}:wait") == 1


async def test_a_hundred_rings_during_a_job_cause_exactly_one_more_job(
    valkey: EmbeddedServers, client: redis.asyncio.Redis
) -> None:
    handler, bell = Recorder(), Doorbell(client, QUEUE)
    async with working(valkey, handler):
        await bell.ring()
        await handler.await_run()
        await asyncio.gather(*(bell.ring() for _ in range(100)))
        handler.may_end.set()
        await handler.await_run()
        await await_idle(client)
    assert len(handler.runs) == 2


async def test_jobs_have_the_keys_of_bullmq_for_node(client: redis.asyncio.Redis) -> None:
    await Doorbell(client, QUEUE).ring()
    [job_id] = await client.lrange(f"bull:{QUEUE}:wait", 0, -1)
    assert await client.hget(f"bull:{QUEUE}:{job_id!s}", "name") == "drain"
    assert await client.get(f"bull:{QUEUE}:de:drain") == job_id
    assert await client.type(f"bull:{QUEUE}:meta") == "hash"
    assert await client.type(f"bull:{QUEUE}:events") == "stream"


async def test_without_redis_a_ring_fails_fast_then_costs_nothing_and_is_logged_once(
    valkey: EmbeddedServers, client: redis.asyncio.Redis
) -> None:
    bell = Doorbell(client, QUEUE)
    await bell.ring()
    valkey.valkey.stop()
    try:
        with structlog.testing.capture_logs() as lines:
            started = time.process_time()
            for _ in range(1000):
                await bell.ring()
            assert time.process_time() - started < 0.5
            valkey.valkey.start()
            async with asyncio.timeout(LIMIT_SECONDS):
                while len(lines) < 2:
                    await bell.ring()
                    await asyncio.sleep(0.05)
    finally:
        valkey.valkey.start()
    assert [line["event"] for line in lines] == ["doorbell_down", "doorbell_up"]


async def test_a_frozen_redis_delays_a_ring_by_at_most_a_quarter_of_a_second(
    valkey: EmbeddedServers, client: redis.asyncio.Redis
) -> None:
    bell = Doorbell(client, QUEUE)
    await bell.ring()
    os.kill(valkey.valkey.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        await bell.ring()
        took = time.monotonic() - started
    finally:
        os.kill(valkey.valkey.pid, signal.SIGCONT)
    assert 0.2 < took < 5


async def test_ring_soon_never_waits_and_a_hundred_calls_cause_at_most_two_rings(
    valkey: EmbeddedServers, client: redis.asyncio.Redis
) -> None:
    handler = Recorder()
    handler.may_end.set()
    bell = Doorbell(connect_redis(valkey.redis_url), QUEUE)
    async with working(valkey, handler):
        for _ in range(100):
            bell.ring_soon(1)
        assert not handler.runs
        await bell.close()
        await handler.await_run()
        await await_idle(client)
    assert 1 <= len(handler.runs) <= 2


async def test_a_ring_for_many_rows_does_not_delay_the_next_ring(
    valkey: EmbeddedServers,
) -> None:
    handler = Recorder()
    handler.may_end.set()
    bell = Doorbell(connect_redis(valkey.redis_url), QUEUE)
    async with working(valkey, handler), asyncio.timeout(10):
        bell.ring_soon(100_000)
        await handler.await_run()
        bell.ring_soon(1)
        await bell.close()


async def test_a_reminder_runs_at_its_time_and_leaves_no_job(
    valkey: EmbeddedServers, client: redis.asyncio.Redis
) -> None:
    handler = Recorder()
    handler.may_end.set()
    data = {"provider_event": "pev_1"}
    soon, later = timedelta(milliseconds=300), timedelta(hours=1)
    await Doorbell(client, QUEUE).remind(
        [Reminder("pev_1-1", soon, data), Reminder("pev_2-1", later, {})]
    )
    assert await client.zcard(f"bull:{QUEUE}:delayed") == 2
    async with working(valkey, handler):
        await handler.await_run()
        await await_idle(client)
    assert handler.runs == [("retry", data)]
    assert await client.zrange(f"bull:{QUEUE}:delayed", 0, -1) == ["pev_2-1"]
    assert await client.exists(f"bull:{QUEUE}:pev_1-1") == 0


async def test_a_doorbell_without_redis_is_silent() -> None:
    bell = Doorbell(None, QUEUE)
    await bell.ring()
    bell.ring_soon(1)
    await bell.remind([Reminder("pev_1-1", timedelta(0), {})])
    await bell.close()
    assert bell._queue is None


async def test_a_worker_outlives_a_killed_valkey(
    valkey: EmbeddedServers, client: redis.asyncio.Redis
) -> None:
    handler, bell = Recorder(), Doorbell(client, QUEUE)
    handler.may_end.set()
    async with working(valkey, handler):
        await ring_until_run(bell, handler)
        valkey.valkey.kill()
        await bell.ring()
        valkey.valkey.start()
        await ring_until_run(bell, handler)
    assert len(handler.runs) >= 2


async def test_a_worker_that_starts_before_valkey_works_once_valkey_runs(
    valkey: EmbeddedServers, client: redis.asyncio.Redis
) -> None:
    handler = Recorder()
    handler.may_end.set()
    valkey.valkey.stop()
    with structlog.testing.capture_logs() as lines:
        async with working(valkey, handler):
            async with asyncio.timeout(LIMIT_SECONDS):
                while not lines:  # noqa: ASYNC110 - a log has no event to wait for
                    await asyncio.sleep(0.02)
            valkey.valkey.start()
            await ring_until_run(Doorbell(client, QUEUE), handler)
    assert lines[0]["event"] == "worker_error"


async def test_a_worker_outlives_flushall(
    valkey: EmbeddedServers, client: redis.asyncio.Redis
) -> None:
    handler, bell = Recorder(), Doorbell(client, QUEUE)
    handler.may_end.set()
    async with working(valkey, handler):
        await ring_until_run(bell, handler)
        await client.flushall()
        await ring_until_run(bell, handler)
    assert len(handler.runs) >= 2


async def test_a_stopping_worker_finishes_its_job(
    valkey: EmbeddedServers, client: redis.asyncio.Redis
) -> None:
    handler = Recorder()
    task = asyncio.create_task(JobWorker(valkey.redis_url, QUEUE, handler).run())
    await Doorbell(client, QUEUE).ring()
    await handler.await_run()
    task.cancel()
    handler.may_end.set()
    await asyncio.wait({task}, timeout=LIMIT_SECONDS)
    assert task.cancelled()
    assert await is_idle(client)


async def test_a_closed_doorbell_releases_its_connections(valkey: EmbeddedServers) -> None:
    bell_client = connect_redis(valkey.redis_url)
    bell = Doorbell(bell_client, QUEUE)
    await bell.ring()
    await bell.close()
    async with connect_redis(valkey.redis_url) as observer:
        assert len(await observer.client_list()) == 1


async def test_a_process_that_does_the_work_answers_its_own_ring_without_redis(
    client: redis.asyncio.Redis,
) -> None:
    bell, answers = Doorbell(client, QUEUE), []

    async def answer() -> None:
        answers.append("answered")

    bell.answer = answer
    for _ in range(100):
        bell.ring_soon(1)
    await bell.close()
    assert 1 <= len(answers) <= 2
    assert not await client.keys(f"bull:{QUEUE}:*")
