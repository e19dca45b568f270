"""``/v1/holds``: reserve money on an account.

Placing and capturing are idempotent by ``reference``: a repeated request gets the same answer.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Literal, Self

from fastapi import APIRouter

from groat.accounts.domain.commands import HoldStands
from groat.accounts.domain.ledger import Hold, HoldState
from groat.accounts.domain.orders import HoldCapture, HoldOrder
from groat.accounts.queries import AccountQueries
from groat.accounts.service.transfers import TransferService
from groat.kernel.ids import AccountId, HoldId
from groat.kernel.money import Money
from groat.kernel.scopes import Room
from groat.platform.http.edge import (
    AccountIdText,
    Body,
    CallerOf,
    HoldIdText,
    Moment,
    RouteTable,
    TransactionIdText,
    View,
)
from groat.platform.http.keyed import KeyedOf
from groat.platform.http.paging import Page, PagingOf


class NewHold(Body):
    """A part of an account's balance to reserve, until ``expires_at`` if that is given."""

    reference: str
    account: AccountIdText
    amount: int
    currency: str
    expires_at: Moment | None = None

    def order(self) -> HoldOrder:
        """Return the order of this request."""
        money = Money(self.amount, self.currency)
        return HoldOrder(self.reference, self.account, money, self.expires_at)


class NewCapture(Body):
    """A capture: ``amount`` of the hold, or without it the whole remainder, to another account."""

    reference: str
    credit_account: AccountIdText
    amount: int | None = None


class HoldView(View):
    """A hold, in minor units. Of ``amount``, ``remaining`` is still reserved."""

    object: Literal["hold"] = "hold"
    id: HoldIdText
    reference: str
    account: AccountIdText
    amount: int
    remaining: int
    captured: int
    currency: str
    state: HoldState
    expires_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, hold: Hold) -> Self:
        """Return the view of ``hold``."""
        return cls(
            id=hold.id,
            reference=hold.reference,
            account=hold.account_id,
            amount=hold.amount,
            remaining=hold.remaining,
            captured=hold.captured,
            currency=hold.currency,
            state=hold.state,
            expires_at=hold.expires_at,
            created_at=hold.created_at,
        )


class CaptureView(View):
    """A hold after a capture, and the transaction that moved the money."""

    object: Literal["hold_capture"] = "hold_capture"
    hold: HoldView
    transaction: TransactionIdText

    @classmethod
    def of(cls, stands: HoldStands) -> Self:
        """Return the view of a capture's outcome."""
        assert stands.transaction_id is not None, "a capture has a transaction"  # noqa: S101
        return cls(hold=HoldView.of(stands.hold), transaction=stands.transaction_id)


class HoldRoutes:
    """Handlers of holds."""

    def __init__(self, transfers: TransferService, queries: AccountQueries) -> None:
        self._transfers = transfers
        self._queries = queries

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.ACCOUNTS, "/v1", "holds")
        routes.post("/holds", self.place, status=HTTPStatus.CREATED)
        routes.get("/holds/{hold_id}", self.get)
        routes.post("/holds/{hold_id}/capture", self.capture)
        routes.post("/holds/{hold_id}/release", self.release)
        routes.get("/accounts/{account_id}/holds", self.list_holds)
        return routes.router

    async def place(self, body: NewHold, caller: CallerOf, keyed: KeyedOf) -> HoldView:
        """Place a hold."""
        once = keyed.once(HoldView.of)
        return HoldView.of(await self._transfers.place_hold(caller, body.order(), once))

    async def get(self, hold_id: HoldIdText, caller: CallerOf) -> HoldView:
        """Get a hold."""
        return HoldView.of(await self._queries.hold(caller.merchant_id, hold_id))

    async def capture(
        self, hold_id: HoldIdText, body: NewCapture, caller: CallerOf, keyed: KeyedOf
    ) -> CaptureView:
        """Capture a hold, or a part of it."""
        order = HoldCapture(body.reference, hold_id, body.credit_account, body.amount)
        once = keyed.once(CaptureView.of)
        return CaptureView.of(await self._transfers.capture_hold(caller, order, once))

    async def release(self, hold_id: HoldIdText, caller: CallerOf, keyed: KeyedOf) -> HoldView:
        """Release a hold."""
        once = keyed.once(HoldView.of)
        return HoldView.of(await self._transfers.release_hold(caller, hold_id, once))

    async def list_holds(
        self,
        account_id: AccountIdText,
        caller: CallerOf,
        paging: PagingOf,
    ) -> Page[HoldView]:
        """List an account's holds."""
        before = HoldId(paging.after_id) if paging.after_id else None
        rows = await self._queries.holds(
            caller.merchant_id, AccountId(account_id), before=before, limit=paging.rows
        )
        return paging.page(rows, HoldView.of, lambda row: row.id)
