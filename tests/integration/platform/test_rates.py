"""A token bucket in Redis, shared by processes; a bucket of each process without Redis."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

import redis.asyncio

from groat.platform.redis.jobs import connect_redis
from groat.platform.redis.rates import RateLimit, RateLimits

SLOW = RateLimit(per_second=1, most=500)


patient = partial(RateLimits, seconds=60.0)
"""Never falls back to a bucket of its own because the machine is busy."""


@dataclass
class Time:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


async def allowed(rates: RateLimits, requests: int, name: str = "key_1") -> int:
    return sum([(await rates.take(name)).allowed for _ in range(requests)])


async def test_processes_share_the_bucket_of_a_name(client: redis.asyncio.Redis) -> None:
    one, other = patient(client, SLOW), patient(client, SLOW)
    assert await allowed(one, 300) == 300
    assert 200 <= await allowed(other, 300) < 300  # seconds may pass
    assert await allowed(other, 1, "key_2") == 1
    left = (await other.take("key_2")).left
    assert left in {498, 499}


async def test_most_requests_need_no_exchange(client: redis.asyncio.Redis) -> None:
    rates = patient(client, SLOW)
    before = (await client.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert await allowed(rates, 100) == 100
    after = (await client.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert after - before == 20


async def test_requests_at_once_share_one_exchange(client: redis.asyncio.Redis) -> None:
    rates = patient(client, RateLimit(per_second=1, most=100))
    found = await asyncio.gather(*(rates.take("key_1") for _ in range(120)))
    assert 100 <= sum(one.allowed for one in found) < 120


async def test_a_bucket_in_redis_fills_again(client: redis.asyncio.Redis) -> None:
    now = Time()
    rates = patient(client, RateLimit(per_second=1, most=100), now)
    assert await allowed(rates, 120) >= 100
    await client.hset("groat:rate:key_1", "tokens", "0")
    await client.hincrbyfloat("groat:rate:key_1", "at", -50)  # as if 50 seconds had passed
    assert await allowed(rates, 1) == 0  # an empty bucket is not asked again at once
    now.now += 1
    assert 50 <= await allowed(rates, 100) < 100


async def test_each_process_limits_by_itself_without_redis() -> None:
    now = Time()
    async with connect_redis("redis://127.0.0.1:1/0") as down:
        for client in (None, down):
            rates = RateLimits(client, SLOW, now)
            assert await allowed(rates, 600) == 500
            now.now += 20
            assert await allowed(rates, 600) == 20
