from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from structlog.testing import capture_logs

from groat.platform.crypto import MasterKeys, Vault
from groat.platform.redis import breaker
from groat.platform.redis.breaker import Breakers
from groat.platform.redis.circuit import (
    HEALTHY,
    POLICY,
    BreakerPolicy,
    BreakerState,
    Circuit,
    failed,
    probed,
    state_of,
    succeeded,
)
from tests.support.clock import ManualClock

START = datetime(2026, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SPANS = st.timedeltas(timedelta(0), timedelta(hours=1))
CIRCUITS = st.builds(
    Circuit,
    failed_at=st.lists(MOMENTS, max_size=4).map(tuple),
    opened_at=st.none() | MOMENTS,
    cooldown=SPANS,
    openings=st.integers(0, 1_000),
    probed_at=st.none() | MOMENTS,
)
ACCOUNT = "pac_1"
VAULT = Vault(MasterKeys([bytes(32)]), bytes(32))


class BreakerMachine(RuleBasedStateMachine):
    """Any calls at any times, against what the circuit is to promise."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit, self.now = HEALTHY, START
        self.failures: list[datetime] = []
        self.last_probe: datetime | None = None

    @property
    def state(self) -> BreakerState:
        return state_of(self.circuit, self.now, POLICY)

    @rule(seconds=st.sampled_from([0, 0.5, 5, 9, 10, 14, 15, 29, 30, 300]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(jitter=st.floats(0, 1))
    def a_call_fails(self, jitter: float) -> None:
        before, probes = self.state, self.circuit.probed_at
        self.failures.append(self.now)
        self.circuit = failed(self.circuit, self.now, POLICY, jitter)
        in_window = [at for at in self.failures if self.now - at < POLICY.window]
        match before:
            case BreakerState.CLOSED:
                assert (self.state is BreakerState.OPEN) == (len(in_window) >= POLICY.failures)
            case BreakerState.HALF_OPEN:
                assert (self.state is BreakerState.OPEN) == (probes is not None)
            case BreakerState.OPEN:
                assert self.state is BreakerState.OPEN
        if self.state is not before:
            self.last_probe = None

    @rule()
    def a_call_succeeds(self) -> None:
        before = self.state
        self.circuit = succeeded(self.circuit, self.now, POLICY)
        if before is BreakerState.OPEN:
            assert self.state is BreakerState.OPEN
        else:
            assert self.circuit == HEALTHY
            self.failures.clear()
            self.last_probe = None

    @rule()
    def a_call_is_asked_for(self) -> None:
        before = self.circuit
        self.circuit = probed(self.circuit, self.now, POLICY)
        is_due = self.last_probe is None or self.now - self.last_probe >= POLICY.probe_interval
        is_probe = self.circuit != before
        assert is_probe == (self.state is BreakerState.HALF_OPEN and is_due)
        if is_probe:
            self.last_probe = self.now

    @precondition(lambda self: self.state is BreakerState.OPEN)
    @rule()
    def the_cooldown_ends(self) -> None:
        assert self.circuit.opened_at is not None
        end = self.circuit.opened_at + self.circuit.cooldown
        assert state_of(self.circuit, end - TICK, POLICY) is BreakerState.OPEN
        self.now = end
        assert self.state is BreakerState.HALF_OPEN

    @invariant()
    def it_stays_small(self) -> None:
        assert len(self.circuit.failed_at) < POLICY.failures
        assert self.circuit.cooldown <= POLICY.longest_cooldown


test_any_calls_at_any_times = BreakerMachine.TestCase


def opened_again_and_again(times: int, jitter: float) -> list[timedelta]:
    circuit, now, cooldowns = HEALTHY, START, list[timedelta]()
    for _ in range(POLICY.failures):
        circuit = failed(circuit, now, POLICY, jitter)
    for _ in range(times):
        cooldowns.append(circuit.cooldown)
        now += circuit.cooldown
        circuit = failed(probed(circuit, now, POLICY), now, POLICY, jitter)
    return cooldowns


def test_each_failed_probe_doubles_the_cooldown_up_to_five_minutes() -> None:
    seconds = [cooldown.total_seconds() for cooldown in opened_again_and_again(8, jitter=0)]
    assert seconds == [15, 30, 60, 120, 240, 300, 300, 300]


def test_jitter_shortens_every_cooldown_but_the_first_by_up_to_a_quarter() -> None:
    seconds = [cooldown.total_seconds() for cooldown in opened_again_and_again(3, jitter=1)]
    assert seconds == [15, 22.5, 45]


def test_a_hundred_failed_probes_cool_down_as_long_as_ten() -> None:
    assert opened_again_and_again(100, jitter=0)[-1] == POLICY.longest_cooldown


@given(CIRCUITS, MOMENTS)
def test_no_clock_change_keeps_a_breaker_open_for_ever(circuit: Circuit, now: datetime) -> None:
    later = now + 2 * POLICY.longest_cooldown
    assert state_of(circuit, later, POLICY) is not BreakerState.OPEN or (
        state_of(circuit, now, POLICY) is not BreakerState.OPEN
    )


def test_a_clock_set_back_costs_at_most_one_more_cooldown() -> None:
    circuit = Circuit(opened_at=START, cooldown=POLICY.cooldown, openings=1)
    assert state_of(circuit, START - timedelta(hours=1), POLICY) is BreakerState.HALF_OPEN
    put_back = START - POLICY.cooldown + TICK
    assert state_of(circuit, put_back, POLICY) is BreakerState.OPEN
    assert state_of(circuit, put_back + 2 * POLICY.cooldown, POLICY) is BreakerState.HALF_OPEN


def test_a_probe_from_a_fast_clock_does_not_block_other_probes() -> None:
    ahead = START + timedelta(days=1)
    circuit = Circuit(opened_at=START - timedelta(hours=1), openings=1, probed_at=ahead)
    assert probed(circuit, START, POLICY).probed_at == START


@given(CIRCUITS)
def test_a_circuit_survives_serialization(circuit: Circuit) -> None:
    assert breaker._from_text(breaker._to_text(circuit)) == circuit


@pytest.mark.parametrize(
    "text", ["", "x", "[]", '{"openings": -1}', '{"opened_at": "2026-01-01T00:00:00"}']
)
def test_an_unreadable_circuit_counts_as_healthy(text: str) -> None:
    assert breaker._from_text(text) == HEALTHY


async def fail(breakers: Breakers, times: int = POLICY.failures) -> None:
    for _ in range(times):
        await breakers.record(ACCOUNT, ok=False)


async def test_a_breaker_without_redis_opens_probes_and_closes() -> None:
    clock = ManualClock(START)
    breakers = Breakers(None, VAULT, clock)
    await fail(breakers, POLICY.failures - 1)
    assert await breakers.allows(ACCOUNT)
    await fail(breakers, 1)
    assert await breakers.state(ACCOUNT) is BreakerState.OPEN
    assert not await breakers.allows(ACCOUNT)
    assert await breakers.allows("pac_2")
    clock.advance(POLICY.cooldown)
    assert await breakers.state(ACCOUNT) is BreakerState.HALF_OPEN
    assert [await breakers.allows(ACCOUNT) for _ in range(3)] == [True, False, False]
    await breakers.record(ACCOUNT, ok=True)
    assert [await breakers.allows(ACCOUNT) for _ in range(3)] == [True, True, True]


async def test_a_success_resets_the_count_of_failures() -> None:
    breakers = Breakers(None, VAULT, ManualClock(START))
    for _ in range(3):
        await fail(breakers, POLICY.failures - 1)
        await breakers.record(ACCOUNT, ok=True)
    assert await breakers.state(ACCOUNT) is BreakerState.CLOSED


async def test_a_lost_probe_is_repeated_and_a_failed_probe_lengthens_the_cooldown() -> None:
    clock = ManualClock(START)
    breakers = Breakers(None, VAULT, clock, random=Random(1))  # noqa: S311 - repeatable by its seed
    await fail(breakers)
    clock.advance(POLICY.cooldown)
    assert await breakers.allows(ACCOUNT)
    clock.advance(POLICY.probe_interval)
    assert await breakers.allows(ACCOUNT)
    await fail(breakers, 1)
    clock.advance(POLICY.cooldown)
    assert not await breakers.allows(ACCOUNT)
    clock.advance(POLICY.cooldown)
    assert await breakers.allows(ACCOUNT)


async def test_opening_and_closing_are_logged_once_each() -> None:
    clock = ManualClock(START)
    breakers = Breakers(None, VAULT, clock, BreakerPolicy(failures=2))
    with capture_logs() as lines:
        await fail(breakers, 10)
        clock.advance(POLICY.cooldown)
        await breakers.allows(ACCOUNT)
        await breakers.record(ACCOUNT, ok=True)
    changes = [(line["account"], line["before"], line["after"]) for line in lines]
    assert changes == [(ACCOUNT, "closed", "open"), (ACCOUNT, "half_open", "closed")]


async def test_the_least_recently_used_names_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(breaker, "_NAMES_MAX", 3)
    breakers = Breakers(None, VAULT, ManualClock(START))
    await fail(breakers)
    for number in range(9):
        await breakers.allows(f"pac_9{number}")
        assert not await breakers.allows(ACCOUNT)
    assert len(breakers._known) == 3
