"""The HTTP routes of reports and their files."""

from __future__ import annotations

from starlette.requests import Request

from groat.simulator.stripe.account import StripeAccount
from groat.simulator.stripe.balance_requests import ReportRunRequest
from groat.simulator.stripe.errors import no_such
from groat.simulator.stripe.exchange import Row, found, listed, shown, text
from groat.simulator.stripe.reports import (
    StripeReport,
    StripeReports,
    report_file,
    report_run,
)
from groat.simulator.stripe.requests import Expanding, ListPage, parse
from groat.simulator.wire import Answer, JsonObject, answer


class ReportRoutes:
    """The routes under ``/v1/reporting/report_runs`` and ``/v1/files``."""

    def __init__(self, account: StripeAccount, reports: StripeReports) -> None:
        self._account = account
        self._reports = reports

    def rows(self) -> list[Row]:
        """Return the routes."""
        return [
            ("POST", "/v1/reporting/report_runs", self.create),
            ("GET", "/v1/reporting/report_runs", self.list),
            ("GET", "/v1/reporting/report_runs/{id}", self.show),
            ("GET", "/v1/files/{id}", self.show_file),
            ("GET", "/v1/files/{id}/contents", self.download),
        ]

    async def create(self, request: Request) -> Answer:
        """Make a report. As at Stripe, the answer does not have the result yet."""
        wanted = parse(ReportRunRequest, await text(request))
        run = report_run(self._reports.run(wanted, _host(request)), _host(request))
        return shown(
            self._account,
            wanted,
            {**run, "status": "pending", "result": None, "succeeded_at": None},
        )

    async def list(self, request: Request) -> Answer:
        """Answer with a page of report runs."""
        page, host = parse(ListPage, request.url.query), _host(request)

        def render(report: StripeReport) -> JsonObject:
            return report_run(report, host)

        return listed(self._account, request, page, self._reports.runs, lambda _: True, render)

    async def show(self, request: Request) -> Answer:
        """Answer with a report run."""
        wanted = parse(Expanding, request.url.query)
        report = found(self._reports.runs, request, "report run")
        return shown(self._account, wanted, report_run(report, _host(request)))

    async def show_file(self, request: Request) -> Answer:
        """Answer with the description of a file."""
        return answer(200, report_file(self._file(request), _host(request)))

    async def download(self, request: Request) -> Answer:
        """Answer with the content of a file."""
        return Answer(200, self._file(request).content)

    def _file(self, request: Request) -> StripeReport:
        file_id = request.path_params["id"]
        report = self._reports.file(file_id)
        if report is None:
            raise no_such("file", file_id, param="id")
        return report


def _host(request: Request) -> str:
    return str(request.base_url).rstrip("/")
