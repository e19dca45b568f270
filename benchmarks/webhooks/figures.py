"""What the run comes to: medians over the rounds, and ratios of what was measured in one run."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Samples = dict[str, list[float]]
"""What each round has measured, by name."""

_PROCESSES = ("api", "worker", "postgres", "valkey", "client")


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians of rounds. Rates are of deliveries acknowledged, and of events applied.

    Latencies without a prefix are Groat's at 200 deliveries a second. Processor times are in
    microseconds: for each delivery where they are only taken in, for each event where they are
    applied too.
    """

    groat_ingest_per_s: float
    groat_end_to_end_per_s: float
    groat_drain_per_s: float
    textbook_ingest_per_s: float
    textbook_end_to_end_per_s: float
    textbook_drain_per_s: float
    ingest_ratio: float
    end_to_end_ratio: float
    ack_p50_ms: float
    ack_p99_ms: float
    effect_p50_ms: float
    effect_p99_ms: float
    ack_p99_ms_redis_down: float
    redis_down_ratio: float
    ack_p50_ms_ingest: float
    ack_p99_ms_ingest: float
    ack_p50_ms_saturated: float
    ack_p99_ms_saturated: float
    textbook_ack_p50_ms: float
    textbook_ack_p99_ms: float
    textbook_effect_p50_ms: float
    textbook_effect_p99_ms: float
    textbook_ack_p99_ms_ingest: float
    textbook_ack_p99_ms_saturated: float
    acked_redis_down: float
    textbook_acked_redis_down: float
    groat_ingest_cpu_us: Mapping[str, float]
    groat_end_to_end_cpu_us: Mapping[str, float]
    textbook_ingest_cpu_us: Mapping[str, float]
    textbook_end_to_end_cpu_us: Mapping[str, float]
    oracle_ok: bool
    rounds: int
    deliveries: int
    seconds: float
    machine: str


def summarised(
    samples: Mapping[str, Sequence[float]],
    *,
    oracle_ok: bool,
    rounds: int,
    deliveries: int,
    seconds: float,
) -> Figures:
    """Return the figures of a run from what each round measured, by name."""
    median, ratio, cpu = _Medians(samples).median, _Medians(samples).ratio, _Medians(samples).cpu
    return Figures(
        groat_ingest_per_s=median("groat_ingest_per_s", 0),
        groat_end_to_end_per_s=median("groat_end_to_end_per_s", 0),
        groat_drain_per_s=median("groat_drain_per_s", 0),
        textbook_ingest_per_s=median("textbook_ingest_per_s", 0),
        textbook_end_to_end_per_s=median("textbook_end_to_end_per_s", 0),
        textbook_drain_per_s=median("textbook_drain_per_s", 0),
        ingest_ratio=ratio("groat_ingest_per_s", "textbook_ingest_per_s"),
        end_to_end_ratio=ratio("groat_end_to_end_per_s", "textbook_end_to_end_per_s"),
        ack_p50_ms=median("groat_ack_p50_ms"),
        ack_p99_ms=median("groat_ack_p99_ms"),
        effect_p50_ms=median("groat_effect_p50_ms"),
        effect_p99_ms=median("groat_effect_p99_ms"),
        ack_p99_ms_redis_down=median("groat_ack_redis_down_p99_ms"),
        redis_down_ratio=ratio("groat_ack_redis_down_p99_ms", "groat_ack_p99_ms"),
        ack_p50_ms_ingest=median("groat_ack_ingest_p50_ms"),
        ack_p99_ms_ingest=median("groat_ack_ingest_p99_ms"),
        ack_p50_ms_saturated=median("groat_ack_saturated_p50_ms"),
        ack_p99_ms_saturated=median("groat_ack_saturated_p99_ms"),
        textbook_ack_p50_ms=median("textbook_ack_p50_ms"),
        textbook_ack_p99_ms=median("textbook_ack_p99_ms"),
        textbook_effect_p50_ms=median("textbook_effect_p50_ms"),
        textbook_effect_p99_ms=median("textbook_effect_p99_ms"),
        textbook_ack_p99_ms_ingest=median("textbook_ack_ingest_p99_ms"),
        textbook_ack_p99_ms_saturated=median("textbook_ack_saturated_p99_ms"),
        acked_redis_down=median("groat_acked_redis_down", 3),
        textbook_acked_redis_down=median("textbook_acked_redis_down", 3),
        groat_ingest_cpu_us=cpu("groat_ingest"),
        groat_end_to_end_cpu_us=cpu("groat_end_to_end"),
        textbook_ingest_cpu_us=cpu("textbook_ingest"),
        textbook_end_to_end_cpu_us=cpu("textbook_end_to_end"),
        oracle_ok=oracle_ok,
        rounds=rounds,
        deliveries=deliveries,
        seconds=seconds,
        machine=f"{os.cpu_count()} x {platform.machine()}, Python {platform.python_version()}",
    )


@dataclass(frozen=True, slots=True)
class _Medians:
    samples: Mapping[str, Sequence[float]]

    def median(self, name: str, digits: int = 1) -> float:
        return round(statistics.median(self.samples[name]), digits)

    def ratio(self, name: str, other: str) -> float:
        pairs = zip(self.samples[name], self.samples[other], strict=True)
        return round(statistics.median([one / another for one, another in pairs]), 2)

    def cpu(self, phase: str) -> dict[str, float]:
        names = {process: f"{phase}_cpu_us_{process}" for process in _PROCESSES}
        return {
            process: self.median(name, 0) for process, name in names.items() if name in self.samples
        }
