"""Read PayPal's settlement report (STL), and hold it against its own totals.

The first column of a row tells its record. Parts begin with ``FH`` and end with ``FF``. The first
part begins with ``RH``, the last ends with ``RC``. Between them stand sections: ``SH``, ``CH`` with
the names of the columns, ``SB`` rows, an ``SF`` footer for each currency, and ``SC`` with the
number of rows. Source: developer.paypal.com, Settlement Report Specification.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import BinaryIO

from groat.kernel.errors import InvalidRequest
from groat.providers.amounts import from_units
from groat.providers.domain.movements import Movement
from groat.providers.paypal.movements import BookedRow, EqualRows, is_booked, movement
from groat.providers.settlement_files import SettlementFileRefused, rows

_DECIMALS = 2
"""Implied decimals of every amount in the report, also of a currency without decimals."""

_SIGNS = {"CR": 1, "DR": -1, "": 1}

_COLUMNS = (
    *("transactionid", "paypalreferenceid", "paypalreferenceidtype", "transactioneventcode"),
    *("transactioninitiationdate", "transactiondebitorcredit", "grosstransactionamount"),
    *("grosstransactioncurrency", "feedebitorcredit", "feeamount", "feecurrency"),
)
"""Names of the columns that are read, without blanks: one heading is written with two of them."""

_FOOTER = 6
"""Columns of a footer before its balances: record, currency, and the four totals."""

_BALANCES = 4
"""Columns of a footer with the opening and the closing available balance, and their signs."""

_FALSE_ROW = (ValueError, IndexError, KeyError, InvalidRequest)
"""Errors of a row that the specification does not allow."""


class _Totals:
    """Sums of a section's rows in one currency, in the report's units.

    They have the order of a footer: gross credits and debits, fee credits and debits.
    """

    def __init__(self) -> None:
        self.sums = [0, 0, 0, 0]

    def add(self, gross: int, fee: int) -> None:
        self.sums[gross < 0] += abs(gross)
        self.sums[2 + (fee < 0)] += abs(fee)

    @property
    def net(self) -> int:
        gross_in, gross_out, fee_in, fee_out = self.sums
        return gross_in - gross_out + fee_in - fee_out


def read_settlement_report(parts: Sequence[BinaryIO]) -> Iterator[Movement]:
    """Yield the movements of a report, whose parts are given in their order.

    Raises:
        SettlementFileRefused: a part is missing, a row cannot be read, or the rows contradict a
            total, a count or a closing balance of the report.
    """
    report = _Report()
    for part in parts:
        try:
            for row in rows(part):
                report.line += 1
                if row and (found := report.take(row)) is not None:
                    yield found
        except _FALSE_ROW as error:
            raise _refused(report.line, error) from error
        except csv.Error as error:
            raise SettlementFileRefused(report.line + 1, f"not CSV: {error}") from error
        report.end_part()
    report.end()


def _refused(line: int, error: Exception) -> SettlementFileRefused:
    if isinstance(error, SettlementFileRefused):
        return error
    return SettlementFileRefused(line, f"the row is wrong: {error}")


class _Report:
    """The state of the reading: the running sums, and the records that must still come."""

    def __init__(self) -> None:
        self.line = 0
        self._equal = EqualRows()
        self._records: Counter[str] = Counter()
        self._taken: Callable[[Sequence[str]], tuple[str, ...]] = _no_columns
        self._section: defaultdict[str, _Totals] = defaultdict(_Totals)
        self._section_rows = 0
        self._rows = 0

    def take(self, row: Sequence[str]) -> Movement | None:
        """Take the next row, and return the movement that it books, if any."""
        record = row[0]
        if record == "SB":
            return self._take_body(row)
        self._records[record] += 1
        match record:
            case "FH":
                self._require(int(row[1]) == self._records["FH"], "a part of the report is missing")
            case "CH":
                names = ["".join(name.split()).lower() for name in row]
                self._taken = itemgetter(*(names.index(name) for name in _COLUMNS))
            case "SF":
                self._take_footer(row)
            case "SC":
                self._end_section(int(row[1]))
            case "RC":
                self._require(int(row[1]) == self._rows, "the report's count differs from its rows")
            case _:  # report header, section header and report footer repeat what others say
                pass
        return None

    def end_part(self) -> None:
        """Check that the part ended with its footer."""
        self._require(
            self._records["FF"] == self._records["FH"] > 0, "the part ends without its footer (FF)"
        )

    def end(self) -> None:
        """Check that the report is complete."""
        complete = self._records["RH"] == 1 == self._records["RC"]
        self._require(complete and not self._section_rows, "the report ends early (RC)")

    def _take_body(self, row: Sequence[str]) -> Movement | None:
        self._section_rows += 1
        transaction_id, reference, kind, code, began, side, gross, currency, *fees = self._taken(
            row
        )
        fee_side, fee, fee_currency = fees
        signed_gross = _SIGNS[side] * int(gross)
        signed_fee = _SIGNS[fee_side] * int(fee or 0)
        if signed_fee and fee_currency not in {currency, ""}:
            raise ValueError("the fee has another currency")
        self._section[currency].add(signed_gross, signed_fee)
        if not is_booked(code, "S"):
            return None
        booked = BookedRow(
            transaction_id,
            code,
            _moment(began),
            currency,
            _minor(signed_gross, currency),
            _minor(signed_fee, currency),
            reference or None if kind == "TXN" else None,
        )
        return movement(booked, self._equal)

    def _take_footer(self, row: Sequence[str]) -> None:
        """Compare a footer's totals with the rows, and its closing with its opening balance."""
        currency = row[1]
        found = self._section.pop(currency, _Totals())
        stated = [int(total) for total in row[2:_FOOTER]]
        self._require(stated == found.sums, f"the totals in {currency} differ from the rows")
        opened, opening, closed, closing = row[_FOOTER : _FOOTER + _BALANCES]
        change = _SIGNS[closed] * int(closing) - _SIGNS[opened] * int(opening)
        self._require(change == found.net, f"the closing balance in {currency} does not follow")

    def _end_section(self, count: int) -> None:
        self._require(count == self._section_rows, "the section's count differs from its rows")
        self._require(not self._section, f"no footer for {', '.join(self._section)}")
        self._rows += self._section_rows
        self._section_rows = 0

    def _require(self, holds: bool, problem: str) -> None:  # noqa: FBT001 - reads as a sentence
        if not holds:
            raise SettlementFileRefused(self.line, problem)


def _no_columns(_: Sequence[str]) -> tuple[str, ...]:
    raise ValueError("a row comes before the names of the columns")


@lru_cache(maxsize=1 << 16)
def _minor(units: int, currency: str) -> int:
    """Return the minor units of an amount of the report. Amounts recur, so they are remembered."""
    return from_units(units, currency, _DECIMALS).amount


def _moment(text: str) -> datetime:
    """Return the time in a text such as ``2024/08/20 00:01:17 -0700``, in UTC."""
    date, clock, offset = text.split(" ")
    return datetime.fromisoformat(f"{date.replace('/', '-')}T{clock}{offset}").astimezone(UTC)
