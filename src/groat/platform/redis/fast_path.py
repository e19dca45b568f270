"""Redis calls that may fail: they end within a short time limit, and pause after a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

_FIRST_SILENCE_SECONDS = 1.0
"""Seconds without calls after a first failure."""

_log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")


class FastPath:
    """One use of Redis that only saves time: without it, callers take a slower path.

    ``name`` is its name in the log, and ``effect`` describes there the work without Redis. A call
    may take up to ``seconds``. After a failure, calls are skipped for one second, so that callers
    do not wait in vain. The pause doubles with each further failure, up to ``longest_silence``
    seconds.
    """

    def __init__(
        self,
        name: str,
        effect: str,
        *,
        seconds: float,
        longest_silence: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._effect = effect
        self._seconds = seconds
        self._longest_silence = longest_silence
        self._monotonic = monotonic
        self._silence = _FIRST_SILENCE_SECONDS
        self._silent_until = 0.0
        self._is_down = False

    @property
    def is_open(self) -> bool:
        """Whether calls are made at present, and not skipped."""
        return self._monotonic() >= self._silent_until

    async def attempt(self, call: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Return the result of ``call``, or None if it fails, takes too long or is skipped."""
        if not self.is_open:
            return None
        try:
            async with asyncio.timeout(self._seconds):
                answer = await call()
        except Exception as error:  # noqa: BLE001 - every failure has the same remedy: skip Redis
            self._pause(error)
            return None
        self._resume()
        return answer

    def _pause(self, error: Exception) -> None:
        self._silent_until = self._monotonic() + self._silence
        self._silence = min(2 * self._silence, self._longest_silence)
        if not self._is_down:
            _log.warning(f"{self._name}_down", reason=repr(error), effect=self._effect)
        self._is_down = True

    def _resume(self) -> None:
        if self._is_down:
            _log.info(f"{self._name}_up")
        self._is_down = False
        self._silence = _FIRST_SILENCE_SECONDS
