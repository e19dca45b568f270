"""Accounts: open them, look at them, and post to them within a caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from groat.accounts.domain import ledger
from groat.accounts.domain.chart import Account, AccountSpec, wallet
from groat.accounts.domain.ledger import Posting, StatementLine
from groat.accounts.infrastructure import store
from groat.audit.domain.record import Cause, Change
from groat.audit.service import AuditService
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import Conflict
from groat.kernel.ids import AccountId, IdSource, MerchantId
from groat.platform.checks import Check, checks_from
from groat.platform.database import Connection, Database


class AccountService:
    """The ledger's verbs."""

    def __init__(
        self, database: Database, audit: AuditService, new_id: IdSource, clock: Clock
    ) -> None:
        self._database = database
        self._audit = audit
        self._new_id = new_id
        self._clock = clock

    async def create(self, caller: Caller, code: str, currency: str) -> Account:
        """Open a wallet.

        Raises:
            InvalidRequest: the code or the currency cannot be.
            Conflict: ``account_code_taken``.
        """
        account_id, spec, now = AccountId(self._new_id()), wallet(code, currency), self._clock.now()
        async with self._database.transaction() as connection:
            added = await store.insert_accounts(
                connection, caller.merchant_id, [(account_id, spec)], now
            )
            if not added:
                raise Conflict("account_code_taken", f"There is an account {code!r} already.")
            change = Change(
                "account.created",
                "account",
                account_id,
                caller.actor,
                Cause(caller.request_id),
                {"code": code, "currency": currency},
            )
            await self._audit.write(connection, caller.merchant_id, [change], now)
        return Account(account_id, spec, posted=0, version=0, created_at=now)

    async def get(self, merchant_id: MerchantId, account_id: AccountId) -> Account:
        """Return an account with its balance.

        Raises:
            NotFound: the merchant has no such account.
        """
        async with self._database.transaction() as connection:
            return await self.get_within(connection, merchant_id, account_id)

    async def get_within(
        self, connection: Connection, merchant_id: MerchantId, account_id: AccountId
    ) -> Account:
        """As ``get``, in the caller's transaction."""
        found = await store.account(connection, merchant_id, account_id)
        if found is None:
            raise ids.not_found("account", ids.render("account", account_id))
        return found

    async def page(
        self, merchant_id: MerchantId, *, after: AccountId | None, limit: int
    ) -> list[Account]:
        """Return accounts, oldest first."""
        async with self._database.transaction() as connection:
            return await store.accounts(connection, merchant_id, after, limit)

    async def statement(
        self, merchant_id: MerchantId, account_id: AccountId, *, before: int | None, limit: int
    ) -> tuple[Account, list[StatementLine]]:
        """Return an account and its entries, newest first.

        Raises:
            NotFound: the merchant has no such account.
        """
        async with self._database.transaction() as connection:
            account = await self.get_within(connection, merchant_id, account_id)
            lines = await store.statement(connection, merchant_id, account_id, before, limit)
        return account, lines

    async def ensure(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        specs: Collection[AccountSpec],
        now: datetime,
    ) -> dict[str, AccountId]:
        """Return the ids of Groat's own accounts by code, opening those that are not there yet."""
        wanted = {spec.code: spec for spec in specs}
        found = await store.find_ids(connection, merchant_id, wanted)
        missing = [
            (AccountId(self._new_id()), wanted[code]) for code in sorted(wanted.keys() - found)
        ]
        if not missing:
            return found
        await store.insert_accounts(connection, merchant_id, missing, now)
        return await store.find_ids(connection, merchant_id, wanted)

    async def post(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        postings: Sequence[Posting],
        now: datetime,
    ) -> None:
        """Post facts, all or none, in the caller's transaction: lock, decide, write."""
        account_ids = {entry.account_id for posting in postings for entry in posting.entries}
        before = await store.lock_balances(connection, merchant_id, account_ids)
        after, entries = ledger.post(before, postings)
        await store.write_postings(connection, merchant_id, postings, entries, after.values(), now)

    async def imbalance(self) -> int:
        """Return what the whole ledger sums to: 0, or something is wrong."""
        async with self._database.snapshot() as connection:
            return await store.imbalance(connection)


def checks() -> list[Check]:
    """Return what must be true of the ledger."""
    return checks_from(
        store.QUERIES,
        {
            "transactions_sum_to_zero": "ledger transaction",
            "currencies_sum_to_zero": "currency",
            "balances_match_entries": "balance of account",
            "entries_are_gapless": "entry of account",
            "entries_have_parents": "entry of account",
        },
    )
