from __future__ import annotations

from datetime import UTC, datetime, timedelta

from groat.kernel.clock import SystemClock
from tests.support.clock import ManualClock


def test_the_system_clock_returns_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_a_manual_clock_moves_only_when_advanced() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    clock = ManualClock(start)
    assert clock.now() == clock.now() == start
    clock.advance(timedelta(seconds=5))
    assert clock.now() == start + timedelta(seconds=5)
    clock.advance(timedelta(seconds=-6))
    assert clock.now() == start - timedelta(seconds=1)
