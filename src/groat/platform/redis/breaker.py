"""Circuit breakers: pause calls to a failing provider account, then probe it with one call.

A breaker opens after a number of failures in a row within a window. A rule on the failure rate was
rejected for two reasons. It needs a shared write for every success, so for every payment. And a
rate says nothing about an account with three payments an hour. With failures in a row, a success
that follows a success writes nothing and so costs nothing. If one call in five succeeds, the
breaker stays closed. See Nygard, "Release It!", chapter 5, and
https://martinfowler.com/bliki/CircuitBreaker.html.

All processes share one circuit per name, in Redis. While Redis is down, each process continues from
the state it last read: it counts failures and allows probes by itself. It shares its state when
Redis is back. If Redis was emptied, it holds no failures, so the breakers are closed. Circuits in
Redis are signed with a key derived from the root key. A circuit with a wrong signature is ignored
and replaced. A host without network can open a breaker for all hosts; the next probe from another
host closes it again.

The rules compare times of different hosts, and assume clocks that agree within about a second. If
they do not, a breaker stays open for at most twice its cooldown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random, SystemRandom

import structlog
from pydantic import AwareDatetime, NonNegativeInt, TypeAdapter, ValidationError
from redis.asyncio import Redis

from groat.kernel.clock import Clock
from groat.platform.crypto import Vault


class BreakerState(StrEnum):
    """Whether a breaker allows all calls, no calls, or single probes."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """The limits at which a breaker opens, and its times."""

    failures: int = 5
    """Failures in a row that open the breaker."""
    window: timedelta = timedelta(seconds=30)
    """Maximum age of the first of these failures."""
    cooldown: timedelta = timedelta(seconds=15)
    """Time that a breaker stays open at first. It doubles after every failed probe."""
    longest_cooldown: timedelta = timedelta(minutes=5)
    """Maximum time that a breaker stays open before it allows a probe."""
    probe_interval: timedelta = timedelta(seconds=10)
    """Minimum time between two probes: a probe should have its answer by then."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """The state of one name's breaker. Redis holds it as signed JSON."""

    failed_at: tuple[AwareDatetime, ...] = ()
    """Times of the failures since the last success, while the breaker is closed."""
    opened_at: AwareDatetime | None = None
    cooldown: timedelta = timedelta(0)
    openings: NonNegativeInt = 0
    """Times that the breaker opened since it was last closed."""
    probed_at: AwareDatetime | None = None
    """Time of the last probe since the breaker opened."""


HEALTHY = Circuit()
POLICY = BreakerPolicy()

Rule = Callable[[Circuit], Circuit]
"""Returns the next state of a circuit, or an equal circuit to change nothing."""

_JITTER = 0.25  # accounts of one provider fail at one time; their probes are spread out


def state_of(circuit: Circuit, now: datetime, policy: BreakerPolicy) -> BreakerState:
    """Return the state at ``now``. An open breaker is half-open after its cooldown."""
    if circuit.opened_at is None:
        return BreakerState.CLOSED
    cooldown = min(circuit.cooldown, policy.longest_cooldown)
    return BreakerState.OPEN if _near(circuit.opened_at, now, cooldown) else BreakerState.HALF_OPEN


def probed(circuit: Circuit, now: datetime, policy: BreakerPolicy) -> Circuit:
    """Return ``circuit`` with a new probe, if it is half-open and no probe is under way."""
    if state_of(circuit, now, policy) is not BreakerState.HALF_OPEN:
        return circuit
    if circuit.probed_at is not None and _near(circuit.probed_at, now, policy.probe_interval):
        return circuit
    return replace(circuit, probed_at=now)


def succeeded(circuit: Circuit, now: datetime, policy: BreakerPolicy) -> Circuit:
    """Return ``circuit`` after a successful call: closed and without failures.

    An open circuit stays as it is: the call began before it opened, and proves nothing about now.
    """
    return circuit if state_of(circuit, now, policy) is BreakerState.OPEN else HEALTHY


def failed(circuit: Circuit, now: datetime, policy: BreakerPolicy, jitter: float) -> Circuit:
    """Return ``circuit`` after a failed call; ``jitter`` is from 0 to 1.

    An open circuit, or a half-open one without a probe, stays as it is: the call began before the
    circuit opened, and belongs to the failures that opened it.
    """
    match state_of(circuit, now, policy):
        case BreakerState.CLOSED:
            recent = tuple(at for at in circuit.failed_at if _near(at, now, policy.window))
            if len(recent) + 1 < policy.failures:
                return Circuit(failed_at=(*recent, now))
            return _opened(circuit, now, policy, jitter)
        case BreakerState.HALF_OPEN if circuit.probed_at is not None:
            return _opened(circuit, now, policy, jitter)
        case BreakerState.OPEN | BreakerState.HALF_OPEN:
            return circuit


