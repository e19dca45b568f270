"""Disputes: a customer's objection to a payment, and its id. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from groat.kernel import ids
from groat.kernel.filters import AmountFilter
from groat.kernel.ids import DisputeId, PaymentId, ProviderAccountId
from groat.kernel.value import Value
from groat.payments.domain.lifecycle import DisputeStatus


class Dispute(Value):
    """A customer's dispute of a capture, known at the provider by ``provider_reference``.

    ``amount`` is the disputed amount in minor units, which may be more than was captured. One
    dispute at PayPal may be about several captures: then each is a dispute here. The provider's
    movements tell what a dispute took and gave back.
    """

    id: DisputeId
    payment_id: PaymentId
    provider_account_id: ProviderAccountId
    provider_reference: str
    capture_reference: str
    status: DisputeStatus
    amount: int
    currency: str
    created_at: datetime
    updated_at: datetime

    @property
    def blocked(self) -> int:
        """The amount that cannot be refunded because of the dispute, unless it is won."""
        return self.amount if self.status in _BLOCKING else 0


_BLOCKING = frozenset(
    {DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW, DisputeStatus.LOST}
)
"""Statuses in which a dispute blocks refunds. An inquiry blocks none."""


class DisputeFilter(NamedTuple):
    """A filter of disputes by their own fields; None selects all."""

    payment_id: PaymentId | None = None
    status: DisputeStatus | None = None
    provider: str | None = None
    provider_account_id: ProviderAccountId | None = None
    provider_reference: str | None = None
    amounts: AmountFilter = AmountFilter()


class DisputeMoney(Value):
    """The money that moved because of a dispute, in minor units of the payment's currency.

    ``withdrawn`` was taken, ``reinstated`` was given back. ``shortfall`` is the part of
    ``withdrawn`` that the beneficiary's account lacked. ``fee`` is in ``fee_currency``, the
    currency in which the provider settles; None if it took nothing.
    """

    withdrawn: int = 0
    reinstated: int = 0
    shortfall: int = 0
    fee: int = 0
    fee_currency: str | None = None


class DisputeDetails(Value):
    """A dispute with the money that it moved."""

    dispute: Dispute
    money: DisputeMoney

    @property
    def id(self) -> DisputeId:
        """The id of the dispute."""
        return self.dispute.id


def dispute_id(
    provider_account_id: ProviderAccountId, provider_reference: str, capture_reference: str
) -> DisputeId:
    """Return the id of a dispute: a hash of its account and references, so each has one id."""
    name = f"{provider_account_id} {provider_reference} {capture_reference}"
    return DisputeId(ids.name_based(b"groat dispute", name))
