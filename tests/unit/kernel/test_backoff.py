"""Backoff: exponential up to its cap, with jitter within its bounds."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from groat.kernel.backoff import Backoff


@given(st.integers(1, 10_000), st.floats(0.01, 100), st.floats(0.01, 100_000), st.integers())
def test_delay_doubles_up_to_its_cap_with_full_jitter(
    attempt: int, base: float, cap: float, seed: int
) -> None:
    ceiling = min(cap, base * 2.0 ** min(attempt - 1, 64))
    source = random.Random(seed)  # noqa: S311 - repeatable by its seed
    delays = [Backoff(base, cap).seconds(attempt, source) for _ in range(20)]
    assert all(0 <= delay <= ceiling for delay in delays)
    assert len(set(delays)) > 1


@given(st.integers(1, 100), st.integers())
def test_narrow_jitter_stays_within_its_bounds(attempt: int, seed: int) -> None:
    source = random.Random(seed)  # noqa: S311 - repeatable by its seed
    ceiling = Backoff(1.0, 60.0, 1.0, 1.0).seconds(attempt, source)
    delay = Backoff(1.0, 60.0, low=0.8, high=1.2).seconds(attempt, source)
    assert 0.8 * ceiling <= delay <= 1.2 * ceiling
