"""``/v1/transfers``: move money between accounts.

Transfers are idempotent by ``reference``: a repeated request gets the same answer.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import Field

from groat.accounts.domain.ledger import RecordedTransaction
from groat.accounts.domain.orders import TransferOrder
from groat.accounts.queries import AccountQueries
from groat.accounts.service.transfers import TransferService
from groat.kernel.caller import Caller
from groat.kernel.errors import Conflict, Forbidden, GroatError, InvalidRequest, NotFound
from groat.kernel.ids import TransactionId
from groat.kernel.money import Money
from groat.kernel.scopes import Room
from groat.platform.http.edge import (
    AccountIdText,
    Body,
    BulkRoute,
    CallerOf,
    Moment,
    RouteTable,
    TransactionIdText,
    View,
)

MOST_IN_BULK = 500
"""Maximum transfers in one request."""


class NewTransfer(Body):
    """A transfer, in minor units of the currency (ISO 4217) that both accounts have."""

    reference: str
    debit_account: AccountIdText
    credit_account: AccountIdText
    amount: int
    currency: str
    effective_at: Moment | None = None

    def order(self) -> TransferOrder:
        """Return the order of this request."""
        return TransferOrder(
            self.reference,
            self.debit_account,
            self.credit_account,
            Money(self.amount, self.currency),
            self.effective_at,
        )


class NewTransfers(Body):
    """Many transfers. Each is made or refused by itself; if ``linked``, all are made or none."""

    transfers: Annotated[list[NewTransfer], Field(min_length=1, max_length=MOST_IN_BULK)]
    linked: bool = False


class TransferView(View):
    """A transfer as recorded. Amounts are in minor units."""

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
            kind=recorded.kind.name,
            reference=recorded.reference,
            debit_account=debit.account_id,
            credit_account=credit.account_id,
            amount=credit.amount,
            currency=credit.currency,
            effective_at=recorded.effective_at or recorded.recorded_at,
            recorded_at=recorded.recorded_at,
        )


class ItemProblem(View):
    """The reason for refusing one item."""

    code: str
    detail: str


class TransferResult(View):
    """The outcome of one item in bulk: posted with its ``id``, or refused with an ``error``."""

    reference: str
    status: Literal["posted", "refused"]
    id: TransactionIdText | None = None
    recorded_at: datetime | None = None
    error: ItemProblem | None = None

    @classmethod
    def posted(cls, reference: str, transaction_id: TransactionId, recorded_at: datetime) -> Self:
        """Return the view of an item that was posted."""
        return cls(reference=reference, status="posted", id=transaction_id, recorded_at=recorded_at)

    @classmethod
    def refused(cls, reference: str, error: GroatError) -> Self:
        """Return the view of an item that was refused."""
        problem = ItemProblem(code=error.code, detail=error.message)
        return cls(reference=reference, status="refused", error=problem)


class TransferResults(View):
    """One result for each item, in the order of the request."""

    data: list[TransferResult]


class TransferRoutes:
    """Handlers of transfers."""

    def __init__(self, transfers: TransferService, queries: AccountQueries) -> None:
        self._transfers = transfers
        self._queries = queries

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.ACCOUNTS, "/v1/transfers", "transfers")
        routes.post("", self.create, status=HTTPStatus.CREATED)
        routes.post("/bulk", self.create_many, route_class=BulkRoute)
        routes.get("/{transaction_id}", self.get)
        routes.post(
            "/{transaction_id}/reverse",
            self.reverse,
            status=HTTPStatus.CREATED,
        )
        return routes.router

    async def create(self, body: NewTransfer, caller: CallerOf) -> TransferView:
        """Make a transfer."""
        return TransferView.of(await self._transfers.transfer(caller, body.order()))

    async def create_many(self, body: NewTransfers, caller: CallerOf) -> TransferResults:
        """Make many transfers."""
        if body.linked:
            return TransferResults(data=await _linked(self._transfers, caller, body.transfers))
        each = (_alone(self._transfers, caller, item) for item in body.transfers)
        return TransferResults(data=await asyncio.gather(*each))

    async def get(self, transaction_id: TransactionIdText, caller: CallerOf) -> TransferView:
        """Get a transfer."""
        return TransferView.of(await self._queries.recorded(caller.merchant_id, transaction_id))

    async def reverse(self, transaction_id: TransactionIdText, caller: CallerOf) -> TransferView:
        """Reverse a transfer."""
        return TransferView.of(await self._transfers.reverse(caller, transaction_id))


async def _linked(
    transfers: TransferService, caller: Caller, items: Sequence[NewTransfer]
) -> list[TransferResult]:
    outcomes = await transfers.transfer_linked(caller, [item.order() for item in items])
    return [
        TransferResult.refused(item.reference, outcome)
        if isinstance(outcome, GroatError)
        else TransferResult.posted(item.reference, outcome.transaction_id, outcome.recorded_at)
        for item, outcome in zip(items, outcomes, strict=True)
    ]


async def _alone(transfers: TransferService, caller: Caller, item: NewTransfer) -> TransferResult:
    """Make one transfer of many. If it is invalid or refused, the others are not affected."""
    try:
        recorded = await transfers.transfer(caller, item.order())
    except (Conflict, Forbidden, InvalidRequest, NotFound) as error:
        return TransferResult.refused(item.reference, error)
    return TransferResult.posted(item.reference, recorded.id, recorded.recorded_at)
