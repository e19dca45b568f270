"""Read PayPal's transaction search. Source: developer.paypal.com, Transaction Search v1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlencode

from groat.kernel.errors import InvalidRequest
from groat.providers.amounts import from_major
from groat.providers.domain.facts import NotSent, Report
from groat.providers.domain.movements import Movement, MovementCategory
from groat.providers.paypal import translation
from groat.providers.paypal.client import PayPalClient, Response
from groat.providers.paypal.movements import movements
from groat.providers.paypal.objects import REFUNDS, PayPalObjects, path
from groat.providers.paypal.payloads import (
    BalancesPage,
    PayPalRefundPayload,
    ProblemPayload,
    TransactionInfo,
    TransactionPage,
)
from groat.providers.port import Explained, MovementWindow, Recheck, ToldBalance, Unknown
from groat.providers.reading import Malformed, own_payment_id, parse

WINDOW_MAX = timedelta(days=31)
"""Maximum length of a window of the transaction search."""

_SEARCH = "/v1/reporting/transactions"
_BALANCES = "/v1/reporting/balances"
_PAGE_SIZE = 500
_TOO_LARGE = "RESULTSET_TOO_LARGE"
_SECOND = timedelta(seconds=1)


class PayPalMovementFeed:
    """The ``MovementFeed`` of a PayPal account."""

    overlap = timedelta(days=1)
    recheck = Recheck(span=timedelta(days=31), every=timedelta(days=1))

    def __init__(self, client: PayPalClient, objects: PayPalObjects) -> None:
        self._client = client
        self._objects = objects

    async def read(self, since: datetime, until: datetime) -> MovementWindow | Unknown:
        """Search a window of whole seconds, and halve it as long as it has too many rows.

        Equal rows are numbered within a window that was read completely. They have the same second,
        so a window that is cut at whole seconds has all of them.
        """
        start = since.astimezone(UTC).replace(microsecond=0)
        end = min(until.astimezone(UTC).replace(microsecond=0), start + WINDOW_MAX)
        rows: list[TransactionInfo] = []
        read_until = await self._search(start, end, rows)
        if isinstance(read_until, Unknown):
            return read_until
        try:
            return MovementWindow(tuple(movements(rows)), read_until)
        except InvalidRequest as error:
            return Unknown(f"unreadable: {error}")

    async def _search(
        self, start: datetime, end: datetime, rows: list[TransactionInfo]
    ) -> datetime | Unknown:
        """Add the rows of a window to ``rows``; return the time up to which PayPal knows them."""
        page, until = 1, end
        while True:
            found = await self._page(start, end, page)
            if found is None:
                middle = start + (end - start) // 2
                middle = middle.replace(microsecond=0)
                if middle <= start:
                    return Unknown("too many rows in one second")
                first = await self._search(start, middle - _SECOND, rows)
                if isinstance(first, Unknown) or first < middle - _SECOND:
                    return first
                return await self._search(middle, end, rows)
            if isinstance(found, Unknown):
                return found
            rows += [one.transaction_info for one in found.transaction_details]
            until = min(until, found.end_date or end)
            if page >= found.total_pages:
                return max(until, start)
            page += 1

    async def _page(
        self, start: datetime, end: datetime, page: int
    ) -> TransactionPage | Unknown | None:
        """Return a page of a window; None if the window has too many rows."""
        query = urlencode(
            {
                "start_date": f"{start:%Y-%m-%dT%H:%M:%S}Z",
                "end_date": f"{max(start, end):%Y-%m-%dT%H:%M:%S}Z",
                "fields": "all",
                "page_size": _PAGE_SIZE,
                "page": page,
            }
        )
        answer = await self._client.call("GET", f"{_SEARCH}?{query}")
        if isinstance(answer, NotSent | Unknown):
            return Unknown(answer.reason)
        try:
            if answer.ok:
                return parse(TransactionPage, answer.body)
            problem = parse(ProblemPayload, answer.body)
        except Malformed as error:
            return Unknown(f"unreadable: {error}")
        if _TOO_LARGE in {problem.name, *problem.issues()}:
            return None
        return Unknown(f"transaction search: status {answer.status} {problem.name}")

    async def balances(self, at: datetime) -> Mapping[str, ToldBalance] | Unknown:
        """Return the balances that PayPal shows for the second before ``at``."""
        moment = at.astimezone(UTC).replace(microsecond=0) - _SECOND
        query = urlencode({"as_of_time": f"{moment:%Y-%m-%dT%H:%M:%S}Z", "currency_code": "ALL"})
        answer = await self._client.call("GET", f"{_BALANCES}?{query}")
        if isinstance(answer, NotSent | Unknown):
            return Unknown(answer.reason)
        if not answer.ok:
            return Unknown(f"balances: status {answer.status}")
        try:
            found = parse(BalancesPage, answer.body)
            if found.last_refresh_time < moment:
                return Unknown("PayPal does not know the balance of this time yet")
            return {
                one.currency: ToldBalance(
                    from_major(one.available_balance.value, one.currency),
                    from_major(one.withheld_balance.value, one.currency),
                )
                for one in found.balances
            }
        except (Malformed, InvalidRequest) as error:
            return Unknown(f"unreadable: {error}")

    async def explain(self, movement: Movement) -> Explained | Unknown:
        """Get the capture of a movement, which names our payment, and its refund."""
        capture_id = movement.parent or movement.source
        if capture_id is None:
            return Explained(None)
        capture = await self._objects.capture(capture_id)
        if isinstance(capture, NotSent | Unknown):
            return Unknown(capture.reason)
        payment_id = None if capture is None else own_payment_id(capture.custom_id)
        if capture is None or payment_id is None:
            return Explained(None)
        more = await self._refund(movement)
        if isinstance(more, Unknown):
            return more
        try:
            return Explained(payment_id, (*translation.capture_reports(capture), *more))
        except InvalidRequest as error:
            return Unknown(f"unreadable: {error}")

    async def _refund(self, movement: Movement) -> tuple[Report, ...] | Unknown:
        """Return the report of the refund that caused a movement."""
        is_refund = movement.category is MovementCategory.REFUND
        if not is_refund or movement.source is None:
            return ()
        answer = await self._client.call("GET", path(REFUNDS, movement.source))
        if not isinstance(answer, Response):
            return Unknown(answer.reason)
        if answer.status == HTTPStatus.NOT_FOUND:
            return ()
        try:
            return translation.refund_reports(parse(PayPalRefundPayload, answer.body))
        except (Malformed, InvalidRequest) as error:
            return Unknown(f"unreadable: {error}")
