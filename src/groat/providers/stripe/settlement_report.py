"""Read Stripe's itemized reports: one balance transaction a row, amounts in major units.

The reports are ``balance_change_from_activity.itemized`` and ``payout_reconciliation.itemized``.
They state no totals. Each row is held against itself, and no balance transaction may appear twice.
Source: docs.stripe.com/reports/report-types.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import BinaryIO

from groat.kernel.errors import InvalidRequest
from groat.providers.amounts import from_major
from groat.providers.domain.movements import Movement
from groat.providers.settlement_files import SettlementFileRefused, rows
from groat.providers.stripe.movements import category_of, split

_REQUIRED = (
    *("balance_transaction_id", "created_utc", "currency", "gross", "fee", "net"),
    "reporting_category",
)
_OPTIONAL = ("source_id", "charge_id", "automatic_payout_id")
"""Columns that a report may leave out. Their values are empty then."""

_LONGEST_ID = 255


def read_itemized_report(parts: Sequence[BinaryIO]) -> Iterator[Movement]:
    """Yield the movements of itemized reports.

    Raises:
        SettlementFileRefused: a column is missing, a row cannot be read or contradicts itself, or
            a balance transaction appears twice.
    """
    seen: set[str] = set()
    for part in parts:
        line = 1
        try:
            table = rows(part)
            columns = _columns(next(table, []))
            for row in table:
                line += 1
                row.append("")
                found = _movement(columns(row))
                _add(seen, found.key)
                yield found
        except SettlementFileRefused:
            raise
        except (ValueError, IndexError, InvalidRequest, csv.Error) as error:
            raise SettlementFileRefused(line, f"the row is wrong: {error}") from error


def _add(seen: set[str], key: str) -> None:
    if key in seen:
        raise ValueError(f"{key} appears twice")
    seen.add(key)


def _columns(heading: list[str]) -> Callable[[list[str]], tuple[str, ...]]:
    """Return the function that takes the columns to read from a row.

    The place -1 stands for a column that the report leaves out: ``_movement`` gets an empty text at
    the end of each row.
    """
    missing = [name for name in _REQUIRED if name not in heading]
    if missing:
        raise SettlementFileRefused(1, f"the report has no column {', '.join(missing)}")
    places = {name: place for place, name in enumerate(heading)}
    return itemgetter(*(places.get(name, -1) for name in (*_REQUIRED, *_OPTIONAL)))


def _movement(values: tuple[str, ...]) -> Movement:
    key, created, code, gross, fee, net, label, source, charge, payout = values
    currency = code.upper()
    amount, charged = from_major(gross, currency), from_major(fee, currency)
    if amount - charged != from_major(net, currency):
        raise ValueError("net is not gross less fee")
    if not 0 < len(key) <= _LONGEST_ID:
        raise ValueError("no balance_transaction_id")
    kept, taken, tax = split(label, amount, charged, {})
    return Movement(
        key,
        category_of(label, amount),
        label,
        datetime.fromisoformat(f"{created}+00:00"),
        currency,
        kept,
        taken,
        tax,
        source or None,
        charge or None,
        payout or None,
    )
