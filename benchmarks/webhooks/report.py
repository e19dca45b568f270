"""Render the figures as a table on the screen, and as a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from benchmarks.webhooks.figures import PROCESSES, Figures, document

_PAGE = """\
# The webhooks' benchmark

{summary}

| | Groat | textbook | Groat / textbook |
|---|---:|---:|---:|
| deliveries acknowledged, without the worker | {groat.ingest_per_s:,.0f}/s \
| {textbook.ingest_per_s:,.0f}/s | {figures.ingest_ratio} |
| events applied end to end, while deliveries continue | {groat.end_to_end_per_s:,.0f}/s \
| {textbook.end_to_end_per_s:,.0f}/s | {figures.end_to_end_ratio} |
| events applied from a backlog | {groat.drain_per_s:,.0f}/s \
| {textbook.drain_per_s:,.0f}/s | {figures.drain_ratio} |

Latencies in milliseconds: at 200 deliveries per second, and with 64 connections that each send the
next delivery as soon as the last is acknowledged.

| median, 99th percentile | Groat | textbook |
|---|---:|---:|
| acknowledgement, 200/s | {groat.ack_p50_ms}, {groat.ack_p99_ms} \
| {textbook.ack_p50_ms}, {textbook.ack_p99_ms} |
| from sending to the committed posting, 200/s | {groat.effect_p50_ms}, {groat.effect_p99_ms} \
| {textbook.effect_p50_ms}, {textbook.effect_p99_ms} |
| a disk sync meanwhile: median, longest | {groat.disk_sync_p50_ms}, \
{groat.disk_sync_longest_ms} | {textbook.disk_sync_p50_ms}, {textbook.disk_sync_longest_ms} |
| acknowledgement, 64 connections | {groat.ack_p50_ms_saturated}, {groat.ack_p99_ms_saturated} \
| {textbook.ack_p50_ms_saturated}, {textbook.ack_p99_ms_saturated} |
| acknowledgement, 200/s, Redis stopped | {figures.ack_p50_ms_redis_down}, \
{figures.ack_p99_ms_redis_down} | {textbook.acknowledged_redis_down:.0%} are acknowledged |

Processor time in microseconds per event, from its deliveries to its posting. Repeated deliveries
are included.

| | {processes} | together |
|---|{columns}---:|
| Groat | {groat_cpu} |
| textbook | {textbook_cpu} |

The money oracle afterwards {oracle}. It runs `groat verify` on Groat's side, and compares the sums
of the tables on the textbook's side. On both sides it checks that every acknowledged event was
applied exactly once, including the events that came while Redis was stopped.

Measured by `{figures.command}` on
{figures.machine}.
Client, contestants, PostgreSQL 18 and Valkey 9 share the machine, and the contestants take turns.
The figures are medians of the rounds. Use the ratios; the rates hold for this machine only.

- **Both** get the same deliveries of Stripe's `charge.succeeded` (2.2 KB) with valid signatures.
  30 % of the deliveries repeat an earlier one. Each event settles a payment whose call was never
  answered: it writes two ledger entries, two balances and an audit record. All events share one of
  the two balances. Both use one PostgreSQL server with `synchronous_commit` on, and one Valkey
  server each.
- **Groat** is `groat api` and `groat worker` as shipped, one process of each.
- **The textbook** is the usual pipeline, in `benchmarks/webhooks/textbook`. FastAPI on uvicorn
  verifies with Stripe's SDK, remembers the event's id with `SET NX`, inserts one row and adds one
  BullMQ job. A BullMQ worker runs each job in one transaction that locks the payment and the
  accounts with `FOR UPDATE`. The worker runs 8 jobs at once. With 2, 4 or 16 its rate differs by
  less than from run to run, since all jobs wait for the clearing account. In the phases without
  pauses it gets only the first fifth of the deliveries, since it is slower. If the textbook fails
  between `SET NX` and the insert, it acknowledges the repeated event without having stored it. This
  benchmark measures no failure except that of Redis.
- **Latencies** at 200/s start when a delivery is due; the client's timer may send it up to a
  millisecond later. The time of a posting is PostgreSQL's commit timestamp.
- **Disk syncs** are made by a separate thread: 20 per second, of a page of 8 KB each. PostgreSQL
  needs a sync before a delivery can be acknowledged. If the longest sync is slow in most rounds,
  the disk causes the 99th percentiles.
"""


def table(figures: Figures) -> Table:
    """Return the figures as a table for the terminal."""
    shown = Table(title="Webhooks: Groat and the textbook's pipeline", show_header=False)
    for name, value in document(figures).items():
        shown.add_row(name.replace("_", " "), _text(value))
    return shown


def write(figures: Figures, directory: Path) -> None:
    """Write ``webhooks.md`` to ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    page = _PAGE.format(
        figures=figures,
        groat=figures.groat,
        textbook=figures.textbook,
        summary=_summary(figures),
        oracle="holds" if figures.oracle_ok else "FAILS",
        processes=" | ".join(PROCESSES),
        columns="---:|" * len(PROCESSES),
        groat_cpu=_cells(figures.groat_end_to_end_cpu_us),
        textbook_cpu=_cells(figures.textbook_end_to_end_cpu_us),
    )
    (directory / "webhooks.md").write_text(page, encoding="utf-8")


def _summary(figures: Figures) -> str:
    return (
        f"Groat applies a provider's events {figures.end_to_end_ratio} times as fast as the "
        f"textbook's\npipeline, and acknowledges them {figures.ingest_ratio} times as fast."
    )


def _cells(cpu_us: Mapping[str, float]) -> str:
    used = [cpu_us[process] for process in PROCESSES]
    return " | ".join(f"{microseconds:,.0f}" for microseconds in (*used, sum(used)))


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {microseconds:,.0f}" for name, microseconds in value.items())
    return f"{value:,g}" if isinstance(value, float) else str(value)
