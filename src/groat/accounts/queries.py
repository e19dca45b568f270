"""Read accounts, their statements, transfers and holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import datetime, timedelta

from groat.accounts.domain.chart import Account
from groat.accounts.domain.kinds import CALLERS_KINDS, TransactionKinds
from groat.accounts.domain.ledger import (
    Hold,
    JournalLine,
    RecordedTransaction,
    StatementFilter,
    StatementLine,
    TransactionLine,
    TrialBalance,
)
from groat.accounts.infrastructure import accounts as store
from groat.kernel import ids
from groat.kernel.clock import Clock
from groat.kernel.ids import AccountId, HoldId, MerchantId, TransactionId
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database

_SLICE = timedelta(hours=1)
"""Time whose entries are sorted at once, so that a long journal is not sorted for each page."""

_PAGE = 2000
"""Entries in one page of a journal."""


class AccountQueries:
    """Reads accounts and their entries from the primary."""

    def __init__(self, database: Database, kinds: TransactionKinds, clock: Clock) -> None:
        self._database = database
        self._kinds = kinds
        self._clock = clock

    async def get(self, merchant_id: MerchantId, account_id: AccountId) -> Account:
        """Return an account with its balance.

        Raises:
            NotFound: the merchant has no such account.
        """
        async with self._database.transaction() as connection:
            return await account_within(connection, merchant_id, account_id)

    async def page(
        self,
        merchant_id: MerchantId,
        *,
        after: AccountId | None = None,
        code: str | None = None,
        limit: int,
    ) -> list[Account]:
        """Return accounts, oldest first."""
        async with self._database.autocommit() as connection:
            return await store.accounts(connection, merchant_id, after, code, limit)

    async def statement(
        self, merchant_id: MerchantId, account_id: AccountId, lines: StatementFilter, *, limit: int
    ) -> tuple[Account, list[StatementLine]]:
        """Return an account and its entries, each with the balance after it.

        Raises:
            NotFound: the merchant has no such account.
            InvalidRequest: ``unknown_transaction_kind``.
        """
        async with self._database.transaction() as connection:
            account = await account_within(connection, merchant_id, account_id)
            found = await store.statement(
                connection, merchant_id, account.number, lines, self._kinds, limit
            )
        return account, found

    async def balance_at(
        self,
        merchant_id: MerchantId,
        account_id: AccountId,
        at: datetime | None,
        *,
        effective: bool,
    ) -> tuple[Account, int, datetime]:
        """Return an account, its ledger balance at a moment, and the moment; ``at`` None is now.

        The recorded balance is the sum of the entries recorded up to that moment. The effective
        balance is the sum of the entries that count up to that moment, by today's knowledge.
        Example: a payment of 31 March is recorded on 2 April. It is missing from the recorded
        balance of 31 March and included in the effective balance of that day.

        Raises:
            NotFound: the merchant has no such account.
        """
        read = store.effective_balance_at if effective else store.balance_at
        moment = self._clock.now() if at is None else at
        async with self._database.transaction() as connection:
            account = await account_within(connection, merchant_id, account_id)
            if at is None and not effective:
                return account, account.posted, moment
            return account, await read(connection, merchant_id, account.number, moment), moment

    async def trial_balance(self, merchant_id: MerchantId) -> list[TrialBalance]:
        """Return the sums of debit and of credit balances in each currency, which are equal."""
        async with self._database.autocommit() as connection:
            return await store.trial_balance(connection, merchant_id)

    async def recorded(
        self, merchant_id: MerchantId, transaction_id: TransactionId
    ) -> RecordedTransaction:
        """Return a transfer, or another transaction of a caller, with its two entries.

        Raises:
            NotFound: the merchant has no such transfer.
        """
        async with self._database.autocommit() as connection:
            found = await store.transaction(connection, merchant_id, transaction_id, self._kinds)
        if found is None or found.kind not in CALLERS_KINDS:
            raise ids.not_found("transfer", ids.render("ledger_transaction", transaction_id))
        return found

    async def subject(self, merchant_id: MerchantId, transaction_id: TransactionId) -> str | None:
        """Return the id of the payment, refund or dispute that caused a transaction, if any."""
        async with self._database.autocommit() as connection:
            return await store.subject(connection, merchant_id, transaction_id)

    async def transaction_lines(
        self, merchant_id: MerchantId, transaction_ids: Collection[TransactionId]
    ) -> list[TransactionLine]:
        """Return the entries of these transactions, in the order of their recording."""
        async with self._database.autocommit() as connection:
            return await store.transaction_lines(
                connection, merchant_id, transaction_ids, self._kinds
            )

    async def hold(self, merchant_id: MerchantId, hold_id: HoldId) -> Hold:
        """Return a hold.

        Raises:
            NotFound: the merchant has no such hold.
        """
        async with self._database.autocommit() as connection:
            found = await store.hold(connection, merchant_id, hold_id)
        return ids.existing("hold", hold_id, found)

    async def holds(
        self,
        merchant_id: MerchantId,
        account_id: AccountId,
        *,
        before: HoldId | None = None,
        limit: int,
    ) -> list[Hold]:
        """Return an account's holds, newest first.

        Raises:
            NotFound: the merchant has no such account.
        """
        async with self._database.transaction() as connection:
            await account_within(connection, merchant_id, account_id)
            return await store.holds(connection, merchant_id, account_id, before, limit)

    async def journal(
        self, merchant_id: MerchantId, since: datetime, until: datetime
    ) -> AsyncIterator[JournalLine]:
        """Yield the entries recorded from ``since`` on and before ``until``, in constant memory.

        The entries of a transaction follow each other. All are of one snapshot.
        """
        async with self._database.snapshot() as connection:
            start, after = since, None
            while start < until:
                end = min(start + _SLICE, until)
                page = await store.journal(
                    connection, merchant_id, start, end, after, self._kinds, _PAGE
                )
                for line in page:
                    yield line
                after = page[-1] if page else after
                start = start if len(page) == _PAGE else end

    async def imbalance(self) -> int:
        """Return the sum of all entries, as absolute amounts by currency: 0 in a sound ledger."""
        async with self._database.snapshot() as connection:
            return await store.imbalance(connection)


async def account_within(
    connection: Connection, merchant_id: MerchantId, account_id: AccountId
) -> Account:
    """Return an account with its balance, in the caller's transaction.

    Raises:
        NotFound: the merchant has no such account.
    """
    found = await store.account(connection, merchant_id, account_id)
    return ids.existing("account", account_id, found)
