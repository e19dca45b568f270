"""``/v1/transfers`` and ``/v1/holds``: move money between accounts, and reserve it.

All of it is idempotent by the ``reference``: the same request again gets the same answer.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from groat.accounts.domain.commands import HoldStands
from groat.accounts.domain.ledger import Hold, HoldState, RecordedTransaction
from groat.accounts.domain.orders import HoldCapture, HoldOrder, TransferOrder
from groat.accounts.service.accounts import AccountService
from groat.kernel.caller import Caller
from groat.kernel.errors import Conflict, Forbidden, GroatError, InvalidRequest, NotFound
from groat.kernel.ids import AccountId, HoldId, TransactionId
from groat.kernel.money import Money
from groat.platform.http.edge import (
    Body,
    BulkRoute,
    CallerOf,
    Moment,
    StrictRoute,
    View,
)
from groat.platform.http.ids import (
    AccountIdText,
    HoldIdText,
    TransactionIdText,
)
from groat.platform.http.paging import (
    Page,
    Paging,
    PagingDependency,
)

MOST_IN_BULK = 500


class NewTransfer(Body):
    """A transfer, in minor units of one currency (ISO 4217), that of both accounts."""

    reference: str
    debit_account: AccountIdText
    credit_account: AccountIdText
    amount: int
    currency: str
    effective_at: Moment | None = None

    def order(self) -> TransferOrder:
        """Return what is ordered."""
        return TransferOrder(
            self.reference,
            self.debit_account,
            self.credit_account,
            Money(self.amount, self.currency),
            self.effective_at,
        )


class NewTransfers(Body):
    """Many transfers: each for itself, or, ``linked``, all of them or none."""

    transfers: Annotated[list[NewTransfer], Field(min_length=1, max_length=MOST_IN_BULK)]
    linked: bool = False


class TransferView(View):
    """A transfer as it is recorded. Amounts are in minor units."""

    id: TransactionIdText
    kind: str
    reference: str
    debit_account: AccountIdText
    credit_account: AccountIdText
    amount: int
    currency: str
    effective_at: datetime
    recorded_at: datetime

    @classmethod
    def of(cls, recorded: RecordedTransaction) -> Self:
        """Return the view of a transaction with two entries: the debit and the credit."""
        debit, credit = recorded.entries
        return cls(
            id=recorded.id,
            kind=recorded.kind,
            reference=recorded.reference,
            debit_account=debit.account_id,
            credit_account=credit.account_id,
            amount=credit.amount,
            currency=credit.currency,
            effective_at=recorded.effective_at or recorded.recorded_at,
            recorded_at=recorded.recorded_at,
        )


class ItemProblem(View):
    """Why one item was refused."""

    code: str
    detail: str


class TransferResult(View):
    """What one item of a bulk came to: posted with its ``id``, or refused with an ``error``."""

    reference: str
    status: Literal["posted", "refused"]
    id: TransactionIdText | None = None
    recorded_at: datetime | None = None
    error: ItemProblem | None = None

    @classmethod
    def posted(cls, reference: str, transaction_id: TransactionId, recorded_at: datetime) -> Self:
        """Return the view of an item that stands in the ledger."""
        return cls(reference=reference, status="posted", id=transaction_id, recorded_at=recorded_at)

    @classmethod
    def refused(cls, reference: str, error: GroatError) -> Self:
        """Return the view of an item that was refused."""
        problem = ItemProblem(code=error.code, detail=error.message)
        return cls(reference=reference, status="refused", error=problem)


class TransferResults(View):
    """One result for each item, in the order of the request."""

    data: list[TransferResult]


class NewHold(Body):
    """A part of an account's balance to reserve, until ``expires_at`` if given."""

    reference: str
    account: AccountIdText
    amount: int
    currency: str
    expires_at: Moment | None = None

    def order(self) -> HoldOrder:
        """Return what is ordered."""
        money = Money(self.amount, self.currency)
        return HoldOrder(self.reference, self.account, money, self.expires_at)


class NewCapture(Body):
    """What of a hold to move, and where to: all that remains if there is no ``amount``."""

    reference: str
    credit_account: AccountIdText
    amount: int | None = None


class HoldView(View):
    """A hold, in minor units: of ``amount``, ``remaining`` is reserved still."""

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
    """A hold after a capture of it, and the transaction that moved the money."""

    hold: HoldView
    transaction: TransactionIdText

    @classmethod
    def of(cls, stands: HoldStands) -> Self:
        """Return the view of what a capture came to."""
        assert stands.transaction_id is not None, "a capture has one"  # noqa: S101
        return cls(hold=HoldView.of(stands.hold), transaction=stands.transaction_id)


