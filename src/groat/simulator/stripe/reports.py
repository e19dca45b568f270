"""Reports: CSV files with the movements of an interval, with amounts in major units.

Source: Stripe, "Report types", the itemized reports about balance changes, payouts, and payout
reconciliation.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from groat.simulator.references import stripe_id
from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.balance_model import StripeBalanceTransaction, StripePayout
from groat.simulator.stripe.balance_requests import ReportParameters, ReportRunRequest
from groat.simulator.stripe.errors import invalid_request
from groat.simulator.stripe.model import NOBODY
from groat.simulator.stripe.units import major_units
from groat.simulator.wire import JsonObject

_ACTIVITY = "balance_change_from_activity.itemized.3"
_PAYOUTS = "payouts.itemized.3"
_RECONCILIATION = "payout_reconciliation.itemized.5"
_PAYOUT_CATEGORIES = frozenset({"payout", "payout_reversal"})

_COLUMNS = (
    "balance_transaction_id",
    "created_utc",
    "created",
    "available_on_utc",
    "available_on",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
    "source_id",
    "description",
)
_PAYOUT_COLUMNS = (
    "automatic_payout_id",
    "automatic_payout_effective_at_utc",
    "automatic_payout_effective_at",
)
DEFAULT_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        _ACTIVITY: (*_COLUMNS, *_PAYOUT_COLUMNS),
        _PAYOUTS: (*_COLUMNS, "payout_expected_arrival_date", "payout_status"),
        _RECONCILIATION: (*_PAYOUT_COLUMNS, *_COLUMNS),
    }
)
"""The columns of each report if the request names none."""

_Column: TypeAlias = Callable[[StripeBalanceTransaction], str]


@dataclass(frozen=True, slots=True)
class StripeReport:
    """A finished report and its file."""

    id: str
    file_id: str
    created: int
    report_type: str
    parameters: ReportParameters
    content: bytes


class StripeReports:
    """Makes reports. Unlike at Stripe, a report is finished at once."""

    def __init__(self, account: StripeAccount) -> None:
        self.runs: dict[str, StripeReport] = {}
        self._account = account

    def run(self, request: ReportRunRequest, host: str) -> StripeReport:
        """Make a report and its file, and send the event of its success.

        Raises:
            StripeError: The type, a column or the time zone is unknown.
        """
        columns = _columns(request)
        rows = self._rows(request.report_type, request.parameters)
        cells = self._cells(_zone(request.parameters.timezone))
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([cells[name](row) for name in columns] for row in rows)
        report = StripeReport(
            stripe_id("frr"),
            stripe_id("file"),
            self._account.now(),
            request.report_type,
            request.parameters,
            text.getvalue().encode(),
        )
        self.runs[report.id] = report
        self._account.tell("reporting.report_run.succeeded", report_run(report, host), NOBODY)
        return report

    def file(self, file_id: str) -> StripeReport | None:
        """Return the report with a file, or None."""
        return next((run for run in self.runs.values() if run.file_id == file_id), None)

    def _rows(
        self, report_type: str, parameters: ReportParameters
    ) -> Iterator[StripeBalanceTransaction]:
        """Yield the rows of a report, oldest first. The end of the interval is exclusive."""
        for one in self._account.balance.transactions.values():
            moment = self._moment(report_type, one)
            if (
                moment is not None
                and parameters.interval_start <= moment < parameters.interval_end
                and parameters.currency in {None, one.currency}
                and parameters.reporting_category in {None, one.reporting_category}
                and parameters.payout in {None, self._account.balance.payouts_of.get(one.id)}
            ):
                yield one

    def _moment(self, report_type: str, one: StripeBalanceTransaction) -> int | None:
        """Return the time by which a report counts a movement, or None if it leaves it out."""
        is_payout = one.reporting_category in _PAYOUT_CATEGORIES
        if report_type == _PAYOUTS:
            return one.created if is_payout else None
        if is_payout:
            return None
        if report_type == _ACTIVITY:
            return one.created
        payout = self._account.payouts.get(self._account.balance.payouts_of.get(one.id, ""))
        return None if payout is None else payout.created

    def _cells(self, zone: ZoneInfo) -> Mapping[str, _Column]:
        payouts, payouts_of = self._account.payouts, self._account.balance.payouts_of

        def automatic(row: StripeBalanceTransaction, show: Callable[[int], str]) -> str:
            payout = payouts.get(payouts_of.get(row.id, ""))
            return show(payout.arrival_date) if payout else ""

        def own(row: StripeBalanceTransaction, show: Callable[[StripePayout], str]) -> str:
            payout = payouts.get(row.source or "")
            return show(payout) if payout else ""

        def local(moment: int) -> str:
            return _shown(moment, zone)

        return {
            "automatic_payout_id": lambda row: payouts_of.get(row.id, ""),
            "automatic_payout_effective_at_utc": lambda row: automatic(row, _utc),
            "automatic_payout_effective_at": lambda row: automatic(row, local),
            "balance_transaction_id": lambda row: row.id,
            "created_utc": lambda row: _utc(row.created),
            "created": lambda row: local(row.created),
            "available_on_utc": lambda row: _utc(row.available_on),
            "available_on": lambda row: local(row.available_on),
            "currency": lambda row: row.currency,
            "gross": lambda row: major_units(row.amount, row.currency),
            "fee": lambda row: major_units(row.fee, row.currency),
            "net": lambda row: major_units(row.net, row.currency),
            "reporting_category": lambda row: row.reporting_category,
            "source_id": lambda row: row.source or "",
            "description": lambda _: "",
            "payout_expected_arrival_date": lambda row: own(row, lambda it: _utc(it.arrival_date)),
            "payout_status": lambda row: own(row, lambda it: it.status),
        }


def report_run(report: StripeReport, host: str) -> JsonObject:
    """Return a finished report run. Its result names the file to download."""
    return {
        "id": report.id,
        "object": "reporting.report_run",
        "created": report.created,
        "error": None,
        "livemode": False,
        "parameters": report.parameters.model_dump(exclude_unset=True),
        "report_type": report.report_type,
        "result": report_file(report, host),
        "status": "succeeded",
        "succeeded_at": report.created,
    }


def report_file(report: StripeReport, host: str) -> JsonObject:
    """Return the file of a report."""
    return {
        "id": report.file_id,
        "object": "file",
        "created": report.created,
        "expires_at": None,
        "filename": f"{report.id}.csv",
        "links": {"object": "list", "data": [], "has_more": False, "url": "/v1/file_links"},
        "purpose": "finance_report_run",
        "size": len(report.content),
        "title": f"FinanceReportRun {report.id}",
        "type": "csv",
        "url": f"{host}/v1/files/{report.file_id}/contents",
    }


def _columns(request: ReportRunRequest) -> tuple[str, ...]:
    defaults = DEFAULT_COLUMNS.get(request.report_type)
    if defaults is None:
        message = f"The simulator knows these report types: {', '.join(DEFAULT_COLUMNS)}."
        raise invalid_request(message, param="report_type")
    unknown = set(request.parameters.columns) - set(defaults)
    if unknown:
        message = f"Unknown columns: {', '.join(sorted(unknown))}."
        raise invalid_request(message, param="parameters[columns]")
    return request.parameters.columns or defaults


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise invalid_request("Unknown time zone", param="parameters[timezone]") from None


def _utc(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}"


def _shown(moment: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(moment, zone):%Y-%m-%d %H:%M:%S}"
