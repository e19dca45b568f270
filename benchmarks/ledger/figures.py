"""Compute the figures of a run: medians over the rounds, and ratios within the run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks import machine


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a run. Rates are transfers per second; for TPC-B, transactions per second.

    Every ratio is the median of the ratios of the rounds. A ratio ``..._over_none`` compares
    a mix of calls with plain transfers: the lower one of those for cold and for hot accounts.
    """

    groat_cold_tps: float
    groat_hot_tps: float
    groat_large_tps: float
    for_update_cold_tps: float
    for_update_hot_tps: float
    tpcb_tps: float
    cold_ratio: float
    hot_ratio: float
    hot_over_cold: float
    large_over_empty: float
    refused_2_over_none: float
    refused_30_over_none: float
    repeated_10_over_none: float
    p50_ms: float
    p99_ms: float
    single_p50_ms: float
    for_update_single_p50_ms: float
    bytes_per_transfer: float
    for_update_cold_clients: int
    for_update_hot_clients: int
    rounds: int
    seconds: float
    oracle_ok: bool
    machine: str


def summarised(
    samples: Mapping[str, Sequence[float]],
    clients: Mapping[str, int],
    *,
    oracle_ok: bool,
    rounds: int,
    seconds: float,
) -> Figures:
    """Return the figures of a run from the ``samples`` of its rounds, by name."""

    def median(name: str, digits: int) -> float:
        return round(statistics.median(samples[name]), digits)

    def ratio(name: str, other: str) -> float:
        pairs = zip(samples[name], samples[other], strict=True)
        return round(statistics.median([value / divisor for value, divisor in pairs]), 2)

    def over_none(mix: str) -> float:
        kinds = ("cold", "hot")
        return min(ratio(f"{mix}_{kind}_tps", f"groat_{kind}_tps") for kind in kinds)

    return Figures(
        groat_cold_tps=median("groat_cold_tps", 0),
        groat_hot_tps=median("groat_hot_tps", 0),
        groat_large_tps=median("groat_large_tps", 0),
        for_update_cold_tps=median("for_update_cold_tps", 0),
        for_update_hot_tps=median("for_update_hot_tps", 0),
        tpcb_tps=median("tpcb_tps", 0),
        cold_ratio=ratio("groat_cold_tps", "for_update_cold_tps"),
        hot_ratio=ratio("groat_hot_tps", "for_update_hot_tps"),
        hot_over_cold=ratio("groat_hot_tps", "groat_cold_tps"),
        large_over_empty=ratio("groat_large_tps", "groat_cold_tps"),
        refused_2_over_none=over_none("refused_2"),
        refused_30_over_none=over_none("refused_30"),
        repeated_10_over_none=over_none("repeated_10"),
        p50_ms=median("p50_ms", 1),
        p99_ms=median("p99_ms", 1),
        single_p50_ms=median("single_p50_ms", 2),
        for_update_single_p50_ms=median("for_update_single_p50_ms", 2),
        bytes_per_transfer=median("bytes_per_transfer", 0),
        for_update_cold_clients=clients["cold"],
        for_update_hot_clients=clients["hot"],
        rounds=rounds,
        seconds=seconds,
        oracle_ok=oracle_ok,
        machine=machine.described(),
    )