def transfer_router(accounts: AccountService) -> APIRouter:
    """Return the routes for transfers."""
    routes = APIRouter(prefix="/v1/transfers", tags=["transfers"], route_class=StrictRoute)
    bulk_routes = APIRouter(route_class=BulkRoute)
    Id = Annotated[TransactionIdText, Path()]  # noqa: N806 - a type

    @routes.post("", status_code=201, summary="Make a transfer")
    async def create(body: NewTransfer, caller: CallerOf) -> TransferView:
        return TransferView.of(await accounts.transfer(caller, body.order()))

    @bulk_routes.post("/bulk", summary="Make many transfers")
    async def create_many(body: NewTransfers, caller: CallerOf) -> TransferResults:
        if body.linked:
            return TransferResults(data=await _linked(accounts, caller, body.transfers))
        each = (_alone(accounts, caller, item) for item in body.transfers)
        return TransferResults(data=await asyncio.gather(*each))

    @routes.get("/{transaction_id}", summary="Get a transfer")
    async def get(transaction_id: Id, caller: CallerOf) -> TransferView:
        return TransferView.of(await accounts.recorded(caller.merchant_id, transaction_id))

    @routes.post("/{transaction_id}/reverse", status_code=201, summary="Reverse a transfer")
    async def reverse(transaction_id: Id, caller: CallerOf) -> TransferView:
        return TransferView.of(await accounts.reverse(caller, transaction_id))

    routes.include_router(bulk_routes)
    return routes


async def _linked(
    accounts: AccountService, caller: Caller, items: Sequence[NewTransfer]
) -> list[TransferResult]:
    outcomes = await accounts.transfer_linked(caller, [item.order() for item in items])
    return [
        TransferResult.refused(item.reference, outcome)
        if isinstance(outcome, GroatError)
        else TransferResult.posted(item.reference, outcome.transaction_id, outcome.recorded_at)
        for item, outcome in zip(items, outcomes, strict=True)
    ]


async def _alone(accounts: AccountService, caller: Caller, item: NewTransfer) -> TransferResult:
    """Make one transfer of many. That it cannot be, or is refused, concerns no other."""
    try:
        recorded = await accounts.transfer(caller, item.order())
    except (Conflict, Forbidden, InvalidRequest, NotFound) as error:
        return TransferResult.refused(item.reference, error)
    return TransferResult.posted(item.reference, recorded.id, recorded.recorded_at)


def hold_router(accounts: AccountService, paging: PagingDependency) -> APIRouter:
    """Return the routes for holds."""
    routes = APIRouter(prefix="/v1", tags=["holds"], route_class=StrictRoute)
    PagingOf = Annotated[Paging, Depends(paging)]  # noqa: N806 - a type
    Id = Annotated[HoldIdText, Path()]  # noqa: N806 - a type

    @routes.post("/holds", status_code=201, summary="Place a hold")
    async def place(body: NewHold, caller: CallerOf) -> HoldView:
        return HoldView.of(await accounts.place_hold(caller, body.order()))

    @routes.get("/holds/{hold_id}", summary="Get a hold")
    async def get(hold_id: Id, caller: CallerOf) -> HoldView:
        return HoldView.of(await accounts.hold(caller.merchant_id, hold_id))

    @routes.post("/holds/{hold_id}/capture", summary="Capture a hold, or a part of it")
    async def capture(hold_id: Id, body: NewCapture, caller: CallerOf) -> CaptureView:
        order = HoldCapture(body.reference, hold_id, body.credit_account, body.amount)
        return CaptureView.of(await accounts.capture_hold(caller, order))

    @routes.post("/holds/{hold_id}/release", summary="Release a hold")
    async def release(hold_id: Id, caller: CallerOf) -> HoldView:
        return HoldView.of(await accounts.release_hold(caller, hold_id))

    @routes.get("/accounts/{account_id}/holds", summary="List an account's holds")
    async def list_holds(
        account_id: Annotated[AccountIdText, Path()],
        caller: CallerOf,
        paging: PagingOf,
    ) -> Page[HoldView]:
        before = HoldId(paging.after_id) if paging.after_id else None
        rows = await accounts.holds(
            caller.merchant_id, AccountId(account_id), before=before, limit=paging.rows
        )
        return paging.page(rows, HoldView.of, lambda row: row.id)

    return routes
