"""The download of settlement reports, in the place of PayPal's SFTP server."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from groat.kernel.clock import Clock
from groat.simulator.control import invalid
from groat.simulator.paypal.rows import Statement
from groat.simulator.paypal.settlement_report import VERSION, ReportOrder, SettlementStatement


class ReportFiles:
    """Makes the settlement report of a day, again at each download."""

    def __init__(self, statement: Statement, clock: Clock) -> None:
        self._statement = statement
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the route, which needs no credentials."""
        return [Route("/_simulator/settlement_report", self.download)]

    async def download(self, request: Request) -> Response:
        """Answer with a file. Its header has the time of the download."""
        try:
            order = ReportOrder.model_validate_strings(dict(request.query_params))
        except ValidationError as error:
            return invalid(error)
        report = SettlementStatement.of_day(self._statement, order.day, self._clock.now())
        parts = report.parts(order.rows_per_part)
        if order.part > parts:
            detail = f"The report has {parts} parts."
            return JSONResponse({"detail": detail}, status_code=HTTPStatus.NOT_FOUND)
        number = order.sequence + order.part - 1
        name = f"STL-{order.day:%Y%m%d}.{number:02}.{VERSION}.CSV"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(report.file(order), headers=headers, media_type="text/csv")
