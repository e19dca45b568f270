"""``/v1/accounts``: open, read and change accounts. ``/v1/ledger``: sums over all accounts."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from groat.accounts.domain.chart import CODE_FORM, Account, as_expected, opened
from groat.accounts.domain.ledger import (
    AccountStatus,
    NormalSide,
    StatementFilter,
    StatementLine,
    TrialBalance,
)
from groat.accounts.queries import AccountQueries
from groat.accounts.service.accounts import AccountService
from groat.kernel.ids import AccountId
from groat.kernel.scopes import Room
from groat.kernel.value import replace
from groat.platform.http.edge import (
    AccountIdText,
    Body,
    CallerOf,
    Moment,
    RouteTable,
    TransactionIdText,
    View,
)
from groat.platform.http.filters import Order
from groat.platform.http.keyed import KeyedOf
from groat.platform.http.paging import Page, PagingOf


class NewAccount(Body):
    """An account to open: a code of the merchant's choice, and one currency (ISO 4217).

    By default the account is a wallet: its normal side is credit, and it cannot be overdrawn
    (``floor`` 0). A negative ``floor`` grants an overdraft; null removes the limit. An account
    whose normal side is debit cannot have a floor.
    """

    code: str = Field(json_schema_extra={"pattern": CODE_FORM, "examples": ["wallet:alice"]})
    currency: str = Field(examples=["EUR"])
    normal_side: NormalSide = "credit"
    floor: int | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    balance_events: bool = Field(
        default=False, description="Whether changes of the balance are told by events."
    )

    def floor_or_default(self) -> int | None:
        """Return the floor of the request, or the default: 0 for a credit account, else None."""
        if "floor" in self.model_fields_set or self.normal_side == "debit":
            return self.floor
        return 0


class AccountChange(Body):
    """Changes to an account. Fields that are left out stay as they are."""

    status: AccountStatus | None = None
    metadata: dict[str, str] | None = None
    balance_events: bool | None = None


class AccountView(View):
    """An account. Amounts are in minor units; ``balance`` is positive on the normal side.

    ``held`` is the sum of the open holds. ``available`` is the balance that would remain if all of
    them were captured. ``version`` is the number of entries. ``balance_events`` tells whether the
    event ``account.balance_changed`` tells of its changes.
    """

    object: Literal["account"] = "account"
    id: AccountIdText
    code: str
    currency: str
    normal_side: NormalSide
    status: AccountStatus
    balance: int
    held: int
    available: int
    floor: int | None
    version: int
    metadata: dict[str, str]
    balance_events: bool
    created_at: datetime

    @classmethod
    def of(cls, account: Account) -> Self:
        """Return the view of ``account``."""
        return cls(
            id=account.id,
            code=account.spec.code,
            currency=account.spec.currency,
            normal_side=account.spec.normal_side,
            status=account.status,
            balance=account.balance,
            held=account.held,
            available=account.available,
            floor=account.spec.floor,
            version=account.version,
            metadata=dict(account.spec.metadata),
            balance_events=account.spec.balance_events,
            created_at=account.created_at,
        )


class EntryView(View):
    """An entry. ``amount`` and ``balance_after`` are in minor units, with the balance's sign."""

    object: Literal["entry"] = "entry"
    amount: int
    balance_after: int
    transaction: TransactionIdText
    kind: str
    reference: str
    subject: str | None = Field(
        description="Id of the payment, refund or dispute behind the entry; null for transfers."
    )
    recorded_at: datetime
    effective_at: datetime

    @classmethod
    def of(cls, account: Account, line: StatementLine) -> Self:
        """Return the view of one line of the statement of ``account``."""
        side = account.spec.normal_side
        return cls(
            amount=as_expected(side, line.amount),
            balance_after=as_expected(side, line.balance_after),
            transaction=line.transaction_id,
            kind=line.kind.name,
            reference=line.reference,
            subject=line.subject,
            recorded_at=line.recorded_at,
            effective_at=line.effective_at or line.recorded_at,
        )


class BalanceView(View):
    """A balance at a moment.

    If ``by`` is ``recorded``, it sums the entries that were recorded by that moment. If ``by`` is
    ``effective``, it sums the entries that are effective by that moment.
    """

    object: Literal["balance"] = "balance"
    account: AccountIdText
    currency: str
    balance: int
    at: datetime
    by: Literal["recorded", "effective"]


