"""Accounts: open, freeze, reopen and close them."""

from __future__ import annotations

from collections.abc import Mapping

from groat.accounts.domain.actions import AccountAction
from groat.accounts.domain.chart import Account, AccountSpec, checked_metadata
from groat.accounts.domain.commands import Refusal, Refused
from groat.accounts.domain.ledger import AccountStatus
from groat.accounts.domain.refusals import as_error
from groat.accounts.infrastructure import accounts as store
from groat.accounts.infrastructure import ledger
from groat.accounts.queries import account_within
from groat.audit.domain.record import Change
from groat.audit.service.records import AuditService
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import Conflict
from groat.kernel.ids import AccountId, IdSource
from groat.kernel.value import replace
from groat.platform.postgres.database import Database
from groat.platform.postgres.idempotency import UNKEYED, Once


class AccountService:
    """Opens accounts and changes their status and metadata."""

    def __init__(
        self, database: Database, audit: AuditService, new_id: IdSource, clock: Clock
    ) -> None:
        self._database = database
        self._audit = audit
        self._new_id = new_id
        self._clock = clock

    async def create(
        self, caller: Caller, spec: AccountSpec, once: Once[Account] = UNKEYED
    ) -> Account:
        """Open an account, and commit it with its audit record.

        Raises:
            Conflict: ``account_code_taken``.
        """
        account_id, now = AccountId(self._new_id()), self._clock.now()
        async with self._database.transaction() as connection:
            await once.claim(connection)
            added = await store.insert_accounts(
                connection, caller.merchant_id, [(account_id, spec)], now
            )
            if not added:
                raise Conflict(
                    "account_code_taken", f"The code {spec.code!r} is taken; choose another."
                )
            if spec.balance_events:
                store.watch_balance(connection, caller.merchant_id, account_id, wanted=True)
            change = Change.by(
                caller,
                AccountAction.ACCOUNT_CREATED,
                "account",
                account_id,
                code=spec.code,
                currency=spec.currency,
                normal_side=spec.normal_side,
                floor=spec.floor,
            )
            await self._audit.write(connection, caller.merchant_id, [change], now)
            account = await account_within(connection, caller.merchant_id, account_id)
            once.answer(connection, account)
        return account

    async def update(
        self,
        caller: Caller,
        account_id: AccountId,
        *,
        status: AccountStatus | None = None,
        metadata: Mapping[str, str] | None = None,
        balance_events: bool | None = None,
    ) -> Account:
        """Change an account's status (freeze, reopen, close), metadata or events, and commit.

        Raises:
            NotFound: the merchant has no such account.
            Forbidden: ``engine_account``.
            Conflict: ``account_closed``; or ``account_not_empty``, since only an empty account can
                be closed.
            InvalidRequest: ``invalid_metadata``.
        """
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await ledger.lock(connection, caller.merchant_id, [account_id])
            account = await account_within(connection, caller.merchant_id, account_id)
            changed = _changed(account, status, metadata, balance_events=balance_events)
            store.update_account(connection, caller.merchant_id, changed)
            change = Change.by(
                caller,
                AccountAction.ACCOUNT_UPDATED,
                "account",
                account_id,
                status=changed.status,
                was=account.status,
            )
            await self._audit.write(connection, caller.merchant_id, [change], now)
        return changed


def _changed(
    account: Account,
    status: AccountStatus | None,
    metadata: Mapping[str, str] | None,
    *,
    balance_events: bool | None,
) -> Account:
    """Return the account with its new status, metadata and wish for events.

    Raises:
        Forbidden: the account belongs to the engine.
        Conflict: the account is closed, or it is to be closed and is not empty.
        InvalidRequest: ``invalid_metadata``.
    """
    if account.spec.is_engine:
        raise as_error(Refused(Refusal.ENGINE_ACCOUNT, {"account": account.id}))
    status = account.status if status is None else status
    if account.status == "closed" != status and not (account.posted or account.held):
        raise Conflict(
            "account_closed",
            "A closed account can be reopened only if a fact was posted to it since.",
        )
    if status == "closed" and (account.posted or account.held):
        raise Conflict(
            "account_not_empty",
            f"Only an empty account can be closed; this one has a balance of {account.balance} and "
            f"holds of {account.held}.",
        )
    noted = account.spec.metadata if metadata is None else checked_metadata(metadata)
    told = account.spec.balance_events if balance_events is None else balance_events
    spec = replace(account.spec, metadata=noted, balance_events=told)
    return replace(account, status=status, spec=spec)
