"""What the stand-in for PayPal remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from groat.kernel.money import Money
from groat.simulator.paypal.requests import Intent, PurchaseUnitBody
from groat.simulator.paypal.vault import PaymentMethod

OrderStatus: TypeAlias = Literal[
    "CREATED", "PAYER_ACTION_REQUIRED", "APPROVED", "COMPLETED", "VOIDED"
]
AuthorizationStatus: TypeAlias = Literal[
    "CREATED", "DENIED", "PARTIALLY_CAPTURED", "CAPTURED", "VOIDED"
]
CaptureStatus: TypeAlias = Literal[
    "COMPLETED", "DECLINED", "PARTIALLY_REFUNDED", "PENDING", "REFUNDED"
]
RefundStatus: TypeAlias = Literal["COMPLETED", "FAILED", "PENDING"]
DisputeStatus: TypeAlias = Literal["OPEN", "UNDER_REVIEW", "RESOLVED"]
DisputeOutcome: TypeAlias = Literal["RESOLVED_BUYER_FAVOUR", "RESOLVED_SELLER_FAVOUR"]

TAKEN = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
"""The statuses of a capture that has taken money."""


@dataclass(frozen=True, slots=True)
class PayPalOrder:
    """What a client wants to be paid for, and by which method.

    ``host`` is the simulator's own address, as the client that made the order knows it.
    """

    id: str
    host: str
    created: datetime
    updated: datetime
    intent: Intent
    status: OrderStatus
    money: Money
    unit: PurchaseUnitBody
    method: PaymentMethod
    return_url: str | None
    cancel_url: str | None

    @property
    def waits(self) -> bool:
        """Whether the payer has to approve it first."""
        return self.status in {"CREATED", "PAYER_ACTION_REQUIRED"}


@dataclass(frozen=True, slots=True)
class PayPalAuthorization:
    """An order's money reserved, or not."""

    id: str
    order_id: str
    created: datetime
    updated: datetime
    expires: datetime
    money: Money
    status: AuthorizationStatus
    response_code: str


@dataclass(frozen=True, slots=True)
class PayPalCapture:
    """One attempt to take an order's money, of its authorization where it has one."""

    id: str
    order_id: str
    authorization_id: str | None
    created: datetime
    updated: datetime
    money: Money
    status: CaptureStatus
    response_code: str
    final: bool
    invoice_id: str | None


@dataclass(frozen=True, slots=True)
class PayPalRefund:
    """One attempt to give back what a capture took. PayPal itself makes a ``reversal``."""

    id: str
    capture_id: str
    created: datetime
    updated: datetime
    money: Money
    status: RefundStatus
    custom_id: str | None
    invoice_id: str | None
    note: str | None
    reversal: bool = False


@dataclass(frozen=True, slots=True)
class PayPalDispute:
    """A payer's complaint about a capture. ``taken`` is what it has cost the seller."""

    id: str
    capture_id: str
    created: datetime
    updated: datetime
    money: Money
    status: DisputeStatus
    taken: Money
    outcome: DisputeOutcome | None = None


@dataclass(slots=True)
class Records:
    """Everything by its id. A change puts a new record in the place of the old one."""

    orders: dict[str, PayPalOrder] = field(default_factory=dict)
    authorizations: dict[str, PayPalAuthorization] = field(default_factory=dict)
    captures: dict[str, PayPalCapture] = field(default_factory=dict)
    refunds: dict[str, PayPalRefund] = field(default_factory=dict)
    disputes: dict[str, PayPalDispute] = field(default_factory=dict)

    def authorizations_of(self, order_id: str) -> list[PayPalAuthorization]:
        """Return an order's authorizations: one or none."""
        return [found for found in self.authorizations.values() if found.order_id == order_id]

    def captures_of(self, order_id: str) -> list[PayPalCapture]:
        """Return an order's captures, those of its authorization too."""
        return [found for found in self.captures.values() if found.order_id == order_id]

    def refunds_of(self, capture_id: str) -> list[PayPalRefund]:
        """Return a capture's refunds, and what PayPal took back of it."""
        return [found for found in self.refunds.values() if found.capture_id == capture_id]

    def refunds_in(self, order_id: str) -> list[PayPalRefund]:
        """Return the refunds of all of an order's captures."""
        return [
            refund
            for capture in self.captures_of(order_id)
            for refund in self.refunds_of(capture.id)
        ]

    def dispute_in(
        self, order_id: str, wanted: Callable[[PayPalDispute], bool] = lambda _: True
    ) -> PayPalDispute | None:
        """Return the first dispute of an order's captures that is as ``wanted``."""
        captures = {capture.id for capture in self.captures_of(order_id)}
        return next(
            (
                dispute
                for dispute in self.disputes.values()
                if dispute.capture_id in captures and wanted(dispute)
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class PayPalEvent:
    """Something that happened, as it is delivered: every delivery has the same bytes."""

    id: str
    type: str
    created: datetime
    transaction_id: str
    """What it is about; of a dispute, the capture that is disputed."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a client wants to hear of events."""

    id: str
    url: str
    event_types: tuple[str, ...]

    def wants(self, event_type: str) -> bool:
        """Tell whether events of this type go there."""
        return "*" in self.event_types or event_type in self.event_types
