"""Facts about a Redis or Valkey server, for people who install Groat."""

from __future__ import annotations

from typing import NamedTuple, Self

import redis.asyncio
from redis.exceptions import RedisError

from groat.kernel.errors import ConfigurationError

_ANSWER_SECONDS = 5


class RedisFacts(NamedTuple):
    """The state of a server: its ``version``, and its ``eviction`` policy for a full memory."""

    version: str
    eviction: str

    @classmethod
    async def of(cls, url: str) -> Self:
        """Ask the server at ``url``.

        Raises:
            ConfigurationError: ``redis_unreachable``.
        """
        try:
            async with redis.asyncio.Redis.from_url(
                url, socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_ANSWER_SECONDS
            ) as client:
                server, memory = await client.info("server"), await client.info("memory")
        except (RedisError, OSError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise ConfigurationError("redis_unreachable", reason) from None
        return cls(server["redis_version"], memory["maxmemory_policy"])
