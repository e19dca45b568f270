"""Circuit breakers: who keeps failing is left alone for a while, and then tried with one call.

The rule is the plain one: so many failures in a row, within a window, open the breaker. A failure
rate would have every success written down for all to see, on every payment, and says nothing about
an account with three payments an hour. In a row, a success with no failure before it changes
nothing and so costs nothing; one call in five that still gets through keeps the breaker closed.
See Nygard, "Release It!", chapter 5, and https://martinfowler.com/bliki/CircuitBreaker.html.

All processes share one circuit for each name, in Redis. Whatever becomes of Redis, each process
goes on with what it last knew, counting alone and letting its own probes through, and shares what
it learnt once it can. An emptied Redis knows of no failure: the breakers are closed. Circuits in
Redis are signed with the master key: one that is not ours is not believed, and is replaced. A host
that reaches nobody can open a breaker for all; the next probe from another host closes it again.

The rules compare times of different hosts, whose clocks are taken to agree within a second or so.
Where they do not, a breaker is open for twice its cooldown at most.
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
    """Whether calls go through: all of them, none, or a probe now and then."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a breaker opens, and for how long."""

    failures: int = 5
    """So many in a row open it,"""
    window: timedelta = timedelta(seconds=30)
    """if the first of them is no older than this."""
    cooldown: timedelta = timedelta(seconds=15)
    """The first time it is open for so long; after every probe that fails, for twice as long."""
    longest_cooldown: timedelta = timedelta(minutes=5)
    probe_interval: timedelta = timedelta(seconds=10)
    """How long a probe has for its answer before there may be another."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is known of one name. It is what Redis holds, as signed JSON."""

    failed_at: tuple[AwareDatetime, ...] = ()
    """The failures since the last success, while closed."""
    opened_at: AwareDatetime | None = None
    cooldown: timedelta = timedelta(0)
    openings: NonNegativeInt = 0
    """How often it has opened since it was last closed."""
    probed_at: AwareDatetime | None = None
    """When the last probe was let through since it opened."""


HEALTHY = Circuit()
POLICY = BreakerPolicy()

Rule = Callable[[Circuit], Circuit]
"""Returns what a circuit becomes: an equal one, if there is nothing to change."""

_JITTER = 0.25  # accounts of one provider fail together and should not return together


def state_of(circuit: Circuit, now: datetime, policy: BreakerPolicy) -> BreakerState:
    """Return the state at ``now``: an open breaker is half-open once its cooldown is over."""
    if circuit.opened_at is None:
        return BreakerState.CLOSED
    cooldown = min(circuit.cooldown, policy.longest_cooldown)
    return BreakerState.OPEN if _near(circuit.opened_at, now, cooldown) else BreakerState.HALF_OPEN


def probed(circuit: Circuit, now: datetime, policy: BreakerPolicy) -> Circuit:
    """Return ``circuit`` with a probe let through, if it is half-open and none is under way."""
    if state_of(circuit, now, policy) is not BreakerState.HALF_OPEN:
        return circuit
    if circuit.probed_at is not None and _near(circuit.probed_at, now, policy.probe_interval):
        return circuit
    return replace(circuit, probed_at=now)


def succeeded(circuit: Circuit, now: datetime, policy: BreakerPolicy) -> Circuit:
    """Return ``circuit`` after a call that went well: closed, with its failures forgotten.

    While it is open, that was a call from before, and says nothing about now.
    """
    return circuit if state_of(circuit, now, policy) is BreakerState.OPEN else HEALTHY


