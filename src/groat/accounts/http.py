"""``/v1/accounts``: wallets, their balances and their entries."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path

from groat.accounts.domain.chart import Account, as_expected, wallet
from groat.accounts.domain.ledger import StatementLine
from groat.accounts.infrastructure.store import StatementFilter
from groat.accounts.service import AccountService
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.ids import AccountId, TransactionId
from groat.platform.http import (
    Authenticate,
    Body,
    Cursor,
    IdText,
    Limit,
    Page,
    StrictRoute,
    View,
)

AccountIdText = Annotated[AccountId, IdText("account")]


class NewAccount(Body):
    """A wallet to open: a code of the merchant's choice, and one currency (ISO 4217)."""

    code: str
    currency: str


class AccountView(View):
    """An account. ``balance`` is in minor units, positive on the account's normal side."""

    id: AccountIdText
    code: str
    currency: str
    normal_side: str
    balance: int
    version: int
    created_at: datetime

    @classmethod
    def of(cls, account: Account) -> Self:
        """Return the view of ``account``."""
        return cls(
            id=account.id,
            code=account.spec.code,
            currency=account.spec.currency,
            normal_side=account.spec.normal_side,
            balance=account.balance,
            version=account.version,
            created_at=account.created_at,
        )


class EntryView(View):
    """An entry: ``amount`` and ``balance_after`` in minor units, signed as the balance is."""

    amount: int
    balance_after: int
    transaction: Annotated[TransactionId, IdText("ledger_transaction")]
    kind: str
    reference: str
    recorded_at: datetime

    @classmethod
    def of(cls, account: Account, line: StatementLine) -> Self:
        """Return the view of one line of the statement of ``account``."""
        side = account.spec.normal_side
        return cls(
            amount=as_expected(side, line.amount),
            balance_after=as_expected(side, line.balance_after),
            transaction=line.transaction_id,
            kind=line.kind,
            reference=line.reference,
            recorded_at=line.recorded_at,
        )


def router(accounts: AccountService, authenticate: Authenticate) -> APIRouter:
    """Return the routes of this module."""
    routes = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=StrictRoute)
    CallerOf = Annotated[Caller, Depends(authenticate)]  # noqa: N806 - a type
    Id = Annotated[AccountIdText, Path()]  # noqa: N806 - a type

    @routes.post("", status_code=201, summary="Open an account")
    async def create(body: NewAccount, caller: CallerOf) -> AccountView:
        return AccountView.of(await accounts.create(caller, wallet(body.code, body.currency)))

    @routes.get("", summary="List accounts")
    async def list_accounts(
        caller: CallerOf, cursor: Cursor = None, limit: Limit = 20
    ) -> Page[AccountView]:
        after = None if cursor is None else AccountId(ids.parse("account", cursor))
        rows = await accounts.page(caller.merchant_id, after=after, limit=limit + 1)
        return Page.of(rows, limit, AccountView.of, lambda row: ids.render("account", row.id))

    @routes.get("/{account_id}", summary="Get an account")
    async def get(account_id: Id, caller: CallerOf) -> AccountView:
        return AccountView.of(await accounts.get(caller.merchant_id, account_id))

    @routes.get("/{account_id}/entries", summary="List an account's entries")
    async def entries(
        account_id: Id,
        caller: CallerOf,
        limit: Limit = 20,
    ) -> Page[EntryView]:
        account, lines = await accounts.statement(
            caller.merchant_id, account_id, StatementFilter(), limit=limit + 1
        )
        return Page.of(
            lines,
            limit,
            lambda line: EntryView.of(account, line),
            lambda line: line.recorded_at.isoformat(),
        )

    return routes
