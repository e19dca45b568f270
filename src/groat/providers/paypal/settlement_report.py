"""Read PayPal's settlement report (STL), and hold it against its own totals.

The first column of a row tells its record. Parts begin with ``FH`` and end with ``FF``. The first
part begins with ``RH``, the last ends with ``RC``. Between them stand sections: ``SH``, ``CH`` with
the names of the columns, ``SB`` rows, an ``SF`` footer for each currency, and ``SC`` with the
number of rows. Source: developer.paypal.com, Settlement Report Specification.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple

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


class _Totals(NamedTuple):
    """Sums of a section's rows in one currency, in the report's units: unsigned, by direction."""

    gross_credits: int = 0
    gross_debits: int = 0
    fee_credits: int = 0
    fee_debits: int = 0

    def with_row(self, gross: int, fee: int) -> _Totals:
        return _Totals(
            self.gross_credits + max(gross, 0),
            self.gross_debits + max(-gross, 0),
            self.fee_credits + max(fee, 0),
            self.fee_debits + max(-fee, 0),
        )

    @property
    def net(self) -> int:
        return self.gross_credits - self.gross_debits + self.fee_credits - self.fee_debits


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
        self._columns: list[int] = []
        self._section: dict[str, _Totals] = {}
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
                self._columns = [names.index(name) for name in _COLUMNS]
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
        values = [row[column] for column in self._columns]
        transaction_id, reference, kind, code, began, side, gross, currency, *fees = values
        fee_side, fee, fee_currency = fees
        signed_gross = _SIGNS[side] * int(gross)
        signed_fee = _SIGNS[fee_side] * int(fee or 0)
        if signed_fee and fee_currency not in {currency, ""}:
            raise ValueError("the fee has another currency")
        totals = self._section.get(currency, _NONE)
        self._section[currency] = totals.with_row(signed_gross, signed_fee)
        if not is_booked(code, "S"):
            return None
        booked = BookedRow(
            transaction_id,
            code,
            _moment(began),
            currency,
            from_units(signed_gross, currency, _DECIMALS).amount,
            from_units(signed_fee, currency, _DECIMALS).amount,
            reference or None if kind == "TXN" else None,
        )
        return movement(booked, self._equal)

    def _take_footer(self, row: Sequence[str]) -> None:
        """Compare a footer's totals with the rows, and its closing with its opening balance."""
        currency = row[1]
        stated = _Totals(*map(int, row[2:_FOOTER]))
        found = self._section.pop(currency, _NONE)
        self._require(stated == found, f"the totals in {currency} differ from the rows")
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


_NONE = _Totals()


def _moment(text: str) -> datetime:
    """Return the time in a text such as ``2024/08/20 00:01:17 -0700``, in UTC."""
    date, clock, offset = text.split(" ")
    return datetime.fromisoformat(f"{date.replace('/', '-')}T{clock}{offset}").astimezone(UTC)