def failed(circuit: Circuit, now: datetime, policy: BreakerPolicy, jitter: float) -> Circuit:
    """Return ``circuit`` after a call that failed; ``jitter`` is from 0 to 1.

    While it is open, or half-open with no probe let through, that was a call from before, of the
    failures that opened it.
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
    doublings = min(circuit.openings, 16)  # more of them cannot make it longer
    cooldown = min(policy.cooldown * 2**doublings, policy.longest_cooldown)
    if doublings:
        cooldown *= 1 - _JITTER * jitter
    return Circuit(opened_at=now, cooldown=cooldown, openings=circuit.openings + 1)


def _near(then: datetime, now: datetime, limit: timedelta) -> bool:
    """Say whether less than ``limit`` is between them, whichever is first.

    A time that lies ahead is another host's, or from before this clock was put back: it too must
    become the past at some time, soon.
    """
    return abs(now - then) < limit


BUDGET_SECONDS = 0.2
_FRESH = timedelta(seconds=0.5)
_SILENCE = timedelta(seconds=1)
_TRIES = 5
_NAMES_MAX = 10_000
_SWAP = """
-- Sets what the key holds to ARGV[2] (empty: nothing) for ARGV[3] ms, if it holds ARGV[1] or
-- nothing; otherwise returns what it does hold.
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
    """What this process knows of one circuit."""

    circuit: Circuit = HEALTHY
    text: str = ""
    """What Redis held when it was last asked; empty for nothing."""
    asked_at: datetime | None = None
    is_unshared: bool = False
    """Changed since, without Redis."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def change(self, rule: Rule) -> bool:
        """Apply ``rule`` here alone; say whether it changed anything."""
        before, self.circuit = self.circuit, rule(self.circuit)
        changed = self.circuit != before
        self.is_unshared = self.is_unshared or changed
        return changed

    def learn(self, text: str, circuit: Circuit | None, now: datetime) -> None:
        """Take over the circuit in the text that Redis holds; None is not ours, to be replaced."""
        self.text, self.asked_at, self.is_unshared = text, now, circuit is None
        self.circuit = self.circuit if circuit is None else circuit


class _Shared:
    """The circuits in Redis: each of a few hundred bytes, and forgotten when nothing happens."""

    def __init__(self, redis: Redis, vault: Vault, clock: Clock, policy: BreakerPolicy) -> None:
        self._redis = redis
        self._vault = vault
        self._swap = redis.register_script(_SWAP)
        self._clock = clock
        self._kept_ms = 2 * policy.longest_cooldown // timedelta(milliseconds=1)

    async def change(self, name: str, known: _Known, rule: Rule, *, ask: bool) -> bool:
        """Apply ``rule`` to what Redis holds; again, if others have changed that meanwhile."""
        if ask:
            await self._ask(name, known)
        for _ in range(_TRIES):
            changed = rule(known.circuit)
            if changed == known.circuit:
                return False
            if await self._put(name, known, changed):
                return True
        return known.change(rule)  # others were faster every time; it is shared when we next ask

    async def _ask(self, name: str, known: _Known) -> None:
        """Learn what Redis holds. What we did without Redis counts, unless others did more."""
        if known.is_unshared:
            await self._put(name, known, known.circuit)
        else:
            self._learn(name, known, await self._redis.get(_key(name)))

    async def _put(self, name: str, known: _Known, circuit: Circuit) -> bool:
        """Put ``circuit`` in place of what Redis held; if it holds another by now, learn that."""
        text = "" if circuit == HEALTHY else self._vault.sign(_to_text(circuit), name.encode())
        held = await self._swap([_key(name)], [known.text, text, self._kept_ms])
        self._learn(name, known, text if held is None else held)
        return held is None

    def _learn(self, name: str, known: _Known, held: str | bytes | None) -> None:
        """Take over what Redis holds for ``name``, if it is empty or signed by one of us."""
        text = held.decode(errors="replace") if isinstance(held, bytes) else held or ""
        signed = self._vault.signed_text(text, name.encode()) if text else ""
        if signed is None:
            _log.warning("breaker_forged", account=name, effect="it is replaced by our own")
        known.learn(text, None if signed is None else _from_text(signed), self._clock.now())


class Breakers:
    """The breakers of all provider accounts, each under a name.

    A call takes 0.2 s at most and never raises. What others did is seen within half a second;
    until then, and as long as all goes well, nothing is asked of Redis.
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
        """Return the state of ``name``, to be shown; nothing is let through."""
        await self._change(name, lambda circuit: circuit)
        return self._state(name)

    async def allows(self, name: str) -> bool:
        """Say whether a call may be made. A ``True`` may be the one probe: record how it ends."""
        now = self._clock.now()
        is_probe = await self._change(name, lambda circuit: probed(circuit, now, self._policy))
        return is_probe or self._state(name) is BreakerState.CLOSED

    async def record(self, name: str, *, ok: bool) -> None:
        """Record how a call ended. A provider that says no has answered: that is ``ok``."""
        if ok and self._of(name).circuit == HEALTHY:
            return  # even if others have failed since: whoever is allowed next hears of it
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
        """Return what is known of ``name``; when there are too many, the longest unused goes."""
        known = self._known.pop(name, None) or _Known()
        self._known[name] = known
        if len(self._known) > _NAMES_MAX:
            del self._known[next(iter(self._known))]
        return known

    async def _change(self, name: str, rule: Rule) -> bool:
        """Apply ``rule`` for all, or here alone if Redis is away; say whether it changed anything.

        Of all who apply the same rule to a shared circuit at the same time, one changes it.
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
        except Exception as error:  # noqa: BLE001 - whatever it is, we know enough without Redis
            self._fall_silent(error)
            return known.change(rule)
        self._speak_again()
        return changed

    def _is_fresh(self, known: _Known) -> bool:
        return self._is_recent(known.asked_at, _FRESH)

    def _is_recent(self, then: datetime | None, limit: timedelta) -> bool:
        return then is not None and _near(then, self._clock.now(), limit)

    def _fall_silent(self, error: Exception) -> None:
        if self._failed_at is None:
            _log.warning("breakers_alone", reason=repr(error), effect="each process has its own")
        self._failed_at = self._clock.now()

    def _speak_again(self) -> None:
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
    except ValidationError:  # another version's; the next change takes its place
        return HEALTHY
