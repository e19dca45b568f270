"""Operations whose outcome nobody has learned: when to ask for it again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from groat.kernel.ids import MerchantId, OperationId, PaymentId, ProviderAccountId
from groat.payments.domain.payment import OperationOutcome

_FIRST_SECONDS = 5
_MOST_DOUBLINGS = 12


@dataclass(frozen=True, slots=True)
class OpenOperation:
    """An operation that is ``pending`` or ``unknown``. ``lookups`` counts those that were begun."""

    merchant_id: MerchantId
    id: OperationId
    payment_id: PaymentId
    provider_account_id: ProviderAccountId
    outcome: OperationOutcome
    reason: str | None
    lookups: int
    due_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Resolution:
    """What an operator has found out about a payment that nobody told us of, and how.

    ``capture_reference`` is the provider's id of what was taken, None if nothing was.
    """

    capture_reference: str | None
    reason: str


def delay_after(lookups: int, random: Random) -> timedelta:
    """Return how long to wait after so many look-ups: doubling from 5 seconds to almost 6 hours.

    A fifth more or less, so that what an outage has left open does not come back all at once. There
    is no last time: an unknown outcome is asked for as long as it is unknown.
    """
    seconds = _FIRST_SECONDS * 2 ** min(lookups, _MOST_DOUBLINGS)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))
