"""The route of a payment: the provider accounts it is tried with, one after the other. Pure."""

from __future__ import annotations

from datetime import timedelta

from groat.kernel.ids import ProviderAccountId
from groat.kernel.value import Value, replace
from groat.providers.domain.failures import FailureCode

FALLBACK_WITHIN = timedelta(minutes=5)
"""Default time after a payment's creation within which it may fall back."""


class Leg(Value):
    """One provider account to try a payment with, and the token for it, if it needs one."""

    provider_account_id: ProviderAccountId
    payment_method: str | None


class Route(Value):
    """The accounts that a payment is tried with; it is ``at`` one of them.

    It goes on to the next on one of the failures in ``fallback_on``, and on no other; and only
    ``fallback_within`` after the payment's creation.
    """

    legs: tuple[Leg, ...]
    fallback_on: frozenset[FailureCode]
    at: int = 0
    fallback_within: timedelta = FALLBACK_WITHIN

    def after(self, code: FailureCode) -> Route | None:
        """Return the route gone on with after a failure, None if it ends with that."""
        if code not in self.fallback_on or self.at + 1 >= len(self.legs):
            return None
        return replace(self, at=self.at + 1)

    @property
    def leg(self) -> Leg:
        """Where it is now."""
        return self.legs[self.at]

    @property
    def first(self) -> ProviderAccountId:
        """The account that it begins with."""
        return self.legs[0].provider_account_id

    @property
    def behind(self) -> frozenset[ProviderAccountId]:
        """The accounts that were tried and given up."""
        return frozenset(leg.provider_account_id for leg in self.legs[: self.at])
