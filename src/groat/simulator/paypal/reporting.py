"""The HTTP routes of the transaction search and of balances.

Source: PayPal, Transaction Search v1.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request

from groat.kernel.clock import Clock
from groat.kernel.money import Money
from groat.simulator.paypal.account import PayPalAccount
from groat.simulator.paypal.errors import invalid, not_authorized, too_many_rows
from groat.simulator.paypal.objects import MERCHANT_ID, amount, link
from groat.simulator.paypal.requests import BalanceSearch, RowSearch, parse_query
from groat.simulator.paypal.rows import PayPalBalance, PayPalRow
from groat.simulator.paypal.web import Table, host_of
from groat.simulator.wire import Answer, JsonObject, answer

WINDOW_MAX = timedelta(days=31)
"""Maximum length of the searched window."""

HISTORY = timedelta(days=3 * 365)
"""Maximum age of rows."""

_PATH = "/v1/reporting/transactions"


class ReportingApi:
    """Searches the rows of the account, and shows its balances."""

    def __init__(self, account: PayPalAccount, clock: Clock) -> None:
        self._account = account
        self._statement = account.statement
        self._clock = clock

    def table(self) -> Table:
        """Return the routes."""
        return [
            ("GET", _PATH, self.search),
            ("GET", "/v1/reporting/balances", self.show_balances),
        ]

    async def search(self, request: Request) -> Answer:
        """Answer with a page of rows, oldest change first.

        The data may end earlier than the request asks for. The answer's ``end_date`` says so.
        """
        self._require_permission()
        wanted = parse_query(RowSearch, request.query_params)
        refreshed = self._statement.refreshed()
        self._check(wanted, refreshed)
        end = min(wanted.end_date, refreshed)
        found = [
            (row, balance)
            for row, balance in self._statement.with_ending_balances()
            if wanted.start_date <= row.initiated <= end and self._shows(row, wanted, refreshed)
        ]
        most = self._statement.settings.chosen.rows_max
        if len(found) > most:
            raise too_many_rows(len(found), most)
        return answer(200, self._page(request, wanted, end, found))

    async def show_balances(self, request: Request) -> Answer:
        """Answer with the balances at a time, or at the latest one that is known."""
        self._require_permission()
        wanted = parse_query(BalanceSearch, request.query_params)
        refreshed = self._statement.refreshed()
        moment = wanted.as_of_time or refreshed
        if moment > self._clock.now() or moment < self._clock.now() - HISTORY:
            raise invalid("INVALID_AS_OF_TIME", "Balances of this time are not available.")
        primary = self._statement.settings.chosen.primary_currency
        balances = self._statement.balances(min(moment, refreshed))
        shown = {
            currency: balance
            for currency, balance in (balances or {primary: PayPalBalance(0, 0)}).items()
            if wanted.currency_code in {None, "ALL", currency}
        }
        details = [_balance(one, shown[one], primary=one == primary) for one in shown]
        return answer(
            200,
            {
                "balances": details,
                "account_id": MERCHANT_ID,
                "as_of_time": self._local(moment),
                "last_refresh_time": self._local(refreshed),
            },
        )

    def _require_permission(self) -> None:
        if self._account.post.courier.faults.plan.refuse_search:
            raise not_authorized()

    def _check(self, wanted: RowSearch, refreshed: datetime) -> None:
        if wanted.end_date < wanted.start_date:
            raise invalid("INVALID_DATE_RANGE", "Start date must be before end date.")
        if wanted.end_date - wanted.start_date > WINDOW_MAX:
            raise invalid("INVALID_DATE_RANGE", "Date range is greater than 31 days")
        if wanted.start_date < self._clock.now() - HISTORY:
            raise invalid("INVALID_START_DATE", "Data is available for three years.")
        if wanted.start_date > refreshed:
            raise invalid("INVALID_START_DATE", "Data for the given start date is not available.")

    def _shows(self, row: PayPalRow, wanted: RowSearch, refreshed: datetime) -> bool:
        """Tell whether the search knows a row and its filters accept it."""
        known = row.visible is not None and row.visible <= self._clock.now()
        return (
            known
            and row.booked <= refreshed
            and (row.affects_balance or wanted.balance_affecting_records_only == "N")
            and wanted.transaction_id in {None, row.transaction_id}
            and wanted.transaction_status in {None, row.status}
            and wanted.transaction_type in {None, row.event_code}
            and wanted.transaction_currency in {None, row.gross.currency}
            and _within(row, wanted.transaction_amount)
        )

    def _page(
        self,
        request: Request,
        wanted: RowSearch,
        end: datetime,
        found: Sequence[tuple[PayPalRow, int]],
    ) -> JsonObject:
        """Return a page of rows. A search that finds none has no list of rows at all."""
        first = (wanted.page - 1) * wanted.page_size
        chain = wanted.fields == "all" and not wanted.filtered
        details = [
            {"transaction_info": self._row(row, balance if chain else None)}
            for row, balance in found[first : first + wanted.page_size]
        ]
        pages = -(-len(found) // wanted.page_size)
        return {
            **({"transaction_details": details} if details else {}),
            "account_number": MERCHANT_ID,
            "start_date": self._local(wanted.start_date),
            "end_date": self._local(end),
            "last_refreshed_datetime": self._local(self._statement.refreshed()),
            "page": wanted.page,
            "total_items": len(found),
            "total_pages": pages,
            "links": _links(request, wanted.page, pages),
        }

    def _row(self, row: PayPalRow, balance: int | None) -> JsonObject:
        known: dict[str, str | None] = {
            "paypal_reference_id": row.reference_id,
            "paypal_reference_id_type": row.reference_type,
            "invoice_id": row.invoice_id,
            "custom_field": row.custom_field,
        }
        after = None if balance is None else amount(Money(balance, row.gross.currency))
        return {
            "paypal_account_id": MERCHANT_ID,
            "transaction_id": row.transaction_id,
            "transaction_event_code": row.event_code,
            "transaction_initiation_date": self._local(row.initiated),
            "transaction_updated_date": self._local(row.updated),
            "transaction_amount": amount(row.gross),
            **({} if row.fee is None else {"fee_amount": amount(row.fee)}),
            "transaction_status": row.status,
            **({} if after is None else {"ending_balance": after, "available_balance": after}),
            **{name: value for name, value in known.items() if value is not None},
            "protection_eligibility": "02",
        }

    def _local(self, moment: datetime) -> str:
        """Return a time in the account's time zone, such as ``2026-03-02T10:00:00+0000``."""
        zone = ZoneInfo(self._statement.settings.chosen.time_zone)
        return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S%z")


def _within(row: PayPalRow, limits: str | None) -> bool:
    """Tell whether a row's amount is in limits such as ``500 TO 1005``, in minor units."""
    if limits is None:
        return True
    low, _, high = limits.partition(" TO ")
    return int(low) <= abs(row.gross.amount) <= int(high or low)


def _links(request: Request, page: int, pages: int) -> list[JsonObject]:
    def to(number: int) -> str:
        query = str(request.url.include_query_params(page=number).query)
        return f"{host_of(request)}{_PATH}?{query}"

    links = [link(to(page), "self"), link(to(1), "first"), link(to(max(pages, 1)), "last")]
    if page < pages:
        links.append(link(to(page + 1), "next"))
    if page > 1:
        links.append(link(to(page - 1), "prev"))
    return links


def _balance(currency: str, balance: PayPalBalance, *, primary: bool) -> JsonObject:
    return {
        "currency": currency,
        "primary": primary,
        "total_balance": amount(Money(balance.total, currency)),
        "available_balance": amount(Money(balance.available, currency)),
        "withheld_balance": amount(Money(balance.withheld, currency)),
    }
