"""Compute the figures of a run: medians over the rounds, and ratios within the run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from benchmarks import machine

Samples = Mapping[str, Sequence[float]]
"""The values that each round of a contestant measured, by name."""

PROCESSES = ("api", "worker", "postgres", "valkey", "client")
"""Processes whose processor time is measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The medians of one contestant. The fields have the names of the samples.

    ``ingest_per_s`` counts deliveries acknowledged while the worker does not run.
    ``end_to_end_per_s`` counts events applied while deliveries continue. ``drain_per_s`` counts
    events applied from a backlog. Latencies are measured at 200 deliveries per second. The
    exceptions are those with 64 connections that never pause: ``..._ingest`` without the worker,
    and ``..._saturated`` with it. The benchmark itself makes the disk syncs during the 200
    deliveries per second, because every commit waits for a sync.
    """

    ingest_per_s: float
    end_to_end_per_s: float
    drain_per_s: float
    ack_p50_ms: float
    ack_p99_ms: float
    effect_p50_ms: float
    effect_p99_ms: float
    disk_sync_p50_ms: float
    disk_sync_longest_ms: float
    ack_p50_ms_ingest: float
    ack_p99_ms_ingest: float
    ack_p50_ms_saturated: float
    ack_p99_ms_saturated: float
    acknowledged_redis_down: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The medians of both contestants, and their ratios, which are medians of the rounds' ratios.

    Only Groat acknowledges deliveries while Redis is stopped, so the latencies of that phase are
    Groat's. ``..._cpu_us`` is microseconds of processor time by process: per delivery in the ingest
    phase, per event in the end-to-end phase.
    """

    groat: Measured
    textbook: Measured
    ingest_ratio: float
    end_to_end_ratio: float
    drain_ratio: float
    ack_p50_ms_redis_down: float
    ack_p99_ms_redis_down: float
    redis_down_ratio: float
    groat_ingest_cpu_us: Mapping[str, float]
    groat_end_to_end_cpu_us: Mapping[str, float]
    textbook_ingest_cpu_us: Mapping[str, float]
    textbook_end_to_end_cpu_us: Mapping[str, float]
    oracle_ok: bool
    command: str
    machine: str


def summarised(groat: Samples, textbook: Samples, *, oracle_ok: bool, command: str) -> Figures:
    """Return the figures of a run from the samples of its rounds."""
    return Figures(
        _measured(groat),
        _measured(textbook),
        ingest_ratio=_ratio(groat["ingest_per_s"], textbook["ingest_per_s"]),
        end_to_end_ratio=_ratio(groat["end_to_end_per_s"], textbook["end_to_end_per_s"]),
        drain_ratio=_ratio(groat["drain_per_s"], textbook["drain_per_s"]),
        ack_p50_ms_redis_down=_median(groat["ack_p50_ms_redis_down"]),
        ack_p99_ms_redis_down=_median(groat["ack_p99_ms_redis_down"]),
        redis_down_ratio=_ratio(groat["ack_p99_ms_redis_down"], groat["ack_p99_ms"]),
        groat_ingest_cpu_us=_cpu(groat, "ingest"),
        groat_end_to_end_cpu_us=_cpu(groat, "end_to_end"),
        textbook_ingest_cpu_us=_cpu(textbook, "ingest"),
        textbook_end_to_end_cpu_us=_cpu(textbook, "end_to_end"),
        oracle_ok=oracle_ok,
        command=command,
        machine=machine.described(),
    )


def document(figures: Figures) -> dict[str, object]:
    """Return the figures as one flat object. Latencies without a contestant's name are Groat's."""
    flat = asdict(figures)
    groat, textbook = flat.pop("groat"), flat.pop("textbook")
    renamed = {name if "_ms" in name else f"groat_{name}": value for name, value in groat.items()}
    return renamed | {f"textbook_{name}": value for name, value in textbook.items()} | flat


def _measured(samples: Samples) -> Measured:
    names = [field.name for field in fields(Measured)]
    return Measured(**{name: _median(samples[name]) for name in names})


def _median(values: Sequence[float]) -> float:
    return _rounded(statistics.median(values))


def _ratio(values: Sequence[float], others: Sequence[float]) -> float:
    pairs = zip(values, others, strict=True)
    return _rounded(statistics.median([value / other for value, other in pairs]))


def _rounded(value: float) -> float:
    """Round a value to three digits. Further digits differ between runs."""
    return float(f"{value:.3g}")


def _cpu(samples: Samples, phase: str) -> dict[str, float]:
    names = {process: f"{phase}_cpu_us_{process}" for process in PROCESSES}
    return {process: _median(samples[name]) for process, name in names.items() if samples[name]}
