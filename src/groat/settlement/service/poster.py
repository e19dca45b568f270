"""The poster: post the provider's movements that no report brought, after their facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from groat.audit.domain.record import Cause
from groat.audit.service.records import AuditService
from groat.kernel.clock import Clock
from groat.kernel.errors import Unavailable
from groat.kernel.ids import MerchantId, PaymentId, ProviderAccountId
from groat.kernel.value import Value, replace
from groat.movements.domain.attribution import Owner, belongs_to_payment
from groat.movements.queries import MovementQueries
from groat.payments.domain.ownership import OwnedMovement
from groat.payments.domain.standing import Arrival, EffectKey, EffectKind
from groat.payments.queries import PaymentQueries
from groat.payments.service.facts import PaymentFacts
from groat.platform.postgres.database import Database
from groat.providers.domain.facts import Report
from groat.providers.domain.movements import Movement, MovementCategory
from groat.providers.guard import GuardedProvider
from groat.providers.port import Unknown
from groat.providers.registry import ProviderRegistry

_BATCH = 200
"""Movements in one transaction."""

_EFFECTS = {
    MovementCategory.REFUND: EffectKind.REFUNDED,
    MovementCategory.REFUND_FAILURE: EffectKind.REFUND_REVERSED,
}
"""The effect of the fact that belongs to a movement, beside the capture of its charge."""

_DISPUTES = frozenset({MovementCategory.DISPUTE, MovementCategory.DISPUTE_REVERSAL})


class BookOrigin(Value):
    """The provider account whose books were read, and the cause that audit records name.

    Movements before ``starts_at`` are in the opening balance: they are not posted.
    """

    merchant_id: MerchantId
    account_id: ProviderAccountId
    starts_at: datetime
    cause: Cause


class MovementPoster:
    """Posts movements from the provider's list or a file, each once by its key."""

    def __init__(
        self,
        database: Database,
        providers: ProviderRegistry,
        facts: PaymentFacts,
        payments: PaymentQueries,
        movements: MovementQueries,
        audit: AuditService,
        clock: Clock,
    ) -> None:
        self._database = database
        self._providers = providers
        self._facts = facts
        self._payments = payments
        self._movements = movements
        self._audit = audit
        self._clock = clock

    async def post(self, origin: BookOrigin, movements: Sequence[Movement]) -> int:
        """Post those movements that are not posted yet; return their number.

        If the fact of a movement is missing here, the provider is asked for the object, and its
        facts are applied first.

        Raises:
            Unavailable: ``not_explained``; the provider did not answer. Earlier batches are posted.
            Unavailable: the provider has no adapter here.
        """
        dated = [one for one in movements if one.occurred_at >= origin.starts_at]
        posted = 0
        for start in range(0, len(dated), _BATCH):
            fresh = await self._movements.unposted(
                origin.merchant_id, origin.account_id, dated[start : start + _BATCH]
            )
            if fresh:
                await self._post(origin, fresh)
            posted += len(fresh)
        return posted

    async def _post(self, origin: BookOrigin, fresh: Sequence[Movement]) -> None:
        provider = await self._providers.get(origin.merchant_id, origin.account_id)
        known = await self._known(origin, fresh)
        owned = [await self._owned(origin, provider, one, known) for one in fresh]
        async with self._database.transaction() as connection:
            changes = await self._facts.book(
                connection, origin.merchant_id, origin.account_id, owned, origin.cause
            )
            if changes:
                await self._audit.write(connection, origin.merchant_id, changes, self._clock.now())

    async def _known(
        self, origin: BookOrigin, fresh: Sequence[Movement]
    ) -> dict[EffectKey, PaymentId]:
        """Return the effects that movements belong to, of those that are applied here."""
        keys = {
            key
            for one in fresh
            for key in (_capture_key(origin, one), _effect_key(origin, one))
            if key is not None
        }
        return await self._payments.known_effects(origin.merchant_id, keys)

    async def _owned(
        self,
        origin: BookOrigin,
        provider: GuardedProvider,
        movement: Movement,
        known: dict[EffectKey, PaymentId],
    ) -> OwnedMovement:
        """Return a movement with its owner. If its fact is missing here, ask the provider first.

        Raises:
            Unavailable: ``not_explained``; the provider did not answer.
        """
        if not belongs_to_payment(movement.category):
            return OwnedMovement(movement, Owner.OURS)
        capture, effect = _capture_key(origin, movement), _effect_key(origin, movement)
        payment_id = None if capture is None else known.get(capture)
        lacks_fact = effect is not None and effect not in known
        if payment_id is not None and not lacks_fact and movement.category not in _DISPUTES:
            return OwnedMovement(movement, Owner.OURS, payment_id)
        explained = await provider.explain(movement)
        if isinstance(explained, Unknown):
            raise Unavailable("not_explained", f"{movement.key}: {explained.reason}")
        if explained.payment_id is None:
            return OwnedMovement(movement, Owner.OTHER_SYSTEM)
        await self._apply(origin, explained.reports)
        if movement.parent is None and explained.charge != movement.source:
            movement = replace(movement, parent=explained.charge)
        return OwnedMovement(movement, Owner.OURS, explained.payment_id, "unknown payment")

    async def _apply(self, origin: BookOrigin, reports: Sequence[Report]) -> None:
        """Apply the facts of an object in a transaction of their own."""
        arrivals = [Arrival(origin.account_id, report, origin.cause) for report in reports]
        async with self._database.transaction() as connection:
            await self._facts.apply(connection, origin.merchant_id, arrivals)


def _capture_key(origin: BookOrigin, movement: Movement) -> EffectKey | None:
    """Return the key of the capture of a movement's charge."""
    charge = movement.parent or movement.source
    if charge is None or not belongs_to_payment(movement.category):
        return None
    return EffectKey(origin.account_id, EffectKind.CAPTURED, charge)


def _effect_key(origin: BookOrigin, movement: Movement) -> EffectKey | None:
    """Return the key of the fact that a movement belongs to, if it is no capture."""
    kind = _EFFECTS.get(movement.category)
    if kind is None or movement.source is None:
        return None
    return EffectKey(origin.account_id, kind, movement.source)
