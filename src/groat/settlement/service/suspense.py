"""Suspense: a person decides on movements that nobody could attribute."""

from __future__ import annotations

from datetime import datetime

from groat.accounts.queries import account_within
from groat.audit.domain.record import Change
from groat.audit.service.records import AuditService
from groat.kernel import ids
from groat.kernel.caller import Caller
from groat.kernel.clock import Clock
from groat.kernel.errors import Conflict, InvalidRequest, NotFound
from groat.kernel.ids import AccountId, MerchantId, ProviderAccountId
from groat.kernel.value import Value
from groat.movements.domain.attribution import Attribution, Place
from groat.movements.domain.booking import PlacedMovement
from groat.movements.domain.open_items import SecondCurrency
from groat.movements.queries import MovementQueries
from groat.movements.service import MovementService
from groat.platform.postgres.connection import Connection
from groat.platform.postgres.database import Database
from groat.platform.postgres.idempotency import UNKEYED, Once
from groat.settlement.domain.actions import SettlementAction

_BY_HAND = frozenset({Place.CLEARING, Place.NAMED})
"""The places to which a person moves a movement from suspense."""


class MovementName(Value):
    """The name of a movement: its provider account and its key there."""

    account_id: ProviderAccountId
    key: str


class DecidedMovement(Value):
    """A movement with its present place, and the time since when it has that place."""

    account_id: ProviderAccountId
    placed: PlacedMovement
    since: datetime


class SuspenseService:
    """The commands on movements in suspense. Each is a further posting, and can be taken back."""

    def __init__(
        self,
        database: Database,
        movements: MovementService,
        queries: MovementQueries,
        audit: AuditService,
        clock: Clock,
    ) -> None:
        self._database = database
        self._movements = movements
        self._queries = queries
        self._audit = audit
        self._clock = clock

    async def listed(
        self, merchant_id: MerchantId, account_id: ProviderAccountId | None, *, limit: int
    ) -> list[DecidedMovement]:
        """Return the movements in suspense, oldest first."""
        found = await self._queries.suspense(merchant_id, account_id, limit=limit)
        return [DecidedMovement(*one) for one in found]

    async def attribute(
        self,
        caller: Caller,
        name: MovementName,
        reference: str,
        once: Once[DecidedMovement] = UNKEYED,
    ) -> DecidedMovement:
        """Move a movement to clearing, as one of the object ``reference`` at the provider.

        The fact of that object, if it came or comes, closes its open item.

        Raises:
            NotFound: ``movement_not_found``; no such movement is posted.
            Conflict: ``not_in_suspense``; or ``second_currency``, the object has movements in
                another currency.
        """
        place = Attribution(Place.CLEARING, reference, reference)
        return await self._decide(
            caller, name, place, SettlementAction.MOVEMENT_ATTRIBUTED, once, None
        )

    async def dismiss(
        self,
        caller: Caller,
        name: MovementName,
        to: AccountId,
        once: Once[DecidedMovement] = UNKEYED,
    ) -> DecidedMovement:
        """Move a movement to an account of the merchant.

        Raises:
            NotFound: no such movement is posted, or the merchant has no such account.
            Conflict: ``not_in_suspense``; or ``account_not_usable``, the account is the engine's,
                is not open, or has a floor and the movement would debit it.
            InvalidRequest: ``currency_mismatch``; the account has another currency.
        """
        place = Attribution(Place.NAMED, ids.render("account", to))
        return await self._decide(
            caller, name, place, SettlementAction.MOVEMENT_DISMISSED, once, to
        )

    async def restore(
        self,
        caller: Caller,
        name: MovementName,
        reason: str,
        once: Once[DecidedMovement] = UNKEYED,
    ) -> DecidedMovement:
        """Take an attribution or a dismissal back: move the movement to suspense again.

        Raises:
            NotFound: ``movement_not_found``; no such movement is posted.
            Conflict: ``not_moved_by_hand``; or ``account_not_usable``, the account has a floor and
                would be debited.
        """
        place = Attribution(Place.SUSPENSE, reason=reason)
        return await self._decide(
            caller, name, place, SettlementAction.MOVEMENT_RESTORED, once, None
        )

    async def _decide(
        self,
        caller: Caller,
        name: MovementName,
        after: Attribution,
        action: SettlementAction,
        once: Once[DecidedMovement],
        named: AccountId | None,
    ) -> DecidedMovement:
        now, merchant_id = self._clock.now(), caller.merchant_id
        async with self._database.transaction() as connection:
            await once.claim(connection)
            placed = await self._locked(connection, merchant_id, name, after)
            if placed.attribution.place is Place.NAMED:
                text = placed.attribution.reference or ""
                named = AccountId(ids.parse("account", text))
            if named is not None:
                takes = after.place is Place.NAMED
                gross = placed.movement.gross if takes else -placed.movement.gross
                await _require_usable(
                    connection, merchant_id, named, placed.movement.currency, gross
                )
            try:
                moved, changes = await self._movements.move(
                    connection, caller, name.account_id, placed, after, named, now
                )
            except SecondCurrency as error:
                raise Conflict("second_currency", f"{error}.") from error
            change = Change.by(
                caller,
                action,
                "provider_account",
                name.account_id,
                movement=name.key,
                reference=after.reference,
                reason=after.reason,
                amount=placed.movement.gross,
                currency=placed.movement.currency,
                request=once.digest,
            )
            await self._audit.write(connection, merchant_id, [*changes, change], now)
            decided = DecidedMovement(name.account_id, moved, now)
            once.answer(connection, decided)
        return decided

    async def _locked(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        name: MovementName,
        after: Attribution,
    ) -> PlacedMovement:
        """Lock a movement, which must be where it can be moved from."""
        placed = await self._movements.present_place(
            connection, merchant_id, name.account_id, name.key
        )
        if placed is None:
            raise NotFound("movement_not_found", f"No movement {name.key[:80]!r} is posted.")
        place = placed.attribution.place
        if after.place is not Place.SUSPENSE and place is not Place.SUSPENSE:
            raise Conflict("not_in_suspense", f"The movement stands in {place}; restore it first.")
        if after.place is Place.SUSPENSE and (placed.number == 1 or place not in _BY_HAND):
            raise Conflict("not_moved_by_hand", f"The movement stands in {place}; leave it there.")
        return placed


async def _require_usable(
    connection: Connection,
    merchant_id: MerchantId,
    account_id: AccountId,
    currency: str,
    gross: int,
) -> None:
    """Refuse an account to which ``gross`` cannot be posted as a fact."""
    found = await account_within(connection, merchant_id, account_id)
    if found.spec.currency != currency:
        raise InvalidRequest(
            "currency_mismatch", f"The account has {found.spec.currency}, the movement {currency}."
        )
    is_open = found.status == "open" and not found.spec.is_engine
    if not is_open or (gross < 0 and found.spec.floor is not None):
        raise Conflict(
            "account_not_usable",
            "Use an open account of yours, without a floor if the movement debits it.",
        )
