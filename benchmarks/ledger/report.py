"""Render the figures as a table on the screen, a page, and a chart."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from xml.sax.saxutils import escape

from rich.table import Table

from benchmarks.ledger.figures import Figures

_BAR, _GAP, _LEFT, _WIDTH = 26, 14, 250, 900
_COLOURS = {"groat": "#1a7f5a", "usual": "#9aa3ad"}

_PAGE = """\
# The ledger's benchmark

{summary}

![Transfers per second](ledger.svg)

| | Groat | usual function | Groat / usual |
|---|---:|---:|---:|
{rates}
| a single caller, median latency | {single_p50_ms} ms | {for_update_single_p50_ms} ms | |

| | |
|---|---:|
| hot / cold | {hot_over_cold} |
| a ledger with five million past entries / a new ledger | {large_over_empty} |
| 2 % of the calls refused / none | {refused_2_over_none} |
| 30 % of the calls refused / none | {refused_30_over_none} |
| 10 % of the calls repeated / none | {repeated_10_over_none} |
| 1,000 concurrent callers: median and 99th percentile | {p50_ms} ms, {p99_ms} ms |
| bytes per transfer: tables, indexes and audit record | {bytes_per_transfer:.0f} |
| pgbench's own TPC-B, as a yardstick of the machine | {tpcb_tps:,.0f}/s |
| the money oracle afterwards | {oracle} |

Measured by `python -m benchmarks ledger --output docs/benchmarks` on {machine}. Client, engine and
PostgreSQL 18 share the machine. {rounds} rounds of turns of {seconds:.0f} s alternate on one
server. The figures are medians of the rounds. `synchronous_commit` is on for all contestants. Use
the ratios; the rates hold for this machine only.

- **Groat** runs one process for each processor. 1,000 callers in all ask `accounts.service` for one
  transfer at a time and wait for its answer. Groat checks status, currency and floor, recognises
  repeated transfers by their reference, and writes the audit record.
- **The usual function** runs one transaction for each transfer. A PL/pgSQL function locks both
  balances in order with `FOR UPDATE` and writes the same rows except the audit record. pgbench
  calls it with the number of clients at which it is fastest ({for_update_cold_clients} cold,
  {for_update_hot_clients} hot). It does not recognise repeated transfers.
- **Refused and repeated**: calls per second in a mix, compared with plain transfers of the same
  round, cold and hot; the lower of the two. A refused transfer debits one of 1,000 empty wallets.
  A repeated one is among the last 1,000 that its process made. These turns are half as long.
- **Bytes** are the growth of `ledger_transaction`, `ledger_entry`, `balance` and `audit_record`
  with their indexes during Groat's turns. References are short, such as `s0-123456`. The extra
  bytes of a longer reference are stored once.
"""


def table(figures: Figures) -> Table:
    """Return the figures as a table for the terminal."""
    shown = Table(title="The ledger and the usual ways", show_header=False)
    for name, value in asdict(figures).items():
        shown.add_row(
            name.replace("_", " "), f"{value:,}" if isinstance(value, float) else str(value)
        )
    return shown


def write(figures: Figures, directory: Path) -> None:
    """Write ``ledger.md`` and ``ledger.svg`` to ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "ledger.svg").write_text(_chart(figures), encoding="utf-8")
    oracle = "holds" if figures.oracle_ok else "FAILS"
    summary = (
        f"Transfers into one hot account run {figures.hot_ratio} times as fast as the usual way.\n"
        f"Transfers between random accounts run {figures.cold_ratio} times as fast."
    )
    rates = "\n".join(
        [
            f"| {label} | {groat:,.0f}/s | {usual:,.0f}/s | {ratio} |"
            for label, groat, usual, ratio in _rates(figures)
        ]
    )
    page = _PAGE.format(**asdict(figures), oracle=oracle, summary=summary, rates=rates)
    (directory / "ledger.md").write_text(page, encoding="utf-8")


def _rates(figures: Figures) -> list[tuple[str, float, float, float]]:
    return [
        (
            "cold: two of 200,000 accounts at random",
            figures.groat_cold_tps,
            figures.for_update_cold_tps,
            figures.cold_ratio,
        ),
        (
            "hot: one account on every transfer",
            figures.groat_hot_tps,
            figures.for_update_hot_tps,
            figures.hot_ratio,
        ),
    ]


def _chart(figures: Figures) -> str:
    rows = [
        ("Groat, one hot account", figures.groat_hot_tps, "groat"),
        ("usual function, one hot account", figures.for_update_hot_tps, "usual"),
        ("Groat, 200,000 accounts", figures.groat_cold_tps, "groat"),
        ("usual function, 200,000 accounts", figures.for_update_cold_tps, "usual"),
        ("Groat, after 5 million entries", figures.groat_large_tps, "groat"),
        ("pgbench TPC-B (yardstick)", figures.tpcb_tps, "usual"),
    ]
    most = max(rate for _, rate, _ in rows)
    height = len(rows) * (_BAR + _GAP) + _GAP
    bars = "\n".join(_bar(*row, number, most) for number, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="14">\n'
        "<title>Transfers per second</title>\n"
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n{bars}\n</svg>\n'
    )


def _bar(label: str, rate: float, side: str, number: int, most: float) -> str:
    top = _GAP + number * (_BAR + _GAP)
    middle = top + _BAR * 0.7
    width = rate / most * (_WIDTH - _LEFT - 90)
    return (
        f'<text x="{_LEFT - 10}" y="{middle:.0f}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{_LEFT}" y="{top}" width="{width:.0f}" height="{_BAR}" '
        f'fill="{_COLOURS[side]}"/>'
        f'<text x="{_LEFT + width + 8:.0f}" y="{middle:.0f}">{rate:,.0f}/s</text>'
    )
