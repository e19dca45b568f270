"""A payment and its operations, as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from groat.kernel import ids
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import AccountId, OperationId, PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.payments.domain.lifecycle import Status
from groat.providers.domain.failures import FailureCode


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """What a merchant asks for: take ``amount`` with ``payment_method``, for ``beneficiary_id``.

    ``payment_method`` is the token of the provider behind ``provider_account_id``.
    """

    amount: Money
    beneficiary_id: AccountId
    provider_account_id: ProviderAccountId
    payment_method: str
    reference: str | None
    metadata: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.amount.amount <= 0:
            raise InvalidRequest("amount_not_positive", "A payment's amount is 1 or more.")


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment. ``captured`` is in minor units of the order's currency."""

    id: PaymentId
    order: PaymentOrder
    status: Status
    captured: int
    failure_code: FailureCode | None
    created_at: datetime
    updated_at: datetime


class OperationOutcome(StrEnum):
    """How a call to a provider ended, as far as we know."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"
    UNKNOWN = "unknown"


def idempotency_key(operation_id: OperationId) -> str:
    """Return the key that the provider deduplicates an operation on: derived, so never another."""
    return f"groat-{ids.render('operation', operation_id)}"


def begin(payment_id: PaymentId, order: PaymentOrder, now: datetime) -> Payment:
    """Return a new payment, whose first operation is being written down with it."""
    return Payment(
        payment_id,
        order,
        Status.PROCESSING,
        captured=0,
        failure_code=None,
        created_at=now,
        updated_at=now,
    )
