"""Accounts and what moves between them: the verbs of the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from groat.accounts.domain import orders
from groat.accounts.domain.chart import Account, AccountSpec, checked_metadata
from groat.accounts.domain.commands import (
    Command,
    CommandOutcome,
    EndHold,
    HoldStands,
    Posted,
    PostTransaction,
    Refusal,
    Refused,
)
from groat.accounts.domain.decisions import FactPostings
from groat.accounts.domain.ledger import (
    CALLERS_KINDS,
    AccountStatus,
    Hold,
    PostedTransaction,
    RecordedTransaction,
    StatementFilter,
    StatementLine,
    TrialBalance,
)
from groat.accounts.domain.orders import HoldCapture, HoldOrder, TransferOrder
from groat.accounts.domain.refusals import as_error
from groat.accounts.infrastructure import accounts as store
from groat.accounts.infrastructure import ledger as book
from groat.accounts.service.posting import PostingLanes
from groat.audit.domain.record import Cause, Change, Scalar
from groat.audit.service import AuditService
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import Conflict, GroatError
from groat.kernel.ids import AccountId, HoldId, IdSource, MerchantId, TransactionId
from groat.kernel.value import replace
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database

_MOST_EXPIRED_AT_ONCE = 500
_MOST_REMEMBERED = 10_000


class AccountService:
    """Opens accounts, moves money between them, reserves it, and tells how they stand.

    All that moves money is idempotent by its reference: the same order again is answered as before.
    """

    def __init__(
        self, database: Database, audit: AuditService, new_id: IdSource, clock: Clock
    ) -> None:
        self._database = database
        self._audit = audit
        self._new_id = new_id
        self._clock = clock
        self._lanes = PostingLanes(database, audit, new_id, clock)
        self._own: dict[tuple[MerchantId, str], AccountId] = {}

    async def create(self, caller: Caller, spec: AccountSpec) -> Account:
        """Open an account.

        Raises:
            Conflict: ``account_code_taken``.
        """
        account_id, now = AccountId(self._new_id()), self._clock.now()
        async with self._database.transaction() as connection:
            added = await store.insert_accounts(
                connection, caller.merchant_id, [(account_id, spec)], now
            )
            if not added:
                raise Conflict("account_code_taken", f"There is an account {spec.code!r} already.")
            data: dict[str, Scalar] = {
                "code": spec.code,
                "currency": spec.currency,
                "normal_side": spec.normal_side,
                "floor": spec.floor,
            }
            self._record(connection, caller, "account.created", account_id, data, now)
            return await self.get_within(connection, caller.merchant_id, account_id)

    async def update(
        self,
        caller: Caller,
        account_id: AccountId,
        *,
        status: AccountStatus | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Account:
        """Freeze, open again or close an account, or note other things of it.

        Raises:
            NotFound: the merchant has no such account.
            Forbidden: ``engine_account``.
            Conflict: ``account_closed``; or ``account_not_empty``, as only an empty one is closed.
            InvalidRequest: ``invalid_metadata``.
        """
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await book.lock_balances(connection, caller.merchant_id, [account_id])
            account = await self.get_within(connection, caller.merchant_id, account_id)
            changed = _changed(account, status, metadata)
            store.update_account(connection, caller.merchant_id, changed)
            data: dict[str, Scalar] = {"status": changed.status, "was": account.status}
            self._record(connection, caller, "account.updated", account_id, data, now)
        return changed

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
        return ids.existing("account", account_id, found)

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
        """Return an account and its entries, each with the balance that it left.

        Raises:
            NotFound: the merchant has no such account.
        """
        async with self._database.transaction() as connection:
            account = await self.get_within(connection, merchant_id, account_id)
            found = await store.statement(connection, merchant_id, account.number, lines, limit)
        return account, found

    async def balance_at(
        self,
        merchant_id: MerchantId,
        account_id: AccountId,
        at: datetime | None,
        *,
        effective: bool,
    ) -> tuple[Account, int, datetime]:
        """Return an account, its ledger balance at a moment or now, and the moment.

        There are two questions to ask of a moment.

        What stood in the books then, by the time at which entries were recorded; or, ``effective``,
        what counts then by all that is known now.

        Raises:
            NotFound: the merchant has no such account.
        """
        read = store.effective_balance_at if effective else store.balance_at
        moment = self._clock.now() if at is None else at
        async with self._database.transaction() as connection:
            account = await self.get_within(connection, merchant_id, account_id)
            if at is None and not effective:
                return account, account.posted, moment
            return account, await read(connection, merchant_id, account.number, moment), moment

    async def trial_balance(self, merchant_id: MerchantId) -> list[TrialBalance]:
        """Return the sums of all debit and credit balances in each currency: they are equal."""
        async with self._database.autocommit() as connection:
            return await store.trial_balance(connection, merchant_id)

    async def transfer(self, caller: Caller, order: TransferOrder) -> RecordedTransaction:
        """Move money from one account to another.

        Raises:
            GroatError: the order cannot be, or is refused; its code and message say why.
        """
        return await self._post(caller, orders.transfer(caller.merchant_id, order))

    async def transfer_linked(
        self, caller: Caller, many: Sequence[TransferOrder]
    ) -> list[Posted | GroatError]:
        """Make all of many transfers, or none: then each has the error that it was refused with.

        Raises:
            InvalidRequest: one of the orders cannot be; nothing was done.
        """
        unit = tuple(orders.transfer(caller.merchant_id, order) for order in many)
        outcomes = await self._lanes.submit(caller, unit)
        return [as_error(one) if isinstance(one, Refused) else _posted(one) for one in outcomes]

    async def recorded(
        self, merchant_id: MerchantId, transaction_id: TransactionId
    ) -> RecordedTransaction:
        """Return a transfer, or another transaction that callers make, with its two entries.

        Raises:
            NotFound: the merchant has no such transfer.
        """
        async with self._database.autocommit() as connection:
            found = await store.transaction(connection, merchant_id, transaction_id)
        if found is None or found.kind not in CALLERS_KINDS:
            raise ids.not_found("transfer", ids.render("ledger_transaction", transaction_id))
        return found

    async def reverse(self, caller: Caller, transaction_id: TransactionId) -> RecordedTransaction:
        """Undo a transfer by a transaction with its entries the other way round.

        Raises:
            NotFound: the merchant has no such transfer.
            Conflict: ``not_reversible``, or what refuses any transfer.
        """
        recorded = await self.recorded(caller.merchant_id, transaction_id)
        return await self._post(caller, orders.reversal(caller.merchant_id, recorded))

    async def place_hold(self, caller: Caller, order: HoldOrder) -> Hold:
        """Reserve a part of what is available on an account.

        Raises:
            GroatError: the order cannot be, or is refused; its code and message say why.
        """
        command = orders.hold(caller.merchant_id, order, self._clock.now())
        return _held(await self._submit(caller, command)).hold

    async def reserve(
        self, connection: Connection, caller: Caller, order: HoldOrder, now: datetime
    ) -> Hold:
        """Place a hold of our own, in the caller's transaction.

        Raises:
            GroatError: it is refused, such as ``insufficient_funds``; nothing was changed.
        """
        command = orders.engines_hold(caller.merchant_id, order, now)
        (outcome,) = await self._lanes.run_within(connection, caller, (command,), now)
        return _held(outcome).hold

    async def capture_hold(self, caller: Caller, order: HoldCapture) -> HoldStands:
        """Move a hold, or a part of it, to another account.

        Raises:
            GroatError: the order cannot be, or is refused; its code and message say why.
        """
        return _held(await self._submit(caller, orders.capture(caller.merchant_id, order)))

    async def release_hold(self, caller: Caller, hold_id: HoldId) -> Hold:
        """Give back what a hold still reserves. Releasing it again changes nothing.

        Raises:
            GroatError: there is no such hold, or it was captured.
        """
        return _held(await self._submit(caller, EndHold(hold_id))).hold

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
            await self.get_within(connection, merchant_id, account_id)
            return await store.holds(connection, merchant_id, account_id, before, limit)

    async def expire_holds(self) -> int:
        """Give back what holds reserve whose time has come; return how many there were."""
        now = self._clock.now()
        async with self._database.autocommit() as connection:
            due = await book.due_holds(connection, now, _MOST_EXPIRED_AT_ONCE)
        await asyncio.gather(
            *(
                self._submit(_engine(merchant_id), EndHold(hold_id, expire=True))
                for merchant_id, hold_id in due
            )
        )
        return len(due)

    async def ensure(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        specs: Collection[AccountSpec],
        now: datetime,
    ) -> dict[str, AccountId]:
        """Return the ids of Groat's own accounts by code, opening those that are not there yet."""
        wanted = {spec.code: spec for spec in specs}
        known = {code: self._own.get((merchant_id, code)) for code in wanted}
        found = {code: account_id for code, account_id in known.items() if account_id is not None}
        if len(found) == len(wanted):
            return found
        found = await store.find_ids(connection, merchant_id, wanted)
        missing = [
            (AccountId(self._new_id()), wanted[code]) for code in sorted(wanted.keys() - found)
        ]
        if missing:  # until this transaction is committed, they are not there for others
            await store.insert_accounts(connection, merchant_id, missing, now)
            return await store.find_ids(connection, merchant_id, wanted)
        self._remember(merchant_id, found)
        return found

    async def post(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        facts: FactPostings,
        actor: str,
        now: datetime,
    ) -> list[PostedTransaction]:
        """Post facts, all or none, in the caller's transaction, and return them as posted.

        A fact is never refused.
        """
        return await self._lanes.record(connection, merchant_id, facts, actor, now)

    async def imbalance(self) -> int:
        """Return what the whole ledger sums to: 0, or something is wrong."""
        async with self._database.snapshot() as connection:
            return await store.imbalance(connection)

    def _remember(self, merchant_id: MerchantId, found: Mapping[str, AccountId]) -> None:
        """Keep the ids of our own accounts, which never change once they are committed."""
        if len(self._own) > _MOST_REMEMBERED:
            self._own.clear()
        self._own.update({(merchant_id, code): one for code, one in found.items()})

    async def _post(self, caller: Caller, command: PostTransaction) -> RecordedTransaction:
        (outcome,) = await self._lanes.submit(caller, (command,))
        recorded_at, transaction = _posted(outcome).recorded_at, command.transaction
        return RecordedTransaction(
            transaction.id,
            transaction.kind,
            transaction.reference,
            recorded_at,
            transaction.effective_at,
            transaction.entries,
        )

    async def _submit(self, caller: Caller, command: Command) -> CommandOutcome:
        (outcome,) = await self._lanes.submit(caller, (command,))
        return outcome

    def _record(
        self,
        connection: Connection,
        caller: Caller,
        action: str,
        account_id: AccountId,
        data: Mapping[str, Scalar],
        now: datetime,
    ) -> None:
        cause = Cause(caller.request_id)
        change = Change(action, "account", account_id, caller.actor, cause, data)
        self._audit.write(connection, caller.merchant_id, [change], now)


