"""Transfers and holds: move money between callers' accounts, and reserve it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias, TypeVar

from groat.accounts.domain import orders
from groat.accounts.domain.commands import (
    Command,
    CommandOutcome,
    EndHold,
    HoldStands,
    Posted,
    PostTransaction,
    Refused,
    UnitOutcomes,
)
from groat.accounts.domain.ledger import Hold, RecordedTransaction
from groat.accounts.domain.orders import HoldCapture, HoldOrder, TransferOrder
from groat.accounts.domain.refusals import as_error, held, posted
from groat.accounts.infrastructure import ledger
from groat.accounts.queries import AccountQueries
from groat.accounts.service.lanes import PostingLanes
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import GroatError
from groat.kernel.ids import HoldId, MerchantId, TransactionId
from groat.platform.postgres.database import Database
from groat.platform.postgres.idempotency import UNKEYED, Once

Result = TypeVar("Result")

TransferOutcome: TypeAlias = Posted | GroatError
"""The outcome of one transfer of many: posted, or the error that says why it was refused."""

_MAX_EXPIRED_AT_ONCE = 500
"""Maximum holds that one run expires."""


class TransferService:
    """Moves money between accounts, and reserves it.

    Every order is idempotent by its reference: a repeated order gets the same answer.
    """

    def __init__(
        self, database: Database, lanes: PostingLanes, queries: AccountQueries, clock: Clock
    ) -> None:
        self._database = database
        self._lanes = lanes
        self._queries = queries
        self._clock = clock

    async def transfer(
        self, caller: Caller, order: TransferOrder, once: Once[RecordedTransaction] = UNKEYED
    ) -> RecordedTransaction:
        """Move money from one account to another.

        Raises:
            GroatError: the order is invalid or refused; the code and the message say why.
        """
        return await self._post(caller, orders.transfer(caller.merchant_id, order), once)

    async def transfer_linked(
        self,
        caller: Caller,
        many: Sequence[TransferOrder],
        once: Once[list[TransferOutcome]] = UNKEYED,
    ) -> list[TransferOutcome]:
        """Make all of these transfers or none. If none is made, return an error for each.

        Raises:
            InvalidRequest: one of the orders is invalid; no transfer was made.
        """
        unit = tuple(orders.transfer(caller.merchant_id, order) for order in many)
        [outcomes] = await self._lanes.submit_once(
            caller, [unit], once.after(lambda units: _each(units[0]))
        )
        return _each(outcomes)

    async def transfer_each(
        self,
        caller: Caller,
        many: Sequence[TransferOrder | GroatError],
        once: Once[list[TransferOutcome]] = UNKEYED,
    ) -> list[TransferOutcome]:
        """Make each of these transfers by itself; return an error for each that is refused.

        An error in the place of an order is its outcome.
        """
        commands = [_command(caller.merchant_id, order) for order in many]
        units = [(one,) for one in commands if isinstance(one, PostTransaction)]

        def merged(outcomes: Sequence[UnitOutcomes]) -> list[TransferOutcome]:
            executed = iter(outcomes)
            return [
                one if isinstance(one, GroatError) else _each(next(executed))[0] for one in commands
            ]

        return merged(await self._lanes.submit_once(caller, units, once.after(merged)))

    async def reverse(
        self,
        caller: Caller,
        transaction_id: TransactionId,
        once: Once[RecordedTransaction] = UNKEYED,
    ) -> RecordedTransaction:
        """Reverse a transfer: post its entries with the opposite sign as a new transaction.

        Raises:
            NotFound: the merchant has no such transfer.
            Conflict: ``not_reversible``, or any refusal of a transfer.
        """
        recorded = await self._queries.recorded(caller.merchant_id, transaction_id)
        return await self._post(caller, orders.reversal(caller.merchant_id, recorded), once)

    async def place_hold(
        self, caller: Caller, order: HoldOrder, once: Once[Hold] = UNKEYED
    ) -> Hold:
        """Reserve a part of an account's available balance.

        Raises:
            GroatError: the order is invalid or refused; the code and the message say why.
        """
        command = orders.hold(caller.merchant_id, order, self._clock.now())
        return await self._submit(caller, command, _hold, once)

    async def capture_hold(
        self, caller: Caller, order: HoldCapture, once: Once[HoldStands] = UNKEYED
    ) -> HoldStands:
        """Move a hold, or a part of it, to another account.

        Raises:
            GroatError: the order is invalid or refused; the code and the message say why.
        """
        command = orders.capture(caller.merchant_id, order)
        return await self._submit(caller, command, held, once)

    async def release_hold(
        self, caller: Caller, hold_id: HoldId, once: Once[Hold] = UNKEYED
    ) -> Hold:
        """Release the remainder of a hold. Releasing it again changes nothing.

        Raises:
            GroatError: the hold does not exist, was captured, or belongs to the engine.
        """
        return await self._submit(caller, EndHold(hold_id), _hold, once)

    async def expire_holds(self) -> int:
        """Release holds whose expiry time has passed; return the number of such holds."""
        now = self._clock.now()
        async with self._database.autocommit() as connection:
            due = await ledger.due_holds(connection, now, _MAX_EXPIRED_AT_ONCE)
        await asyncio.gather(
            *(
                self._lanes.submit(
                    Caller.engine(merchant_id, "expiry"), (EndHold(hold_id, expire=True),)
                )
                for merchant_id, hold_id in due
            )
        )
        return len(due)

    async def _post(
        self, caller: Caller, command: PostTransaction, once: Once[RecordedTransaction]
    ) -> RecordedTransaction:
        return await self._submit(caller, command, partial(_recorded, command), once)

    async def _submit(
        self,
        caller: Caller,
        command: Command,
        result: Callable[[CommandOutcome], Result],
        once: Once[Result],
    ) -> Result:
        """Execute a command and return its result; ``result`` raises the error of a refusal."""

        def of_units(units: Sequence[UnitOutcomes]) -> Result:
            [[outcome]] = units
            return result(outcome)

        return of_units(await self._lanes.submit_once(caller, [(command,)], once.after(of_units)))


def _command(
    merchant_id: MerchantId, order: TransferOrder | GroatError
) -> PostTransaction | GroatError:
    """Return the command of an order, or the error that says why it is invalid."""
    if isinstance(order, GroatError):
        return order
    try:
        return orders.transfer(merchant_id, order)
    except GroatError as error:
        return error


def _each(outcomes: UnitOutcomes) -> list[TransferOutcome]:
    return [
        as_error(outcome) if isinstance(outcome, Refused) else posted(outcome)
        for outcome in outcomes
    ]


def _hold(outcome: CommandOutcome) -> Hold:
    return held(outcome).hold


def _recorded(command: PostTransaction, outcome: CommandOutcome) -> RecordedTransaction:
    recorded_at, transaction = posted(outcome).recorded_at, command.transaction
    return RecordedTransaction(
        transaction.id,
        transaction.kind,
        transaction.reference,
        recorded_at,
        transaction.effective_at,
        transaction.entries,
    )
