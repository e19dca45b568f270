"""Names in Redis that PostgreSQL is known to have committed, so that repeats skip PostgreSQL.

A name is added only after its commit. So a name found here is committed, and PostgreSQL need not be
asked. A name not found here may be committed all the same, because Redis can be down or emptied;
asking PostgreSQL then is slower but never wrong. Names count for one database only: a database
restored from yesterday's backup has not committed today's names.

Redis holds keyed digests instead of names. A writer to Redis who does not hold the master key
cannot make a name look committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import blake2b

from redis.asyncio import Redis

from groat.kernel.clock import Clock
from groat.platform.crypto import Vault
from groat.platform.postgres.database import Database
from groat.platform.redis.fast_path import FastPath

_PERIOD = timedelta(hours=1)
"""Period that one set of names covers. Most repeats arrive within minutes. A name is forgotten
after one to two periods, when its whole set expires at once."""

_MOST = 1_000_000
"""Maximum names noted in a period; further names go to PostgreSQL. They take 120 MB of Redis in
each of two sets."""

_DIGEST_BYTES = 16
_SECONDS = 0.05
"""Maximum seconds to wait for Redis."""

_LONGEST_SILENCE = 15.0
"""Maximum seconds without calls while Redis fails. Callers should rarely wait for it in vain."""


class Seen:
    """Names of one ``kind`` that were committed in the last hour or two, as far as Redis knows."""

    def __init__(
        self, kind: str, redis: Redis | None, vault: Vault, database: Database, clock: Clock
    ) -> None:
        self._kind = kind
        self._key = vault.derived_key(b"seen " + kind.encode())
        self._redis = redis
        self._database = database
        self._clock = clock
        self._full = ""
        """Name of the latest set that reached the maximum."""
        self._path = FastPath(
            f"seen_{kind}",
            "every repeat is looked up in PostgreSQL",
            seconds=_SECONDS,
            longest_silence=_LONGEST_SILENCE,
        )

    @property
    def is_open(self) -> bool:
        """Whether Redis can be asked: it is configured and up, and the database is known."""
        known = self._database.incarnation is not None
        return self._redis is not None and known and self._path.is_open

    async def among(self, names: Sequence[str]) -> set[str]:
        """Return the ``names`` that are known to be committed."""
        redis = self._redis
        if redis is None:
            return set()
        now, _ = self._sets()
        digests = self._digests(names)
        found = await self._path.attempt(lambda: redis.smismember(now, digests))
        return {name for name, seen in zip(names, found or [], strict=False) if seen}

    async def remember(self, names: Sequence[str]) -> None:
        """Note that ``names`` are committed. Call it only after their commit."""
        redis = self._redis
        now, following = self._sets()
        digests = self._digests(names)
        if redis is None or self._full == now:
            return

        async def note() -> int:
            pipeline = redis.pipeline(transaction=False)
            for name in (now, following):
                pipeline.execute_command("SADD", name, *digests)
                pipeline.execute_command("EXPIRE", name, 2 * _PERIOD // timedelta(seconds=1))
            pipeline.execute_command("SCARD", following)  # it has the names of this period only
            *_, count = await pipeline.execute()
            return int(count)

        if (await self._path.attempt(note) or 0) >= _MOST:
            self._full = now

    def _digests(self, names: Sequence[str]) -> list[bytes]:
        """Return a keyed digest of each name, valid for this database only.

        BLAKE2b has a keyed mode (RFC 7693, section 2.9), which costs half as much as an HMAC.
        """
        of = f"{self._database.incarnation} "
        return [
            blake2b((of + name).encode(), key=self._key, digest_size=_DIGEST_BYTES).digest()
            for name in names
        ]

    def _sets(self) -> tuple[str, str]:
        """Return the names of this period's set and the next period's set.

        Each name is added to both. So at the start of a period, its set already holds the names of
        the period before.
        """
        period = int(self._clock.now().timestamp() / _PERIOD.total_seconds())
        prefix = f"groat:seen:{self._kind}:{self._database.incarnation}"
        return f"{prefix}:{period}", f"{prefix}:{period + 1}"
