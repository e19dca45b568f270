"""One contestant's turns: taking events in, applying them too, by the clock, and without Redis."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.webhooks import events
from benchmarks.webhooks.client import Done, Round
from benchmarks.webhooks.contestant import Contestant
from benchmarks.webhooks.plan import Orders
from benchmarks.webhooks.sender import Sender
from benchmarks.webhooks.usage import Usage, since, used
from groat.platform.embedded import PostgresServer

CONNECTIONS = 64
RATE = 200.0
_PATIENCE_SECONDS = 120.0
_PATIENCE_WITHOUT_REDIS_SECONDS = 3.0
_SETTLING_SECONDS = 180.0
_LOOK_SECONDS = 0.1

Note = Callable[[str, float], None]
"""Takes what was measured, by name."""


@dataclass(slots=True)
class Contest:
    """A contestant whose API runs, with what it takes to measure it.

    ``acknowledged`` are the events that it has promised to apply.
    """

    contestant: Contestant
    sender: Sender
    postgres: PostgresServer
    api_pid: int
    note: Note
    acknowledged: set[int] = field(default_factory=set)

    def turn(self, orders: Orders) -> None:
        """Measure each phase that there are orders for."""
        self.contestant.books.tidy()
        taken_in = self._ingest(orders["ingest"])
        with self.contestant.working() as worker_pid:
            committed = self._effects(taken_in)
            self.note("drain_per_s", len(committed) / _span(committed.values()))
            self._end_to_end(orders["end_to_end"], worker_pid)
            self._by_the_clock(orders["by_the_clock"])
            if "without_redis" in orders:
                self._without_redis(orders["without_redis"])

    def holds(self, payments: int) -> bool:
        """Return whether every acknowledged event was applied once, and no money lost."""
        numbers = {events.charge_id(number): number for number in range(payments)}
        applied = [numbers[reference] for reference, _ in self.contestant.books.rows("effects")]
        total = sum(map(events.amount, applied))
        return (
            len(set(applied)) == len(applied)
            and self.acknowledged <= set(applied)
            and self.contestant.books.rows("balances") == [(total, -total)]
            and self.contestant.holds()
        )

    def _ingest(self, order: Sequence[int]) -> Done:
        with self._noting_usage("ingest", len(order)) as usage:
            done = self._deliver(order)
            usage["client"] = done.cpu_seconds
        self.note("ingest_per_s", len(done.latencies_ms) / done.seconds)
        self._note_latencies("ack_ingest", done.latencies_ms)
        return done

    def _end_to_end(self, order: Sequence[int], worker_pid: int) -> None:
        with self._noting_usage("end_to_end", len(set(order)), worker=worker_pid) as usage:
            done = self._deliver(order)
            committed = self._effects(done)
            usage["client"] = done.cpu_seconds
        self.note("end_to_end_per_s", len(committed) / (max(committed.values()) - done.started_at))
        self._note_latencies("ack_saturated", done.latencies_ms)

    def _by_the_clock(self, order: Sequence[int]) -> None:
        done = self._deliver(order, RATE)
        committed = self._effects(done)
        sent_at = dict(done.sent_at)
        latencies = [1000 * (at - sent_at[number]) for number, at in committed.items()]
        self._note_latencies("ack", done.latencies_ms)
        self._note_latencies("effect", latencies)

    def _without_redis(self, order: Sequence[int]) -> None:
        """Stop Redis, deliver, and start it again once all that was acknowledged is applied."""
        self.contestant.valkey.stop()
        try:
            done = self._deliver(order, RATE, _PATIENCE_WITHOUT_REDIS_SECONDS)
            self.note("acked_redis_down", len(done.latencies_ms) / len(order))
            if done.acknowledged:
                self._note_latencies("ack_redis_down", done.latencies_ms)
                self._effects(done)
        finally:
            self.contestant.valkey.start()

    def _deliver(
        self, order: Sequence[int], rate: float | None = None, patience: float = _PATIENCE_SECONDS
    ) -> Done:
        to = self.contestant
        asked = Round(to.port, to.path, list(order), CONNECTIONS, rate, patience)
        done = self.sender.deliver(asked)
        self.acknowledged.update(done.acknowledged)
        return done

    def _effects(self, done: Done) -> dict[int, float]:
        """Return when each event of ``done`` was applied, once all of them are.

        Raises:
            TimeoutError: something was acknowledged and not applied in three minutes.
        """
        deadline = time.monotonic() + _SETTLING_SECONDS
        while self.contestant.books.rows("is_settled") != [(True,)]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.contestant.name} has not applied what it acknowledged")
            time.sleep(_LOOK_SECONDS)
        numbers = {events.charge_id(number): number for number in done.acknowledged}
        rows = self.contestant.books.rows("effects")
        return {numbers[reference]: at for reference, at in rows if reference in numbers}

    @contextmanager
    def _noting_usage(self, phase: str, units: int, **pids: int) -> Iterator[dict[str, float]]:
        """Note what each process uses for a unit while in the block, which may add others."""
        servers = {"postgres": self.postgres.pid, "valkey": self.contestant.valkey.pid}
        pids |= {"api": self.api_pid, **servers}
        before: Usage = used(pids)
        others: dict[str, float] = {}
        yield others
        for process, seconds in {**since(before, used(pids)), **others}.items():
            self.note(f"{phase}_cpu_us_{process}", 1e6 * seconds / units)

    def _note_latencies(self, name: str, latencies_ms: Sequence[float]) -> None:
        hundredths = statistics.quantiles(latencies_ms, n=100)
        self.note(f"{name}_p50_ms", hundredths[49])
        self.note(f"{name}_p99_ms", hundredths[98])


def _span(moments: Collection[float]) -> float:
    return max(moments) - min(moments)
