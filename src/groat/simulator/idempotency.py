"""Answers stored under the client's idempotency key: a repeated request has no second effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from groat.kernel.clock import Clock
from groat.simulator.wire import Answer


class KeyInUseError(Exception):
    """The first request with this key is not answered yet."""


class KeyReusedError(Exception):
    """The key was used before for another request."""


@dataclass(frozen=True, slots=True)
class _KeptAnswer:
    expires_at: datetime
    request: object
    answer: Answer | None


class KeptAnswers:
    """The answers of the last ``lifetime`` by idempotency key."""

    def __init__(self, clock: Clock, lifetime: timedelta) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._kept: dict[str, _KeptAnswer] = {}

    async def once(
        self, key: str, request: object, execute: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Execute the first request with ``key`` and store its answer; later, return that answer.

        Refusals that ``execute`` returns are stored too. If ``execute`` raises, the request had no
        effect and no answer is stored. A later request with the key must equal ``request``.

        Raises:
            KeyInUseError: The first request with the key is not answered yet.
            KeyReusedError: The key belongs to a different request.
        """
        self._forget_expired()
        kept = self._kept.get(key)
        if kept is None:
            return await self._first(key, request, execute)
        if kept.request != request:
            raise KeyReusedError(key)
        if kept.answer is None:
            raise KeyInUseError(key)
        return replace(kept.answer, replayed=True)

    async def _first(
        self, key: str, request: object, execute: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        kept = _KeptAnswer(self._clock.now() + self._lifetime, request, answer=None)
        self._kept[key] = kept
        try:
            answer = await execute()
        except BaseException:
            del self._kept[key]
            raise
        self._kept[key] = replace(kept, answer=answer)
        return answer

    def _forget_expired(self) -> None:
        now = self._clock.now()
        while self._kept:
            oldest = next(iter(self._kept))
            if self._kept[oldest].expires_at > now:
                return
            del self._kept[oldest]
