"""Tests of ``both_ways`` run once for each way of posting, and with the two in turn."""

from __future__ import annotations

import pytest

from groat.accounts.domain import pace


@pytest.fixture(params=[1, 0, 2], ids=["claims", "locks", "alternating"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The setting ``ledger_claims``: all batches are tried by claims, none, or every second one.

    Misses make no try rarer here, so a test with many refusals has as many tries.
    """
    value: int = request.param
    monkeypatch.setattr(pace, "_MAX_GAP", value)
    return value
