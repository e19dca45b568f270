"""What the run comes to: medians over the rounds, and ratios of what was measured in one run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from benchmarks import machine

Samples = Mapping[str, Sequence[float]]
"""What each of a contestant's rounds has measured, by name."""

PROCESSES = ("api", "worker", "postgres", "valkey", "client")


@dataclass(frozen=True, slots=True)
class Measured:
    """One contestant's medians. Its fields are the names of the samples.

    Rates are of deliveries acknowledged while the worker is not running, of events applied while
    they come in, and of events applied that were there before. Latencies are at 200 deliveries a
    second, but for those with 64 connections that never pause: the worker not running (``ingest``),
    and running (``saturated``). The disk's syncs are our own, made during the 200 deliveries a
    second: every commit waits for one.
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
    """Both contestants' medians, and ratios, which are medians of the rounds' ratios.

    Only one of them acknowledges anything while Redis is stopped: those latencies are Groat's.
    ``..._cpu_us`` are microseconds of processor time by process: for each delivery where they are
    only taken in, for each event where they are applied too.
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
    """Return the figures of a run from what each round measured."""
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
    """Return the figures as one flat object. Latencies with no name before them are Groat's."""
    flat = asdict(figures)
    groat, textbook = flat.pop("groat"), flat.pop("textbook")
    ours = {name if "_ms" in name else f"groat_{name}": one for name, one in groat.items()}
    return ours | {f"textbook_{name}": one for name, one in textbook.items()} | flat


def _measured(samples: Samples) -> Measured:
    names = [field.name for field in fields(Measured)]
    return Measured(**{name: _median(samples[name]) for name in names})


def _median(values: Sequence[float]) -> float:
    return _rounded(statistics.median(values))


def _ratio(values: Sequence[float], others: Sequence[float]) -> float:
    pairs = zip(values, others, strict=True)
    return _rounded(statistics.median([one / other for one, other in pairs]))


def _rounded(value: float) -> float:
    """Return the first three digits of a value; no other run repeats more of them."""
    return float(f"{value:.3g}")


def _cpu(samples: Samples, phase: str) -> dict[str, float]:
    names = {process: f"{phase}_cpu_us_{process}" for process in PROCESSES}
    return {process: _median(samples[name]) for process, name in names.items() if samples[name]}
