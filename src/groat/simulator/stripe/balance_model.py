"""The movements of a Stripe account's balance, and the objects that only move the balance.

Amounts are in Stripe's units, times in Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

BalanceType: TypeAlias = Literal["payments", "risk_reserved"]
PayoutStatus: TypeAlias = Literal["pending", "in_transit", "paid", "failed", "canceled"]
TopupStatus: TypeAlias = Literal["pending", "succeeded", "failed", "canceled", "reversed"]


@dataclass(frozen=True, slots=True)
class FeePart:
    """One part of a fee. ``kind`` is Stripe's type, such as ``stripe_fee`` or ``tax``."""

    kind: str
    amount: int
    description: str


@dataclass(frozen=True, slots=True)
class StripeBalanceTransaction:
    """One change of the account's balance, by ``amount`` minus the fee."""

    id: str
    kind: str
    reporting_category: str
    created: int
    available_on: int
    amount: int
    fees: tuple[FeePart, ...]
    currency: str
    source: str | None
    exchange_rate: float | None = None
    balance_type: BalanceType = "payments"

    @property
    def fee(self) -> int:
        """The whole fee."""
        return sum(part.amount for part in self.fees)

    @property
    def net(self) -> int:
        """The change of the balance."""
        return self.amount - self.fee


@dataclass(slots=True, eq=False)
class StripePayout:
    """Money on its way to the merchant's bank, or from it if the amount is negative."""

    id: str
    created: int
    arrival_date: int
    amount: int
    currency: str
    automatic: bool
    method: str
    description: str | None
    metadata: Mapping[str, str]
    balance_transaction: str
    status: PayoutStatus = "pending"
    complete: bool = False
    """Whether the list of its transactions is final."""
    failure_balance_transaction: str | None = None


@dataclass(slots=True, eq=False)
class StripeTopup:
    """Money that the merchant sends to the balance."""

    id: str
    created: int
    amount: int
    currency: str
    description: str | None
    metadata: Mapping[str, str]
    status: TopupStatus = "pending"
    balance_transaction: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """An account of somebody else, to which the merchant may transfer money."""

    id: str
    created: int
    type: str
    email: str | None
    metadata: Mapping[str, str]


@dataclass(slots=True, eq=False)
class StripeTransfer:
    """Money that goes to a connected account."""

    id: str
    created: int
    amount: int
    currency: str
    destination: str
    description: str | None
    metadata: Mapping[str, str]
    balance_transaction: str
    transfer_group: str | None
    reversals: list[TransferReversal] = field(default_factory=list)

    @property
    def amount_reversed(self) -> int:
        """The amount that came back."""
        return sum(reversal.amount for reversal in self.reversals)


@dataclass(frozen=True, slots=True)
class TransferReversal:
    """Money that comes back from a connected account."""

    id: str
    transfer: str
    created: int
    amount: int
    currency: str
    balance_transaction: str
    metadata: Mapping[str, str]
