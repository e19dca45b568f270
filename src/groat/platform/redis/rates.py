"""A limit on the rate of each name's requests, over all processes: a token bucket in Redis.

A process takes a share of tokens at once, so most requests need no exchange with Redis. Without
Redis, each process has a bucket of its own with the same limit. Names are ids of API keys.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from redis.asyncio import Redis

from groat.platform.redis.fast_path import FastPath

_SECONDS = 0.05
"""Maximum seconds to wait for Redis."""

_SHARES = 100
"""Number of shares that a full bucket has."""

_REFUSED_SECONDS = 0.05
"""Seconds for which an empty bucket is not asked again: refused callers cost Redis little."""

_NAMES_MAX = 10_000
"""Maximum names whose shares one process holds."""

_TAKE = """
-- Take up to ARGV[3] tokens from a bucket of ARGV[1] tokens that gets ARGV[2] more each second.
-- Return the tokens taken, and those that are left.
local most, rate, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = most
if held[1] then
  tokens = math.min(most, tonumber(held[1]) + math.max(0, now - tonumber(held[2])) * rate)
end
local taken = math.min(wanted, math.floor(tokens))
redis.call('HSET', KEYS[1], 'tokens', tokens - taken, 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(1000 * most / rate) + 1000)
return {taken, math.floor(tokens - taken)}
"""


class RateLimit(NamedTuple):
    """A limit: tokens that a bucket gets each second, and the tokens of a full bucket."""

    per_second: int
    most: int


class Allowance(NamedTuple):
    """Whether a request is allowed, and about how many more are allowed at once."""

    allowed: bool
    left: int


class Bucket:
    """A token bucket of this process."""

    def __init__(self, limit: RateLimit, now: float) -> None:
        self._limit = limit
        self._tokens = float(limit.most)
        self._at = now

    def take(self, wanted: int, now: float) -> tuple[int, int]:
        """Take up to ``wanted`` tokens at ``now``, in seconds; return those taken and the rest."""
        gained = max(0.0, now - self._at) * self._limit.per_second
        self._tokens, self._at = min(self._limit.most, self._tokens + gained), now
        taken = min(wanted, int(self._tokens))
        self._tokens -= taken
        return taken, int(self._tokens)


@dataclass(slots=True)
class _Share:
    """The tokens of one name that this process holds, and those that were left in the bucket."""

    bucket: Bucket
    tokens: int = 0
    left: int = 0
    refused_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimits:
    """Allows or refuses requests by the bucket of their name.

    A request waits for Redis up to ``seconds``.
    """

    def __init__(
        self,
        redis: Redis | None,
        limit: RateLimit,
        monotonic: Callable[[], float] = time.monotonic,
        seconds: float = _SECONDS,
    ) -> None:
        self.limit = limit
        self._share_size = max(1, limit.most // _SHARES)
        self._take = None if redis is None else redis.register_script(_TAKE)
        self._monotonic = monotonic
        self._shares: dict[str, _Share] = {}
        self._path = FastPath("rate_limits", "each process limits rates by itself", seconds=seconds)

    async def take(self, name: str) -> Allowance:
        """Take a token of ``name`` for one request."""
        share = self._shares.get(name) or self._new_share(name)
        if not share.tokens:
            async with share.lock:  # requests that wait share one exchange
                await self._fill(name, share)
        if not share.tokens:
            return Allowance(allowed=False, left=0)
        share.tokens -= 1
        return Allowance(allowed=True, left=share.tokens + share.left)

    def _new_share(self, name: str) -> _Share:
        if len(self._shares) >= _NAMES_MAX:
            self._shares.clear()
        share = self._shares[name] = _Share(Bucket(self.limit, self._monotonic()))
        return share

    async def _fill(self, name: str, share: _Share) -> None:
        """Fill an empty share from the bucket in Redis, or from that of this process."""
        if share.tokens or self._monotonic() < share.refused_until:
            return
        answer: list[int] | None = None
        script = self._take
        if script is not None:
            arguments = [*self.limit[::-1], self._share_size]
            answer = await self._path.attempt(
                lambda: script(keys=[f"groat:rate:{name}"], args=arguments)
            )
        now = self._monotonic()
        share.tokens, share.left = answer or share.bucket.take(self._share_size, now)
        if not share.tokens:
            share.refused_until = now + _REFUSED_SECONDS
