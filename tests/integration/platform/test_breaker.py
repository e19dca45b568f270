from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import redis.asyncio
from structlog.testing import capture_logs

from groat.platform.crypto import MasterKeys, Vault
from groat.platform.embedded.servers import EmbeddedServers
from groat.platform.redis import breaker
from groat.platform.redis.breaker import BUDGET_SECONDS, Breakers
from groat.platform.redis.circuit import POLICY, BreakerState
from groat.platform.redis.jobs import connect_redis
from tests.support.clock import ManualClock

ACCOUNT = "pac_1"
VAULT = Vault(MasterKeys([bytes(32)]), bytes(32))
KEY = f"groat:breaker:{ACCOUNT}"
A_WHILE = timedelta(seconds=1)
"""After it, a process asks again what others did, and whether Redis is back."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def ours(client: redis.asyncio.Redis, clock: ManualClock) -> Breakers:
    return Breakers(client, VAULT, clock, monotonic=clock.monotonic)


@pytest.fixture
async def theirs(
    valkey: EmbeddedServers, client: redis.asyncio.Redis, clock: ManualClock
) -> AsyncIterator[Breakers]:
    """The breakers of another process: on a connection of its own, with the same time."""
    async with connect_redis(valkey.redis_url) as connected:
        await client.ping()  # and emptied by its fixture
        yield Breakers(connected, VAULT, clock, monotonic=clock.monotonic)


@contextmanager
def away(valkey: EmbeddedServers) -> Iterator[None]:
    valkey.valkey.kill()
    try:
        yield
    finally:
        valkey.valkey.start()


@contextmanager
def frozen(valkey: EmbeddedServers) -> Iterator[None]:
    os.kill(valkey.valkey.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(valkey.valkey.pid, signal.SIGCONT)


async def fail(breakers: Breakers, times: int = POLICY.failures) -> None:
    for _ in range(times):
        await breakers.record(ACCOUNT, ok=False)


async def notice(clock: ManualClock, *of_each: Breakers) -> None:
    """Let each find its connection dead, which it may have kept since before Redis went away."""
    for breakers in of_each:
        clock.advance(A_WHILE)
        await breakers.state(ACCOUNT)
    clock.advance(A_WHILE)


async def commands_done(client: redis.asyncio.Redis) -> int:
    return int((await client.info("stats"))["total_commands_processed"])


async def test_failures_are_counted_over_all_processes(ours: Breakers, theirs: Breakers) -> None:
    assert await ours.allows(ACCOUNT)
    assert await theirs.allows(ACCOUNT)
    await fail(ours, 3)
    await fail(theirs, 1)
    assert await theirs.allows(ACCOUNT)
    await fail(ours, 1)
    assert not await ours.allows(ACCOUNT)


async def test_a_process_that_lost_every_write_shares_its_failures_later(
    ours: Breakers, theirs: Breakers, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "_TRIES", 1)
    assert await theirs.allows(ACCOUNT)
    await fail(ours, 1)
    await fail(theirs, 1)
    clock.advance(A_WHILE)
    assert await theirs.allows(ACCOUNT)
    await fail(ours, POLICY.failures - 2)
    assert not await ours.allows(ACCOUNT)


async def test_failures_of_another_process_are_seen_at_the_next_read(
    ours: Breakers, theirs: Breakers, clock: ManualClock
) -> None:
    assert await theirs.allows(ACCOUNT)
    await fail(ours)
    assert await theirs.allows(ACCOUNT)
    clock.advance(A_WHILE)
    assert not await theirs.allows(ACCOUNT)


async def test_one_of_many_callers_probes_and_its_success_closes_the_breaker_for_all(
    ours: Breakers, theirs: Breakers, clock: ManualClock
) -> None:
    await fail(ours)
    clock.advance(POLICY.cooldown)
    both = (ours, theirs)
    for breakers in both:  # each knows that it is half-open, and of no probe
        assert await breakers.state(ACCOUNT) is BreakerState.HALF_OPEN
    allowed = await asyncio.gather(*(both[n % 2].allows(ACCOUNT) for n in range(40)))
    assert sum(allowed) == 1
    await ours.record(ACCOUNT, ok=True)
    clock.advance(A_WHILE)
    assert await theirs.allows(ACCOUNT)
    assert await theirs.allows(ACCOUNT)


async def test_a_failed_probe_opens_the_breaker_for_all(
    ours: Breakers, theirs: Breakers, clock: ManualClock
) -> None:
    await fail(ours)
    clock.advance(POLICY.cooldown)
    assert await theirs.allows(ACCOUNT)
    await theirs.record(ACCOUNT, ok=False)
    clock.advance(POLICY.cooldown)
    assert await ours.state(ACCOUNT) is BreakerState.OPEN
    assert await theirs.state(ACCOUNT) is BreakerState.OPEN


async def test_no_concurrent_failure_is_lost(
    ours: Breakers, theirs: Breakers, clock: ManualClock
) -> None:
    failures = POLICY.failures - 1
    both = (ours, theirs)
    await asyncio.gather(*(both[n % 2].record(ACCOUNT, ok=False) for n in range(failures)))
    clock.advance(A_WHILE)
    assert await ours.allows(ACCOUNT)
    await fail(ours, 1)
    assert not await ours.allows(ACCOUNT)


async def test_stored_circuits_are_small_and_expire(
    ours: Breakers, client: redis.asyncio.Redis, clock: ManualClock
) -> None:
    await asyncio.gather(*(fail(ours) for _ in range(100)))
    clock.advance(POLICY.cooldown)
    await ours.allows(ACCOUNT)
    assert await client.keys() == [KEY]
    assert len(await client.get(KEY) or "") < 500
    assert 0 < await client.ttl(KEY) <= 2 * POLICY.longest_cooldown.total_seconds()
    await ours.record(ACCOUNT, ok=True)
    assert await client.keys() == []


async def test_a_healthy_breaker_reads_redis_once_per_interval(
    ours: Breakers, client: redis.asyncio.Redis, clock: ManualClock
) -> None:
    await ours.allows(ACCOUNT)
    before = await commands_done(client)
    for _ in range(100):
        assert await ours.allows(ACCOUNT)
        await ours.record(ACCOUNT, ok=True)
    clock.advance(A_WHILE)
    for _ in range(100):
        await ours.record(ACCOUNT, ok=True)
    assert await commands_done(client) - before == 1  # the one that counts them
    before = await commands_done(client)
    await asyncio.gather(*(ours.allows(ACCOUNT) for _ in range(100)))
    assert await commands_done(client) - before == 2


async def test_flushall_closes_the_breaker(
    ours: Breakers, theirs: Breakers, client: redis.asyncio.Redis, clock: ManualClock
) -> None:
    await fail(ours)
    await client.flushall()
    clock.advance(A_WHILE)
    assert await ours.state(ACCOUNT) is BreakerState.CLOSED
    await fail(theirs)
    clock.advance(A_WHILE)
    assert await ours.state(ACCOUNT) is BreakerState.OPEN


async def test_processes_without_redis_count_alone_and_share_their_failures_afterwards(
    valkey: EmbeddedServers, ours: Breakers, theirs: Breakers, clock: ManualClock
) -> None:
    with capture_logs() as lines:
        assert await ours.allows(ACCOUNT)
        assert await theirs.allows(ACCOUNT)
        with away(valkey):
            await fail(ours)
            assert not await ours.allows(ACCOUNT)
            assert await theirs.allows(ACCOUNT)
        await notice(clock, ours)
        assert not await ours.allows(ACCOUNT)
        await notice(clock, theirs)
        assert not await theirs.allows(ACCOUNT)
    events = [line["event"] for line in lines]
    assert events[:3] == ["breakers_down", "breaker_changed", "breakers_up"]


async def test_an_open_breaker_stays_open_without_redis_and_can_close_there(
    valkey: EmbeddedServers, ours: Breakers, clock: ManualClock
) -> None:
    await fail(ours)
    with away(valkey):
        clock.advance(A_WHILE)
        assert not await ours.allows(ACCOUNT)
        clock.advance(POLICY.cooldown)
        assert [await ours.allows(ACCOUNT) for _ in range(3)] == [True, False, False]
        await ours.record(ACCOUNT, ok=True)
        assert await ours.allows(ACCOUNT)
    clock.advance(A_WHILE)
    assert await ours.state(ACCOUNT) is BreakerState.CLOSED


async def test_the_breaker_is_shared_again_after_a_restart_of_valkey(
    valkey: EmbeddedServers, ours: Breakers, theirs: Breakers, clock: ManualClock
) -> None:
    await fail(ours, 1)
    with away(valkey):
        await fail(theirs, 1)
    await notice(clock, ours, theirs)
    clock.advance(POLICY.window)
    await fail(ours, 3)
    await fail(theirs, 2)
    clock.advance(A_WHILE)
    assert not await ours.allows(ACCOUNT)
    assert not await theirs.allows(ACCOUNT)


async def test_a_frozen_redis_costs_all_waiting_callers_one_time_budget(
    valkey: EmbeddedServers, ours: Breakers, clock: ManualClock
) -> None:
    assert await ours.allows(ACCOUNT)
    clock.advance(A_WHILE)
    with frozen(valkey):
        started = time.monotonic()
        await asyncio.gather(*(ours.record(ACCOUNT, ok=False) for _ in range(100)))
        for _ in range(10):
            assert not await ours.allows(ACCOUNT)
        took = time.monotonic() - started
    assert BUDGET_SECONDS * 0.9 < took < BUDGET_SECONDS * 10  # and not that of each caller
    clock.advance(A_WHILE)
    assert await ours.state(ACCOUNT) is BreakerState.OPEN


async def test_a_known_state_is_answered_at_once_while_another_call_waits_for_redis(
    valkey: EmbeddedServers, ours: Breakers
) -> None:
    assert await ours.allows(ACCOUNT)
    with frozen(valkey):
        recording = asyncio.create_task(ours.record(ACCOUNT, ok=False))
        await asyncio.sleep(0)
        assert await ours.allows(ACCOUNT)
        assert not recording.done()
        await recording


async def test_a_full_redis_counts_as_no_redis(
    ours: Breakers, client: redis.asyncio.Redis, clock: ManualClock
) -> None:
    await client.config_set("maxmemory", "1")
    try:
        for _ in range(POLICY.failures):
            await fail(ours, 1)
            clock.advance(A_WHILE)
            await ours.state(ACCOUNT)
        assert not await ours.allows(ACCOUNT)
        assert await client.get(KEY) is None
    finally:
        await client.config_set("maxmemory", "0")
    clock.advance(A_WHILE)
    assert not await ours.allows(ACCOUNT)
    assert await client.get(KEY)


async def test_a_full_redis_does_not_prevent_closing(
    ours: Breakers, theirs: Breakers, client: redis.asyncio.Redis, clock: ManualClock
) -> None:
    await fail(ours)
    clock.advance(POLICY.cooldown)
    await client.config_set("maxmemory", "1")
    try:
        assert await ours.allows(ACCOUNT)
        clock.advance(A_WHILE)
        await ours.record(ACCOUNT, ok=True)
        assert await ours.allows(ACCOUNT)
    finally:
        await client.config_set("maxmemory", "0")
    clock.advance(A_WHILE)
    assert await ours.allows(ACCOUNT)
    assert await theirs.allows(ACCOUNT)


OPEN_FOR_AGES = '{"opened_at": "2026-01-01T00:00:00Z", "cooldown": "PT300S", "openings": 9}'
FORGED = [OPEN_FOR_AGES, VAULT.sign(OPEN_FOR_AGES, b"pac_2"), "?", "\ud7ff"]


@pytest.mark.parametrize("held", FORGED, ids=range(len(FORGED)))
async def test_an_unsigned_circuit_stops_no_payment(
    ours: Breakers,
    theirs: Breakers,
    client: redis.asyncio.Redis,
    clock: ManualClock,
    held: str,
) -> None:
    """Each process goes on with its own circuit, which soon stands in place of the forged one."""
    await client.set(KEY, held)
    assert await ours.allows(ACCOUNT)
    clock.advance(A_WHILE)
    await fail(ours)
    assert not await ours.allows(ACCOUNT)
    assert await client.get(KEY) != held
    clock.advance(A_WHILE)
    assert not await theirs.allows(ACCOUNT)


@pytest.mark.parametrize("held", ["?", '{"openings": -1}'])
async def test_a_circuit_of_another_version_is_replaced(
    ours: Breakers, client: redis.asyncio.Redis, held: str
) -> None:
    await client.set(KEY, VAULT.sign(held, ACCOUNT.encode()))
    assert await ours.allows(ACCOUNT)
    await fail(ours)
    assert not await ours.allows(ACCOUNT)
    assert await client.get(KEY) != held
    assert await client.ttl(KEY) > 0


async def test_a_key_of_another_kind_raises_nothing(
    ours: Breakers, client: redis.asyncio.Redis
) -> None:
    await client.rpush(KEY, "x")
    assert await ours.allows(ACCOUNT)
    await fail(ours)
    assert not await ours.allows(ACCOUNT)


async def test_a_client_that_answers_in_bytes_works(
    valkey: EmbeddedServers, theirs: Breakers, clock: ManualClock
) -> None:
    async with redis.asyncio.Redis.from_url(valkey.redis_url) as in_bytes:
        ours = Breakers(in_bytes, VAULT, clock, monotonic=clock.monotonic)
        await fail(theirs, 1)
        await fail(ours, POLICY.failures - 1)
        clock.advance(A_WHILE)
        assert not await theirs.allows(ACCOUNT)
        assert not await ours.allows(ACCOUNT)
