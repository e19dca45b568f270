"""The turns of one contestant: acknowledge events, apply them, at a fixed rate, without Redis."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.webhooks import events
from benchmarks.webhooks.client import Done, Round
from benchmarks.webhooks.contestant import Contestant
from benchmarks.webhooks.disk import synced
from benchmarks.webhooks.plan import Orders
from benchmarks.webhooks.sender import Sender
from benchmarks.webhooks.usage import Usage, since, used
from groat.platform.embedded.servers import PostgresServer

CONNECTIONS = 64
"""Connections of the client."""

RATE = 200.0
"""Deliveries per second in the phases with a fixed rate."""

_PATIENCE_SECONDS = 120.0
"""Seconds to wait for missing acknowledgements."""

_PATIENCE_WITHOUT_REDIS_SECONDS = 3.0
"""Seconds to wait for missing acknowledgements while Redis is stopped."""

_SETTLING_SECONDS = 180.0
"""Maximum seconds to wait until every acknowledged event is applied."""

_LOOK_SECONDS = 0.1
"""Seconds between checks whether every acknowledged event is applied."""

Begin = Callable[[str], None]
"""Callback that receives the name of each phase when it begins."""


@dataclass(slots=True)
class Contest:
    """A contestant whose API runs, with the tools and the results of its measurement.

    ``home`` is on the same disk as the servers. ``samples`` holds the values that each turn
    measured, by name. ``acknowledged`` holds the events that the contestant must apply. ``refused``
    counts the deliveries that it did not acknowledge although nothing had failed.
    """

    contestant: Contestant
    sender: Sender
    postgres: PostgresServer
    api_pid: int
    home: Path
    begin: Begin
    samples: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    acknowledged: set[int] = field(default_factory=set)
    refused: int = 0

    def turn(self, orders: Orders) -> None:
        """Measure each phase that has orders."""
        self.contestant.books.tidy()
        self.begin("ingest")
        taken_in = self._ingest(orders["ingest"])
        with self.contestant.working() as worker_pid:
            self._drain(taken_in)
            self.begin("end_to_end")
            self._end_to_end(orders["end_to_end"], worker_pid)
            self.begin("by_the_clock")
            self._by_the_clock(orders["by_the_clock"])
            if "without_redis" in orders:
                self.begin("without_redis")
                self._without_redis(orders["without_redis"])

    def holds(self, payments: int) -> bool:
        """Tell whether the contestant applied every acknowledged event once and lost no money."""
        numbers = {events.charge_id(number): number for number in range(payments)}
        applied = [numbers[reference] for reference, _ in self.contestant.books.rows("effects")]
        total = sum(map(events.amount, applied))
        return (
            not self.refused
            and len(set(applied)) == len(applied)
            and self.acknowledged <= set(applied)
            and self.contestant.books.rows("balances") == [(total, -total)]
            and self.contestant.holds()
        )

    def _ingest(self, order: Sequence[int]) -> Done:
        with self._noting_usage("ingest", len(order)) as usage:
            done = self._deliver(order)
            usage["client"] = done.cpu_seconds
        self._note("ingest_per_s", len(done.latencies_ms) / done.seconds)
        self._note_latencies("ack", done.latencies_ms, "_ingest")
        return done

    def _drain(self, taken_in: Done) -> None:
        self._until_settled()
        committed = self._effects(taken_in).values()
        self._note("drain_per_s", len(committed) / (max(committed) - min(committed)))

    def _end_to_end(self, order: Sequence[int], worker_pid: int) -> None:
        with self._noting_usage("end_to_end", len(set(order)), worker=worker_pid) as usage:
            done = self._deliver(order)
            self._until_settled()
            usage["client"] = done.cpu_seconds
        committed = self._effects(done)
        self._note("end_to_end_per_s", len(committed) / (max(committed.values()) - done.started_at))
        self._note_latencies("ack", done.latencies_ms, "_saturated")

    def _by_the_clock(self, order: Sequence[int]) -> None:
        with synced(self.home) as syncs_ms:
            done = self._deliver(order, RATE)
        self._note("disk_sync_p50_ms", statistics.median(syncs_ms))
        self._note("disk_sync_longest_ms", max(syncs_ms))
        self._until_settled()
        committed = self._effects(done)
        sent_at = dict(done.sent_at)
        latencies = [1000 * (at - sent_at[number]) for number, at in committed.items()]
        self._note_latencies("ack", done.latencies_ms)
        self._note_latencies("effect", latencies)

    def _without_redis(self, order: Sequence[int]) -> None:
        """Stop Redis, deliver, wait until every acknowledged event is applied, and start Redis."""
        self.contestant.valkey.stop()
        try:
            done = self._send(order, RATE, _PATIENCE_WITHOUT_REDIS_SECONDS)
            self._note("acknowledged_redis_down", len(done.latencies_ms) / len(order))
            if done.acknowledged:
                self._note_latencies("ack", done.latencies_ms, "_redis_down")
                self._until_settled()
        finally:
            self.contestant.valkey.start()

    def _deliver(self, order: Sequence[int], rate: float | None = None) -> Done:
        """Deliver events while all servers run, and count those that are not acknowledged."""
        done = self._send(order, rate, _PATIENCE_SECONDS)
        self.refused += len(order) - len(done.latencies_ms)
        return done

    def _send(self, order: Sequence[int], rate: float | None, patience: float) -> Done:
        port, path = self.contestant.port, self.contestant.path
        asked = Round(port, path, list(order), CONNECTIONS, rate, patience)
        done = self.sender.deliver(asked)
        self.acknowledged.update(done.acknowledged)
        return done

    def _effects(self, done: Done) -> dict[int, float]:
        """Return the Unix time at which each event of ``done`` was applied."""
        numbers = {events.charge_id(number): number for number in done.acknowledged}
        rows = self.contestant.books.rows("effects")
        return {numbers[reference]: at for reference, at in rows if reference in numbers}

    def _until_settled(self) -> None:
        """Wait until every stored event is applied.

        Raises:
            TimeoutError: an acknowledged event was not applied within three minutes.
        """
        deadline = time.monotonic() + _SETTLING_SECONDS
        while self.contestant.books.rows("is_settled") != [(True,)]:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{self.contestant.name} has not applied all acknowledged events"
                )
            time.sleep(_LOOK_SECONDS)

    @contextmanager
    def _noting_usage(self, phase: str, units: int, **pids: int) -> Iterator[dict[str, float]]:
        """Measure the processor time of each process per unit while the block runs.

        The block may add the seconds of other processes to the yielded mapping.
        """
        servers = {"postgres": self.postgres.pid, "valkey": self.contestant.valkey.pid}
        pids |= {"api": self.api_pid, **servers}
        before: Usage = used(pids)
        others: dict[str, float] = {}
        yield others
        for process, seconds in {**since(before, used(pids)), **others}.items():
            self._note(f"{phase}_cpu_us_{process}", 1e6 * seconds / units)

    def _note(self, name: str, value: float) -> None:
        self.samples[name].append(value)

    def _note_latencies(self, of: str, latencies_ms: Sequence[float], when: str = "") -> None:
        hundredths = statistics.quantiles(latencies_ms, n=100)
        self._note(f"{of}_p50_ms{when}", hundredths[49])
        self._note(f"{of}_p99_ms{when}", hundredths[98])
