"""``/v1/transfers``: move money between accounts.

Transfers are idempotent by ``reference``: a repeated request gets the same answer.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import Field

from groat.accounts.domain.ledger import RecordedTransaction
from groat.accounts.domain.orders import TransferOrder
from groat.accounts.queries import AccountQueries
from groat.accounts.service.transfers import TransferOutcome, TransferService
from groat.kernel.errors import GroatError
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
from groat.platform.http.keyed import KeyedOf
from groat.platform.http.paging import Page

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

    object: Literal["transfer"] = "transfer"
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

    object: Literal["transfer_result"] = "transfer_result"
    reference: str
    status: Literal["posted", "refused"]
    id: TransactionIdText | None = None
    recorded_at: datetime | None = None
    error: ItemProblem | None = None

    @classmethod
    def of(cls, reference: str, outcome: TransferOutcome) -> Self:
        """Return the view of an item that was posted or refused."""
        if isinstance(outcome, GroatError):
            problem = ItemProblem(code=outcome.code, detail=outcome.message)
            return cls(reference=reference, status="refused", error=problem)
        return cls(
            reference=reference,
            status="posted",
            id=outcome.transaction_id,
            recorded_at=outcome.recorded_at,
        )


class TransferResults(Page[TransferResult]):
    """One result for each item, in the order of the request. There is only one page."""

    @classmethod
    def of(cls, items: Sequence[NewTransfer], outcomes: Sequence[TransferOutcome]) -> Self:
        """Return the results of ``items``."""
        pairs = zip(items, outcomes, strict=True)
        return cls(data=[TransferResult.of(item.reference, outcome) for item, outcome in pairs])


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

    async def create(self, body: NewTransfer, caller: CallerOf, keyed: KeyedOf) -> TransferView:
        """Make a transfer."""
        once = keyed.once(TransferView.of)
        return TransferView.of(await self._transfers.transfer(caller, body.order(), once))

    async def create_many(
        self, body: NewTransfers, caller: CallerOf, keyed: KeyedOf
    ) -> TransferResults:
        """Make many transfers."""
        view = partial(TransferResults.of, body.transfers)
        once = keyed.once(view)
        if body.linked:
            orders = [item.order() for item in body.transfers]
            return view(await self._transfers.transfer_linked(caller, orders, once))
        each = [_order_or_error(item) for item in body.transfers]
        return view(await self._transfers.transfer_each(caller, each, once))

    async def get(self, transaction_id: TransactionIdText, caller: CallerOf) -> TransferView:
        """Get a transfer."""
        return TransferView.of(await self._queries.recorded(caller.merchant_id, transaction_id))

    async def reverse(
        self, transaction_id: TransactionIdText, caller: CallerOf, keyed: KeyedOf
    ) -> TransferView:
        """Reverse a transfer."""
        once = keyed.once(TransferView.of)
        return TransferView.of(await self._transfers.reverse(caller, transaction_id, once))


def _order_or_error(item: NewTransfer) -> TransferOrder | GroatError:
    try:
        return item.order()
    except GroatError as error:
        return error