def _opened(circuit: Circuit, now: datetime, policy: BreakerPolicy, jitter: float) -> Circuit:
    doublings = min(circuit.openings, 16)  # the cap is reached long before
    cooldown = min(policy.cooldown * 2**doublings, policy.longest_cooldown)
    if doublings:
        cooldown *= 1 - _JITTER * jitter
    return Circuit(opened_at=now, cooldown=cooldown, openings=circuit.openings + 1)


def _near(then: datetime, now: datetime, limit: timedelta) -> bool:
    """Tell whether ``then`` and ``now`` are less than ``limit`` apart, in either order.

    A time in the future comes from another host's clock, or from this clock before it was set back.
    It must not count as recent for longer than ``limit``: a breaker could stay open for hours.
    """
    return abs(now - then) < limit


BUDGET_SECONDS = 0.2
"""Maximum seconds that one call of a breaker waits for Redis."""

_FRESH = timedelta(seconds=0.5)
"""Time for which a state read from Redis is used without asking again."""

_SILENCE = timedelta(seconds=1)
"""Time after a failure of Redis in which it is not called."""

_TRIES = 5
"""Maximum attempts to change a circuit that other processes change at the same time."""

_NAMES_MAX = 10_000
"""Maximum circuits kept in the memory of one process."""

_SWAP = """
-- Replace the value of the key by ARGV[2] for ARGV[3] ms, if the key holds ARGV[1] or nothing.
-- An empty ARGV[2] deletes the key. If the key holds another value, change nothing and return it.
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return held end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return false
"""
_CIRCUIT = TypeAdapter(Circuit)
_RANDOM = SystemRandom()

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Known:
    """One circuit as this process last saw it."""

    circuit: Circuit = HEALTHY
    text: str = ""
    """The signed text that Redis last returned; empty if Redis held nothing."""
    asked_at: datetime | None = None
    is_unshared: bool = False
    """Whether this process changed the circuit since then without telling Redis."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def change(self, rule: Rule) -> bool:
        """Apply ``rule`` in this process only; tell whether the circuit changed."""
        before, self.circuit = self.circuit, rule(self.circuit)
        changed = self.circuit != before
        self.is_unshared = self.is_unshared or changed
        return changed

    def learn(self, text: str, circuit: Circuit | None, now: datetime) -> None:
        """Adopt the circuit read from ``text``, which Redis holds.

        ``circuit`` is None if the signature is wrong: keep this process's circuit, to replace it.
        """
        self.text, self.asked_at, self.is_unshared = text, now, circuit is None
        self.circuit = self.circuit if circuit is None else circuit


class _Shared:
    """The circuits in Redis. Each has a few hundred bytes and expires if it does not change."""

    def __init__(self, redis: Redis, vault: Vault, clock: Clock, policy: BreakerPolicy) -> None:
        self._redis = redis
        self._vault = vault
        self._swap = redis.register_script(_SWAP)
        self._clock = clock
        self._kept_ms = 2 * policy.longest_cooldown // timedelta(milliseconds=1)

    async def change(self, name: str, known: _Known, rule: Rule, *, ask: bool) -> bool:
        """Apply ``rule`` to the circuit in Redis; apply it again if another process was faster."""
        if ask:
            await self._ask(name, known)
        for _ in range(_TRIES):
            changed = rule(known.circuit)
            if changed == known.circuit:
                return False
            if await self._put(name, known, changed):
                return True
        return known.change(rule)  # others were faster each time; the next ask shares the change

    async def _ask(self, name: str, known: _Known) -> None:
        """Read the circuit in Redis.

        First write a change that this process made without Redis. It is lost if another process
        changed the circuit in Redis meanwhile.
        """
        if known.is_unshared:
            await self._put(name, known, known.circuit)
        else:
            self._learn(name, known, await self._redis.get(_key(name)))

    async def _put(self, name: str, known: _Known, circuit: Circuit) -> bool:
        """Write ``circuit`` to Redis, or adopt the circuit that another process wrote meanwhile."""
        text = "" if circuit == HEALTHY else self._vault.sign(_to_text(circuit), name.encode())
        held = await self._swap([_key(name)], [known.text, text, self._kept_ms])
        self._learn(name, known, text if held is None else held)
        return held is None

    def _learn(self, name: str, known: _Known, held: str | bytes | None) -> None:
        """Adopt the text that Redis holds for ``name``, if it is empty or correctly signed."""
        text = held.decode(errors="replace") if isinstance(held, bytes) else held or ""
        signed = self._vault.signed_text(text, name.encode()) if text else ""
        if signed is None:
            _log.warning("breaker_forged", account=name, effect="this process's state replaces it")
        known.learn(text, None if signed is None else _from_text(signed), self._clock.now())


class Breakers:
    """The breakers of all provider accounts, one for each name.

    A method waits for Redis for 0.2 s at most and never raises. It sees a change by another process
    within half a second. A success in a healthy circuit does not call Redis at all.
    """

    def __init__(
        self,
        redis: Redis | None,
        vault: Vault,
        clock: Clock,
        policy: BreakerPolicy = POLICY,
        random: Random = _RANDOM,
    ) -> None:
        self._shared = None if redis is None else _Shared(redis, vault, clock, policy)
        self._clock = clock
        self._policy = policy
        self._random = random
        self._known: dict[str, _Known] = {}
        self._failed_at: datetime | None = None

    async def state(self, name: str) -> BreakerState:
        """Return the state of ``name`` for display, without allowing a call."""
        await self._change(name, lambda circuit: circuit)
        return self._state(name)

    async def allows(self, name: str) -> bool:
        """Tell whether a call may be made. After ``True``, always record the call's result.

        The call may be the probe that decides whether the breaker closes.
        """
        now = self._clock.now()
        is_probe = await self._change(name, lambda circuit: probed(circuit, now, self._policy))
        return is_probe or self._state(name) is BreakerState.CLOSED

    async def record(self, name: str, *, ok: bool) -> None:
        """Record the result of a call. A refusal, such as a decline, is an answer and so ``ok``."""
        if ok and self._of(name).circuit == HEALTHY:
            return  # failures in other processes, if any, are read by the next ``allows``
        now, jitter, before = self._clock.now(), self._random.random(), self._state(name)

        def rule(circuit: Circuit) -> Circuit:
            if ok:
                return succeeded(circuit, now, self._policy)
            return failed(circuit, now, self._policy, jitter)

        if await self._change(name, rule) and self._state(name) is not before:
            _log.warning("breaker_changed", account=name, before=before, after=self._state(name))

    def _state(self, name: str) -> BreakerState:
        return state_of(self._of(name).circuit, self._clock.now(), self._policy)

    def _of(self, name: str) -> _Known:
        """Return the circuit of ``name``; beyond the maximum, drop the least recently used one."""
        known = self._known.pop(name, None) or _Known()
        self._known[name] = known
        if len(self._known) > _NAMES_MAX:
            del self._known[next(iter(self._known))]
        return known

    async def _change(self, name: str, rule: Rule) -> bool:
        """Apply ``rule`` to the shared circuit; tell whether this call changed it.

        If Redis is down, the change stays in this process. If several processes apply the same rule
        to a shared circuit at the same time, exactly one of them changes it.
        """
        known = self._of(name)
        if self._shared is None or self._is_recent(self._failed_at, _SILENCE):
            return known.change(rule)
        if self._is_fresh(known) and rule(known.circuit) == known.circuit:
            return False
        try:
            async with asyncio.timeout(BUDGET_SECONDS), known.lock:
                ask = not self._is_fresh(known)
                changed = await self._shared.change(name, known, rule, ask=ask)
        except Exception as error:  # noqa: BLE001 - every failure has the same remedy: count alone
            self._pause_redis(error)
            return known.change(rule)
        self._resume_redis()
        return changed

    def _is_fresh(self, known: _Known) -> bool:
        return self._is_recent(known.asked_at, _FRESH)

    def _is_recent(self, then: datetime | None, limit: timedelta) -> bool:
        return then is not None and _near(then, self._clock.now(), limit)

    def _pause_redis(self, error: Exception) -> None:
        if self._failed_at is None:
            _log.warning("breakers_alone", reason=repr(error), effect="each process counts alone")
        self._failed_at = self._clock.now()

    def _resume_redis(self) -> None:
        if self._failed_at is not None:
            _log.info("breakers_shared")
        self._failed_at = None


def _key(name: str) -> str:
    return f"groat:breaker:{name}"


def _to_text(circuit: Circuit) -> str:
    return _CIRCUIT.dump_json(circuit).decode()


def _from_text(text: str) -> Circuit:
    try:
        return _CIRCUIT.validate_json(text) if text else HEALTHY
    except ValidationError:  # written by another version; the next change replaces it
        return HEALTHY
