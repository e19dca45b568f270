"""Redis as it may be used where somebody waits: within a moment, or not at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

_FIRST_SILENCE_SECONDS = 1.0

_log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")


class FastPath:
    """One use of Redis that all can do without.

    ``what`` is what it is called in the log, and ``effect`` what becomes of it without Redis. After
    a failure nothing is tried for a second, so that it is not waited for again and again; after
    each further one for twice as long, up to ``longest_silence`` seconds.
    """

    def __init__(
        self,
        what: str,
        effect: str,
        *,
        seconds: float,
        longest_silence: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._effect = effect
        self._seconds = seconds
        self._longest_silence = longest_silence
        self._monotonic = monotonic
        self._silence = _FIRST_SILENCE_SECONDS
        self._silent_until = 0.0
        self._is_down = False

    @property
    def is_open(self) -> bool:
        """Whether anything is tried at the moment."""
        return self._monotonic() >= self._silent_until

    async def attempt(self, call: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Return what ``call`` returns; None if it fails, takes too long, or has just failed."""
        if not self.is_open:
            return None
        try:
            async with asyncio.timeout(self._seconds):
                answer = await call()
        except Exception as error:  # noqa: BLE001 - whatever it is, all can do without
            self._fall_silent(error)
            return None
        self._speak_again()
        return answer

    def _fall_silent(self, error: Exception) -> None:
        self._silent_until = self._monotonic() + self._silence
        self._silence = min(2 * self._silence, self._longest_silence)
        if not self._is_down:
            _log.warning(f"{self._what}_down", reason=repr(error), effect=self._effect)
        self._is_down = True

    def _speak_again(self) -> None:
        if self._is_down:
            _log.info(f"{self._what}_up")
        self._is_down = False
        self._silence = _FIRST_SILENCE_SECONDS
