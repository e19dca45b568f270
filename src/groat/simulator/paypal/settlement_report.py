"""The settlement report: a file with the rows of a day, its totals and its balances.

PayPal puts it on an SFTP server. The simulator offers it for download instead. Source: PayPal,
"Settlement Report Specification".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import Field

from groat.kernel.money import exponent
from groat.simulator.paypal.objects import MERCHANT_ID
from groat.simulator.paypal.rows import PayPalBalance, PayPalRow, Statement
from groat.simulator.wire import Parameters

VERSION = "009"
_COLUMNS = (
    "Transaction ID",
    "Invoice ID",
    "PayPal Reference ID",
    "PayPal Reference ID Type",
    "Transaction Event Code",
    "Transaction Initiation Date",
    "Transaction Completion Date",
    "Transaction  Debit or Credit",  # with two blanks, as PayPal writes it
    "Gross Transaction Amount",
    "Gross Transaction Currency",
    "Fee Debit or Credit",
    "Fee Amount",
    "Fee Currency",
    "Custom Field",
    "Consumer ID",
    "Payment Tracking ID",
    "Store ID",
    "Bank Reference ID",
    "Credit Transactional Fee",
    "Credit Promotional Fee",
    "Credit Term",
)
_NOTHING = PayPalBalance(0, 0)

_Cell: TypeAlias = str | int
"""Text, which is quoted, or a number or a time, which is not."""


class Plain(str):
    """A text that the report does not quote, such as a time."""

    __slots__ = ()


class ReportOrder(Parameters):
    """The day of a report, in the account's time zone, and the form of its file.

    A report of more rows than ``rows_per_part`` has several parts. ``sequence`` is the number in
    the file's name, which a report that is generated anew keeps.
    """

    day: date
    encoding: Literal["utf-8", "utf-8-sig", "utf-16"] = "utf-8"
    part: Annotated[int, Field(ge=1)] = 1
    rows_per_part: Annotated[int, Field(ge=1)] = 1_000_000
    sequence: Annotated[int, Field(ge=1, le=99)] = 1


@dataclass(frozen=True, slots=True)
class SettlementStatement:
    """The rows of a day, and the balances before and after them."""

    begin: datetime
    end: datetime
    generated: datetime
    rows: Sequence[PayPalRow]
    opening: dict[str, PayPalBalance]
    closing: dict[str, PayPalBalance]

    @classmethod
    def of_day(cls, statement: Statement, day: date, generated: datetime) -> SettlementStatement:
        """Return the report of a day. It also has rows that the search does not show."""
        zone = ZoneInfo(statement.settings.chosen.time_zone)
        begin = datetime.combine(day, time(), zone)
        end = datetime.combine(day + timedelta(days=1), time(), zone)
        moment = timedelta(microseconds=1)
        return cls(
            begin,
            end - timedelta(seconds=1),
            generated.astimezone(zone),
            [row for row in statement.rows if row.affects_balance and begin <= row.booked < end],
            statement.balances(begin - moment),
            statement.balances(end - moment),
        )

    def parts(self, rows_per_part: int) -> int:
        """Return the number of files."""
        return max(1, -(-len(self.rows) // rows_per_part))

    def file(self, order: ReportOrder) -> bytes:
        """Return one file of the report."""
        lines = ",".join
        text = "".join(f"{lines(map(_quoted, record))}\r\n" for record in self._records(order))
        return text.encode(order.encoding)

    def _records(self, order: ReportOrder) -> Iterator[Sequence[_Cell]]:
        first = (order.part - 1) * order.rows_per_part
        rows = self.rows[first : first + order.rows_per_part]
        if order.part == 1:
            yield "RH", _time(self.generated), "A", MERCHANT_ID, Plain(VERSION), Plain("")
        yield "FH", Plain(f"{order.part:02}")
        yield "SH", _time(self.begin), _time(self.end), MERCHANT_ID, ""
        yield "CH", *_COLUMNS
        yield from map(self._row, rows)
        if order.part == self.parts(order.rows_per_part):
            yield from self._footers("SF")
            yield "SC", len(self.rows)
            yield from self._footers("RF")
            yield "RC", len(self.rows)
        yield "FF", len(rows)

    def _row(self, row: PayPalRow) -> Sequence[_Cell]:
        fee = row.fee
        zone = self.begin.tzinfo
        return (
            "SB",
            row.transaction_id,
            row.invoice_id or "",
            row.reference_id or "",
            row.reference_type or "",
            row.event_code,
            _time(row.initiated.astimezone(zone)),
            _time(row.booked.astimezone(zone)),
            *_signed(row.gross.amount, row.gross.currency),
            row.gross.currency,
            *(("", Plain("")) if fee is None else _signed(fee.amount, fee.currency)),
            "" if fee is None else fee.currency,
            row.custom_field or "",
            *("",) * 7,
        )

    def _footers(self, record: Literal["SF", "RF"]) -> Iterator[Sequence[_Cell]]:
        for currency in sorted(self.closing):
            rows = [row for row in self.rows if row.gross.currency == currency]
            before = self.opening.get(currency, _NOTHING)
            after = self.closing[currency]
            gross = [row.gross.amount for row in rows]
            fees = [row.fee.amount for row in rows if row.fee]
            yield (
                record,
                currency,
                *(_implied(total, currency) for total in (*_totals(gross), *_totals(fees))),
                *_signed(before.available, currency),
                *_signed(after.available, currency),
                *_signed(before.total, currency),
                *_signed(after.total, currency),
                *_signed(0, currency),
                *_signed(0, currency),
                len(rows),
            )


def _totals(amounts: Iterable[int]) -> tuple[int, int]:
    """Return the sums of credits and of debits."""
    known = list(amounts)
    return sum(one for one in known if one > 0), -sum(one for one in known if one < 0)


def _signed(amount: int, currency: str) -> tuple[str, int]:
    return "DR" if amount < 0 else "CR", _implied(abs(amount), currency)


def _implied(amount: int, currency: str) -> int:
    """Return minor units as a number with two implied decimals, also of yen."""
    return amount * 100 // int(10 ** exponent(currency))


def _time(moment: datetime) -> Plain:
    return Plain(moment.strftime("%Y/%m/%d %H:%M:%S %z"))


def _quoted(cell: _Cell) -> str:
    if isinstance(cell, (int, Plain)):
        return str(cell)
    return '"' + cell.replace('"', '""') + '"'
