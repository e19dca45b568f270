"""The route of a payment: the provider accounts to try, one after the other. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from groat.kernel.ids import ProviderAccountId
from groat.kernel.value import Value, replace
from groat.providers.domain.failures import FailureCode

FALLBACK_WITHIN = timedelta(minutes=5)
"""Default time after its creation in which a payment may fall back to another account."""


class Leg(Value):
    """One provider account to try a payment with, and the token to charge there.

    The token is None if the provider needs none.
    """

    provider_account_id: ProviderAccountId
    payment_method: str | None


class Route(Value):
    """The legs of a payment in their order, and the index ``at`` of the current leg.

    A payment falls back to the next leg only after a failure in ``fallback_on``, and only within
    ``fallback_within`` of its creation.
    """

    legs: tuple[Leg, ...]
    fallback_on: frozenset[FailureCode]
    at: int = 0
    fallback_within: timedelta = FALLBACK_WITHIN

    @classmethod
    def direct(cls, account_id: ProviderAccountId, payment_method: str | None) -> Self:
        """Return the route of a payment whose caller names the account: one leg, no fallback."""
        return cls((Leg(account_id, payment_method),), frozenset())

    def after(self, code: FailureCode) -> Route | None:
        """Return the route at its next leg after a failure with ``code``.

        Return None if this failure does not allow a fallback, or if no leg is left.
        """
        if code not in self.fallback_on or self.at + 1 >= len(self.legs):
            return None
        return replace(self, at=self.at + 1)

    @property
    def leg(self) -> Leg:
        """The current leg."""
        return self.legs[self.at]

    @property
    def first(self) -> ProviderAccountId:
        """The account of the first leg."""
        return self.legs[0].provider_account_id

    @property
    def behind(self) -> frozenset[ProviderAccountId]:
        """The accounts of the legs before the current one, which have all failed."""
        return frozenset(leg.provider_account_id for leg in self.legs[: self.at])
