"""Transfers and holds: move money between callers' accounts, and reserve it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from groat.accounts.domain import orders
from groat.accounts.domain.commands import (
    Command,
    CommandOutcome,
    EndHold,
    HoldStands,
    Posted,
    PostTransaction,
    Refused,
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
from groat.kernel.ids import HoldId, TransactionId
from groat.platform.postgres.database import Database

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

    async def transfer(self, caller: Caller, order: TransferOrder) -> RecordedTransaction:
        """Move money from one account to another.

        Raises:
            GroatError: the order is invalid or refused; the code and the message say why.
        """
        return await self._post(caller, orders.transfer(caller.merchant_id, order))

    async def transfer_linked(
        self, caller: Caller, many: Sequence[TransferOrder]
    ) -> list[Posted | GroatError]:
        """Make all of these transfers or none. If none is made, return an error for each.

        Raises:
            InvalidRequest: one of the orders is invalid; no transfer was made.
        """
        unit = tuple(orders.transfer(caller.merchant_id, order) for order in many)
        outcomes = await self._lanes.submit(caller, unit)
        return [
            as_error(outcome) if isinstance(outcome, Refused) else posted(outcome)
            for outcome in outcomes
        ]

    async def reverse(self, caller: Caller, transaction_id: TransactionId) -> RecordedTransaction:
        """Reverse a transfer: post its entries with the opposite sign as a new transaction.

        Raises:
            NotFound: the merchant has no such transfer.
            Conflict: ``not_reversible``, or any refusal of a transfer.
        """
        recorded = await self._queries.recorded(caller.merchant_id, transaction_id)
        return await self._post(caller, orders.reversal(caller.merchant_id, recorded))

    async def place_hold(self, caller: Caller, order: HoldOrder) -> Hold:
        """Reserve a part of an account's available balance.

        Raises:
            GroatError: the order is invalid or refused; the code and the message say why.
        """
        command = orders.hold(caller.merchant_id, order, self._clock.now())
        return held(await self._submit(caller, command)).hold

    async def capture_hold(self, caller: Caller, order: HoldCapture) -> HoldStands:
        """Move a hold, or a part of it, to another account.

        Raises:
            GroatError: the order is invalid or refused; the code and the message say why.
        """
        return held(await self._submit(caller, orders.capture(caller.merchant_id, order)))

    async def release_hold(self, caller: Caller, hold_id: HoldId) -> Hold:
        """Release the remainder of a hold. Releasing it again changes nothing.

        Raises:
            GroatError: the hold does not exist, was captured, or belongs to the engine.
        """
        return held(await self._submit(caller, EndHold(hold_id))).hold

    async def expire_holds(self) -> int:
        """Release holds whose expiry time has passed; return the number of such holds."""
        now = self._clock.now()
        async with self._database.autocommit() as connection:
            due = await ledger.due_holds(connection, now, _MAX_EXPIRED_AT_ONCE)
        await asyncio.gather(
            *(
                self._submit(Caller.engine(merchant_id, "expiry"), EndHold(hold_id, expire=True))
                for merchant_id, hold_id in due
            )
        )
        return len(due)

    async def _post(self, caller: Caller, command: PostTransaction) -> RecordedTransaction:
        (outcome,) = await self._lanes.submit(caller, (command,))
        recorded_at, transaction = posted(outcome).recorded_at, command.transaction
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
