"""Circuit breakers: pause calls to a failing provider account, then probe it with one call.

All processes share one circuit per name, in Redis; ``circuit`` has its rules. While Redis is down,
each process continues from the state it last read: it counts failures and allows probes by itself.
It shares its state when Redis is back. If Redis was emptied, it holds no failures, so the breakers
are closed. Circuits in Redis are signed with a key derived from the root key. A circuit with a
wrong signature is ignored and replaced. A host without network can open a breaker for all hosts;
the next probe from another host closes it again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random, SystemRandom

import structlog
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis

from groat.kernel.clock import Clock
from groat.platform.crypto import Vault
from groat.platform.process.metrics import BREAKER_STATE
from groat.platform.redis.circuit import (
    HEALTHY,
    POLICY,
    BreakerPolicy,
    BreakerState,
    Circuit,
    Rule,
    are_near,
    failed,
    probed,
    state_of,
    succeeded,
)
from groat.platform.redis.fast_path import FastPath

BUDGET_SECONDS = 0.2
"""Maximum seconds that one call of a breaker waits for Redis."""

_FRESH = timedelta(seconds=0.5)
"""Time for which a state read from Redis is used without asking again."""

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
_LEVELS = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}
"""Values of the gauge of breakers."""

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
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared = None if redis is None else _Shared(redis, vault, clock, policy)
        self._clock = clock
        self._policy = policy
        self._random = random
        self._known: dict[str, _Known] = {}
        self._path = FastPath(
            "breakers", "each process counts alone", seconds=BUDGET_SECONDS, monotonic=monotonic
        )

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
        known, shared = self._of(name), self._shared
        if self._is_fresh(known) and rule(known.circuit) == known.circuit:
            return False
        if shared is None:
            return known.change(rule)

        async def change() -> bool:
            async with known.lock:
                ask = not self._is_fresh(known)
                return await shared.change(name, known, rule, ask=ask)

        changed = await self._path.attempt(change)
        changed = known.change(rule) if changed is None else changed
        BREAKER_STATE.labels(name).set(_LEVELS[self._state(name)])
        return changed

    def _is_fresh(self, known: _Known) -> bool:
        then = known.asked_at
        return then is not None and are_near(then, self._clock.now(), _FRESH)


def _key(name: str) -> str:
    return f"groat:breaker:{name}"


def _to_text(circuit: Circuit) -> str:
    return _CIRCUIT.dump_json(circuit).decode()


def _from_text(text: str) -> Circuit:
    try:
        return _CIRCUIT.validate_json(text) if text else HEALTHY
    except ValidationError:  # written by another version; the next change replaces it
        return HEALTHY
