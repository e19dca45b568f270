"""Disputes: a customer's objection to a payment, and its id. Pure."""

from __future__ import annotations

from datetime import datetime

from groat.kernel import ids
from groat.kernel.ids import DisputeId, PaymentId, ProviderAccountId
from groat.kernel.value import Value
from groat.payments.domain.lifecycle import DisputeStatus


class Dispute(Value):
    """A customer's dispute of a payment, known at the provider by ``provider_reference``.

    Amounts are in minor units. ``withdrawn`` is the amount that the provider took.
    ``shortfall`` is the part of it that the beneficiary's account lacked, and that the beneficiary
    now owes us; None until the withdrawal is posted. ``reinstated`` is the amount given back.
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
    """Return the id of a dispute: a hash of its account and reference, so each has one id."""
    name = f"{provider_account_id} {provider_reference}"
    return DisputeId(ids.name_based(b"groat dispute", name))