class TrialBalanceView(View):
    """Sums of all balances in one currency, in minor units. Debits and credits are equal."""

    object: Literal["trial_balance"] = "trial_balance"
    currency: str
    accounts: int
    debits: int
    credits: int

    @classmethod
    def of(cls, sums: TrialBalance) -> Self:
        """Return the view of one currency's sums."""
        return cls(
            currency=sums.currency,
            accounts=sums.accounts,
            debits=sums.debits,
            credits=sums.credits,
        )


def _statement_filter(
    since: Annotated[
        Moment | None, Query(description="Only entries recorded at this time or later.")
    ] = None,
    until: Annotated[
        Moment | None, Query(description="Only entries recorded before this time.")
    ] = None,
    kind: Annotated[
        str | None, Query(description="Only entries of this kind, such as `transfer`.")
    ] = None,
    order: Order = "desc",
) -> StatementFilter:
    """Return the filter for the lines of a statement."""
    return StatementFilter(since, until, kind, oldest_first=order == "asc")


class AccountRoutes:
    """Handlers of accounts."""

    def __init__(self, accounts: AccountService, queries: AccountQueries) -> None:
        self._accounts = accounts
        self._queries = queries

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable(Room.ACCOUNTS, "/v1", "accounts")
        routes.post("/accounts", self.create, status=HTTPStatus.CREATED)
        routes.get("/accounts", self.list_accounts)
        routes.get("/accounts/{account_id}", self.get)
        routes.patch("/accounts/{account_id}", self.update)
        routes.get("/accounts/{account_id}/entries", self.entries)
        routes.get("/accounts/{account_id}/balance", self.balance)
        routes.get("/ledger/trial-balance", self.trial_balance)
        return routes.router

    async def create(self, body: NewAccount, caller: CallerOf, keyed: KeyedOf) -> AccountView:
        """Open an account."""
        spec = opened(
            body.code, body.currency, body.normal_side, body.floor_or_default(), body.metadata
        )
        spec = replace(spec, balance_events=body.balance_events)
        once = keyed.once(AccountView.of)
        return AccountView.of(await self._accounts.create(caller, spec, once))

    async def list_accounts(
        self, caller: CallerOf, paging: PagingOf, code: str | None = None
    ) -> Page[AccountView]:
        """List accounts."""
        after = AccountId(paging.after_id) if paging.after_id else None
        rows = await self._queries.page(
            caller.merchant_id, after=after, code=code, limit=paging.rows
        )
        return paging.page(rows, AccountView.of, lambda row: row.id)

    async def get(self, account_id: AccountIdText, caller: CallerOf) -> AccountView:
        """Get an account."""
        return AccountView.of(await self._queries.get(caller.merchant_id, account_id))

    async def update(
        self, account_id: AccountIdText, body: AccountChange, caller: CallerOf
    ) -> AccountView:
        """Freeze, reopen or close an account, or change its metadata or its events."""
        changed = await self._accounts.update(
            caller,
            account_id,
            status=body.status,
            metadata=body.metadata,
            balance_events=body.balance_events,
        )
        return AccountView.of(changed)

    async def entries(
        self,
        account_id: AccountIdText,
        caller: CallerOf,
        wanted: Annotated[StatementFilter, Depends(_statement_filter)],
        paging: PagingOf,
    ) -> Page[EntryView]:
        """List an account's entries."""
        if paging.after is not None:
            wanted = wanted.following(datetime.fromisoformat(paging.after))
        account, lines = await self._queries.statement(
            caller.merchant_id, account_id, wanted, limit=paging.rows
        )
        return paging.page(
            lines,
            lambda line: EntryView.of(account, line),
            lambda line: line.recorded_at.isoformat(timespec="microseconds"),
        )

    async def balance(
        self,
        account_id: AccountIdText,
        caller: CallerOf,
        at: Annotated[
            Moment | None, Query(description="Moment of the balance; now by default.")
        ] = None,
        *,
        effective: Annotated[
            bool, Query(description="Whether to use effective times instead of recorded times.")
        ] = False,
    ) -> BalanceView:
        """Get an account's balance, now or at a moment."""
        account, posted, moment = await self._queries.balance_at(
            caller.merchant_id, account_id, at, effective=effective
        )
        return BalanceView(
            account=account.id,
            currency=account.spec.currency,
            balance=as_expected(account.spec.normal_side, posted),
            at=moment,
            by="effective" if effective else "recorded",
        )

    async def trial_balance(self, caller: CallerOf) -> Page[TrialBalanceView]:
        """Get the trial balance of each currency."""
        sums = await self._queries.trial_balance(caller.merchant_id)
        return Page(data=list(map(TrialBalanceView.of, sums)))
