"""A dispute, as it stands."""

from __future__ import annotations

from datetime import datetime

from groat.kernel import ids
from groat.kernel.ids import DisputeId, PaymentId, ProviderAccountId
from groat.kernel.value import Value
from groat.payments.domain.lifecycle import DisputeStatus


class Dispute(Value):
    """A customer's dispute of a payment, known at the provider by ``provider_reference``.

    Amounts are in minor units. Of ``withdrawn``, ``shortfall`` was not on the beneficiary's account
    and is owed to us, None while that is not posted yet; ``reinstated`` was given back.
    """

    id: DisputeId
    payment_id: PaymentId
    provider_account_id: ProviderAccountId
    provider_reference: str
    status: DisputeStatus
    amount: int
    currency: str
    withdrawn: int
    reinstated: int
    shortfall: int | None
    created_at: datetime
    updated_at: datetime


def dispute_id(provider_account_id: ProviderAccountId, provider_reference: str) -> DisputeId:
    """Return the id of a dispute: a hash of what it is known by, so that it has one."""
    name = f"{provider_account_id} {provider_reference}"
    return DisputeId(ids.name_based(b"groat dispute", name))
