"""The figures as a table on the screen, and as a page."""

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
| acknowledged, worker not running | {groat.ingest_per_s:,.0f}/s \
| {textbook.ingest_per_s:,.0f}/s | {figures.ingest_ratio} |
| events applied while they come in, end to end | {groat.end_to_end_per_s:,.0f}/s \
| {textbook.end_to_end_per_s:,.0f}/s | {figures.end_to_end_ratio} |
| events applied that were there before | {groat.drain_per_s:,.0f}/s \
| {textbook.drain_per_s:,.0f}/s | {figures.drain_ratio} |

At 200 deliveries a second, and with 64 connections that each send the next delivery as soon as the
last is acknowledged; milliseconds:

| median, 99th percentile | Groat | textbook |
|---|---:|---:|
| acknowledgement, 200/s | {groat.ack_p50_ms}, {groat.ack_p99_ms} \
| {textbook.ack_p50_ms}, {textbook.ack_p99_ms} |
| from sending to the committed posting, 200/s | {groat.effect_p50_ms}, {groat.effect_p99_ms} \
| {textbook.effect_p50_ms}, {textbook.effect_p99_ms} |
| a sync of the disk meanwhile: median, longest | {groat.disk_sync_p50_ms}, \
{groat.disk_sync_longest_ms} | {textbook.disk_sync_p50_ms}, {textbook.disk_sync_longest_ms} |
| acknowledgement, 64 connections | {groat.ack_p50_ms_saturated}, {groat.ack_p99_ms_saturated} \
| {textbook.ack_p50_ms_saturated}, {textbook.ack_p99_ms_saturated} |
| acknowledgement, 200/s, Redis stopped | {figures.ack_p50_ms_redis_down}, \
{figures.ack_p99_ms_redis_down} | {textbook.acknowledged_redis_down:.0%} are acknowledged |

Processor time in microseconds for each event that comes in and is applied, repetitions included:

| | {processes} | together |
|---|{columns}---:|
| Groat | {groat_cpu} |
| textbook | {textbook_cpu} |

The money oracle afterwards {oracle}: `groat verify` on Groat's side, the sums of its tables on the
textbook's, and on both every acknowledged event applied exactly once, those too that came while
Redis was stopped.

Measured by `{figures.command}` on
{figures.machine}:
client, contestants, PostgreSQL 18 and Valkey 9 together, one contestant after the other in turns;
medians of rounds. Use the ratios; the rates are this machine's.

- **Both** get the same deliveries of Stripe's `charge.succeeded` (2.2 KB), really signed, 30 % of
  them for the second time or a later one. Each event ends a payment whose call was never answered,
  with two ledger entries, two balances, of which one is common to all, and an audit record. Both
  use one PostgreSQL server, `synchronous_commit` on, and have a Valkey server each.
- **Groat** is `groat api` and `groat worker` as shipped, one process of each.
- **The textbook** is the pipeline as it is usually written, in `benchmarks/webhooks/textbook`:
  FastAPI on uvicorn verifies with Stripe's SDK, remembers the event's id with `SET NX`, inserts one
  row and adds one BullMQ job; a BullMQ worker takes each job through one transaction that locks the
  payment and the accounts `FOR UPDATE`. Its worker does 8 jobs at once; with 2, 4 and 16 its rate
  differs by less than from run to run, since all wait for the clearing account. It gets the first
  fifth of the deliveries that come as fast as can be, since it takes longer. Where it fails between
  `SET NX` and the insert, an event that it has not stored is acknowledged when it comes again: no
  failure is measured here but that of Redis.
- **Latencies** at 200/s are counted from the moment at which a delivery was due; the client's
  timer sends it up to a millisecond later. Postings are timed by PostgreSQL's commit timestamps.
- **Syncs of the disk** are of a page of 8 KB, 20 a second, by a thread that does nothing else. No
  delivery is acknowledged before PostgreSQL has had one: where the longest takes long in most of
  the rounds, the 99th percentiles are the disk's.
"""


def table(figures: Figures) -> Table:
    """Return the figures for a terminal."""
    shown = Table(title="Webhooks, beside the textbook's pipeline", show_header=False)
    for name, value in document(figures).items():
        shown.add_row(name.replace("_", " "), _text(value))
    return shown


def write(figures: Figures, directory: Path) -> None:
    """Write ``webhooks.md``."""
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
        f"A provider's events are applied {figures.end_to_end_ratio} times as fast as by the "
        f"textbook's\npipeline, and acknowledged {figures.ingest_ratio} times."
    )


def _cells(cpu_us: Mapping[str, float]) -> str:
    used = [cpu_us[process] for process in PROCESSES]
    return " | ".join(f"{one:,.0f}" for one in (*used, sum(used)))


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{process} {one:,.0f}" for process, one in value.items())
    return f"{value:,g}" if isinstance(value, float) else str(value)