def _changed(
    account: Account, status: AccountStatus | None, metadata: Mapping[str, str] | None
) -> Account:
    """Return the account as it is to be.

    Raises:
        Forbidden: it is one of the engine's own accounts.
        Conflict: it is closed, or is to be closed and is not empty.
        InvalidRequest: ``invalid_metadata``.
    """
    if account.spec.is_engine:
        raise as_error(Refused(Refusal.ENGINE_ACCOUNT, {"account": account.id}))
    status = account.status if status is None else status
    if account.status == "closed" != status and not (account.posted or account.held):
        raise Conflict(
            "account_closed", "A closed account stays closed, unless a fact was posted to it since."
        )
    if status == "closed" and (account.posted or account.held):
        raise Conflict(
            "account_not_empty",
            f"An account is closed when it is empty; this one has a balance of {account.balance} "
            f"and holds of {account.held}.",
        )
    noted = account.spec.metadata if metadata is None else checked_metadata(metadata)
    return replace(account, status=status, spec=replace(account.spec, metadata=noted))


def _posted(outcome: CommandOutcome) -> Posted:
    if isinstance(outcome, Refused):
        raise as_error(outcome)
    assert isinstance(outcome, Posted)  # noqa: S101 - what a transaction comes to
    return outcome


def _held(outcome: CommandOutcome) -> HoldStands:
    if isinstance(outcome, Refused):
        raise as_error(outcome)
    assert isinstance(outcome, HoldStands)  # noqa: S101 - what a hold comes to
    return outcome


def _engine(merchant_id: MerchantId) -> Caller:
    return Caller(merchant_id, "engine", "expiry")
