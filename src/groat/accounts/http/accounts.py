"""``/v1/accounts``: open them, look at them, and at what has moved. ``/v1/ledger``: all of them."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from groat.accounts.domain.chart import Account, as_expected, opened
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
from groat.kernel.value import replace
from groat.platform.http.edge import (
    Body,
    CallerOf,
    Moment,
    RouteTable,
    View,
)
from groat.platform.http.ids import (
    AccountIdText,
    TransactionIdText,
)
from groat.platform.http.paging import (
    Page,
    PagingOf,
)

_TICK = timedelta(microseconds=1)


class NewAccount(Body):
    """An account to open: a code of the merchant's choice, and one currency (ISO 4217).

    A wallet is what it is without more: its normal side is credit and it cannot be overdrawn. A
    ``floor`` below 0 grants an overdraft, and null is no limit, which is all that an account whose
    normal side is debit can have.
    """

    code: str
    currency: str
    normal_side: NormalSide = "credit"
    floor: int | None = None
    metadata: dict[str, str] = Field(default_factory=dict)

    def floor_or_default(self) -> int | None:
        """Return the floor as given, and otherwise that of a wallet."""
        if "floor" in self.model_fields_set or self.normal_side == "debit":
            return self.floor
        return 0


class AccountChange(Body):
    """What to change of an account; what is left out stays."""

    status: AccountStatus | None = None
    metadata: dict[str, str] | None = None


class AccountView(View):
    """An account, in minor units. ``balance`` is positive on the account's normal side.

    ``available`` is the balance less what is ``held``; ``version`` counts the entries.
    """

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
            created_at=account.created_at,
        )


class EntryView(View):
    """An entry: ``amount`` and ``balance_after`` in minor units, signed as the balance is."""

    amount: int
    balance_after: int
    transaction: TransactionIdText
    kind: str
    reference: str
    subject: str | None = Field(
        description="Id of the payment, refund or dispute that caused it; null for transfers."
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
    """A balance at a moment: by what was in the books then, or by what counts from then."""

    account: AccountIdText
    currency: str
    balance: int
    at: datetime
    by: Literal["recorded", "effective"]


class TrialBalanceView(View):
    """All balances in one currency, in minor units: the debits and the credits are equal."""

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


class TrialBalances(View):
    """One trial balance for each currency."""

    data: list[TrialBalanceView]


def _statement_filter(
    since: Annotated[
        Moment | None, Query(description="Only what was recorded then or later.")
    ] = None,
    until: Annotated[Moment | None, Query(description="Only what was recorded before.")] = None,
    kind: Annotated[str | None, Query(description="Only transactions such as `transfer`.")] = None,
    order: Annotated[Literal["desc", "asc"], Query(description="Newest or oldest first.")] = "desc",
) -> StatementFilter:
    """Return which lines are asked for."""
    return StatementFilter(since, until, kind, oldest_first=order == "asc")


class AccountRoutes:
    """Handlers of accounts."""

    def __init__(self, accounts: AccountService, queries: AccountQueries) -> None:
        self._accounts = accounts
        self._queries = queries

    def table(self) -> APIRouter:
        """Return the routes with their handlers."""
        routes = RouteTable("/v1", "accounts")
        routes.post("/accounts", self.create, status=HTTPStatus.CREATED)
        routes.get("/accounts", self.list_accounts)
        routes.get("/accounts/{account_id}", self.get)
        routes.patch("/accounts/{account_id}", self.update)
        routes.get("/accounts/{account_id}/entries", self.entries)
        routes.get("/accounts/{account_id}/balance", self.balance)
        routes.get("/ledger/trial-balance", self.trial_balance)
        return routes.router

    async def create(self, body: NewAccount, caller: CallerOf) -> AccountView:
        """Open an account."""
        spec = opened(
            body.code, body.currency, body.normal_side, body.floor_or_default(), body.metadata
        )
        return AccountView.of(await self._accounts.create(caller, spec))

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
        """Freeze, open or close an account."""
        changed = await self._accounts.update(
            caller, account_id, status=body.status, metadata=body.metadata
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
        account, lines = await self._queries.statement(
            caller.merchant_id, account_id, _following(wanted, paging.after), limit=paging.rows
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
        at: Annotated[Moment | None, Query(description="The moment; left out, it is now.")] = None,
        *,
        effective: Annotated[
            bool, Query(description="By when transactions count, not when they were recorded.")
        ] = False,
    ) -> BalanceView:
        """Get a balance, now or then."""
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

    async def trial_balance(self, caller: CallerOf) -> TrialBalances:
        """Get the trial balance."""
        sums = await self._queries.trial_balance(caller.merchant_id)
        return TrialBalances(data=[TrialBalanceView.of(one) for one in sums])


def _following(wanted: StatementFilter, place: str | None) -> StatementFilter:
    """Return which of the wanted lines follow the one that was recorded at ``place``."""
    if place is None:
        return wanted
    shown = datetime.fromisoformat(place)
    if wanted.oldest_first:
        after = shown + _TICK
        return replace(wanted, since=max(wanted.since or after, after))
    return replace(wanted, until=min(wanted.until or shown, shown))
