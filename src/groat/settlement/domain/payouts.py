"""The remainder of a payout: the part that its movements do not explain, and its name. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from groat.kernel.value import Value
from groat.providers.domain.movements import Movement, MovementCategory
from groat.providers.domain.payouts import Payout, PayoutStatus


class RemainderName(StrEnum):
    """The reason for the remainder of a payout."""

    NONE = "none"
    LIST_NOT_COMPLETE = "list_not_complete"
    CONTENT_NOT_TOLD = "content_not_told"
    MINIMUM_BALANCE = "minimum_balance"
    UNEXPLAINED = "unexplained"


class Remainder(Value):
    """The part of a payout that its movements do not explain, and its name."""

    amount: int
    name: RemainderName

    @property
    def is_explained(self) -> bool:
        """Whether nothing is left to find out."""
        return self.name is not RemainderName.UNEXPLAINED


def remainder(payout: Payout, listed: Iterable[Movement], beside: Iterable[Movement]) -> Remainder:
    """Return the sum of a payout's movements, its own included: zero if they explain it.

    ``listed`` are the movements that the provider lists for the payout. ``beside`` are the holds
    and releases around it that are not listed: a provider that keeps a minimum balance books a hold
    before the payout and a release after it. Example: 1000 available, a minimum of 100, a hold of
    -100, a payout of 900.
    """
    if not payout.tells_content:
        return Remainder(0, RemainderName.CONTENT_NOT_TOLD)
    rest = sum(movement.net for movement in listed)
    if rest == 0:
        return Remainder(0, RemainderName.NONE)
    if not payout.is_complete:
        return Remainder(rest, RemainderName.LIST_NOT_COMPLETE)
    holds = [one.net for one in beside if one.category is MovementCategory.RESERVE]
    is_held = -rest in holds or rest + sum(holds) == 0
    return Remainder(rest, RemainderName.MINIMUM_BALANCE if is_held else RemainderName.UNEXPLAINED)


def in_bank(amount: int, status: PayoutStatus) -> int:
    """Return the part of a payout that is in the bank in a status.

    The posting of a change of status is the difference: from in transit to the bank. So a payout
    that fails after it was paid comes back from the bank, and one that fails before does not. Its
    movement, which the provider books by itself, returns the money to the balance.
    """
    return amount if status is PayoutStatus.PAID else 0
