"""What Redis remembers of the database: that this or that is committed. PostgreSQL is the truth.

A thing is written down here only after its commit, so that what is found here is done, and nothing
need be asked. What is not found may be done all the same: Redis may have been emptied, or be away,
which is slower and never wrong. And what one database has committed says nothing of another, such
as one that was restored from yesterday's backup.

Redis holds keyed digests instead of names. Whoever can write to Redis, and does not hold the master
key, cannot make a name look committed.
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
"""What comes again mostly comes within minutes. What was seen is forgotten one or two periods
later, with one command for all of it, however many they are."""

_MOST = 1_000_000
"""So many names of a period are noted; the others go to PostgreSQL. They take 120 MB of Redis in
each of two sets."""

_DIGEST_BYTES = 16
_SECONDS = 0.05
_LONGEST_SILENCE = 15.0
"""Waiting in vain for a short cut is to be a rare thing."""


class Seen:
    """Names of things that were committed in the last hour or two, as far as Redis knows.

    ``what`` they are keeps them apart from others.
    """

    def __init__(
        self, what: str, redis: Redis | None, vault: Vault, database: Database, clock: Clock
    ) -> None:
        self._what = what
        self._key = vault.derived_key(b"seen " + what.encode())
        self._redis = redis
        self._database = database
        self._clock = clock
        self._full = ""
        """The set of the last period that had too many."""
        self._path = FastPath(
            f"seen_{what}",
            "all go to PostgreSQL",
            seconds=_SECONDS,
            longest_silence=_LONGEST_SILENCE,
        )

    @property
    def is_open(self) -> bool:
        """Whether it is worth asking at the moment."""
        known = self._database.incarnation is not None
        return self._redis is not None and known and self._path.is_open

    async def among(self, names: Sequence[str]) -> set[str]:
        """Return those of ``names`` that are known to be committed."""
        redis = self._redis
        if redis is None:
            return set()
        now, _ = self._sets()
        digests = self._digests(names)
        found = await self._path.attempt(lambda: redis.smismember(now, digests))
        return {name for name, seen in zip(names, found or [], strict=False) if seen}

    async def remember(self, names: Sequence[str]) -> None:
        """Note that these are committed."""
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
            pipeline.execute_command("SCARD", following)  # which has those of this period alone
            *_, count = await pipeline.execute()
            return int(count)

        if (await self._path.attempt(note) or 0) >= _MOST:
            self._full = now

    def _digests(self, names: Sequence[str]) -> list[bytes]:
        """Return a keyed digest of each name, which holds for this database alone.

        BLAKE2b takes the key itself (RFC 7693, section 2.9), and so costs half of an HMAC.
        """
        of = f"{self._database.incarnation} "
        return [
            blake2b((of + name).encode(), key=self._key, digest_size=_DIGEST_BYTES).digest()
            for name in names
        ]

    def _sets(self) -> tuple[str, str]:
        """Return the names of this period's set and of the next one's, which begins with it."""
        period = int(self._clock.now().timestamp() / _PERIOD.total_seconds())
        prefix = f"groat:seen:{self._what}:{self._database.incarnation}"
        return f"{prefix}:{period}", f"{prefix}:{period + 1}"
