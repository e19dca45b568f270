"""Payouts to the merchant's bank, as the provider shows them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from groat.kernel.value import Value
from groat.providers.domain.movements import Movement


class PayoutStatus(StrEnum):
    """The statuses of a payout. ``FAILED`` and ``CANCELED`` may follow ``PAID``."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


class Payout(Value):
    """Money that a provider sends to the merchant's bank; a negative amount is taken from it.

    ``tells_content`` says whether the provider can list its movements: Stripe can for automatic
    payouts only. ``is_complete`` says whether it has finished that list.
    """

    reference: str
    currency: str
    amount: int
    status: PayoutStatus
    tells_content: bool
    is_complete: bool
    arrives_at: datetime | None = None


class ToldPayout(Value):
    """A payout as the provider shows it now, and the movements that it lists for it."""

    payout: Payout
    listed: tuple[Movement, ...]
