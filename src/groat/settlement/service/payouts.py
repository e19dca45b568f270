"""Payouts: show the movements that a payout paid out, and name the remainder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from groat.kernel.errors import NotFound
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.kernel.value import Value
from groat.movements.queries import MovementQueries
from groat.providers.domain.movements import Movement, MovementCategory
from groat.providers.domain.payouts import Payout
from groat.providers.port import Unknown
from groat.providers.registry import ProviderRegistry
from groat.settlement.domain.payouts import Remainder, RemainderName, remainder

_BESIDE = timedelta(minutes=1)
"""Time around a payout in which the hold and the release of a minimum balance are booked."""


class ShownPayout(Value):
    """A payout: its own movement, the movements in it, and the remainder.

    ``told`` is the payout as the provider shows it now, None if it shows none; ``not_told`` says
    why it did not answer. ``returned`` is the movement that brought the money back.
    """

    booked: Movement
    returned: Movement | None
    told: Payout | None
    not_told: str | None
    movements: tuple[Movement, ...]
    remainder: Remainder


class PayoutService:
    """Reads payouts. It changes nothing."""

    def __init__(self, providers: ProviderRegistry, movements: MovementQueries) -> None:
        self._providers = providers
        self._movements = movements

    async def listed(
        self, merchant_id: MerchantId, account_id: ProviderAccountId, *, limit: int
    ) -> list[Movement]:
        """Return the movements of the account's payouts, newest first.

        Raises:
            NotFound: the merchant has no such account.
        """
        await self._providers.get(merchant_id, account_id)
        return await self._movements.payouts(merchant_id, account_id, limit=limit)

    async def show(
        self, merchant_id: MerchantId, account_id: ProviderAccountId, reference: str
    ) -> ShownPayout:
        """Return a payout with its movements, and ask the provider for its state and its list.

        Raises:
            NotFound: the merchant has no such account, or the account no such payout.
        """
        provider = await self._providers.get(merchant_id, account_id)
        stored = await self._movements.of_payout(merchant_id, account_id, reference)
        booked = _first(stored, MovementCategory.PAYOUT, reference)
        if booked is None:
            raise NotFound("payout_not_found", f"No movement of a payout {reference} is read.")
        returned = _first(stored, MovementCategory.PAYOUT_REVERSAL, reference)
        answer = await provider.payout(reference)
        if answer is None or isinstance(answer, Unknown):
            reason = None if answer is None else answer.reason
            members = tuple(one for one in stored if one.payout == reference)
            rest = Remainder(0, RemainderName.CONTENT_NOT_TOLD)
            return ShownPayout(booked, returned, None, reason, members, rest)
        span = (booked.occurred_at - _BESIDE, booked.occurred_at + _BESIDE)
        beside = [
            one
            async for one in self._movements.between(merchant_id, account_id, *span)
            if one.currency == booked.currency
        ]
        rest = remainder(answer.payout, answer.listed, beside)
        return ShownPayout(booked, returned, answer.payout, None, answer.listed, rest)


def reference_of(payout: Movement) -> str:
    """Return the provider's id of a payout, the movement's key if the provider names none."""
    return payout.source or payout.key


def _first(
    movements: Sequence[Movement], category: MovementCategory, reference: str
) -> Movement | None:
    """Return the movement of a category that belongs to the payout itself."""
    return next(
        (
            one
            for one in movements
            if one.category is category and reference in {one.source, one.parent, one.key}
        ),
        None,
    )
