"""The records of the PayPal simulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from groat.kernel.money import Money
from groat.simulator.paypal.requests import Intent, PurchaseUnitBody
from groat.simulator.paypal.vault import SavedMethod

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
DisputeOutcome: TypeAlias = Literal[
    "RESOLVED_BUYER_FAVOUR", "RESOLVED_SELLER_FAVOUR", "RESOLVED_WITH_PAYOUT", "CANCELED_BY_BUYER"
]

TAKEN = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
"""The statuses of a successful capture, also if it was refunded later."""


@dataclass(frozen=True, slots=True)
class PayPalOrder:
    """A client's order, with its amount, its reference and its payment method.

    ``host`` is the simulator's own address, taken from the request that created the order.
    """

    id: str
    host: str
    created: datetime
    updated: datetime
    intent: Intent
    status: OrderStatus
    money: Money
    unit: PurchaseUnitBody
    method: SavedMethod
    return_url: str | None
    cancel_url: str | None

    @property
    def waits(self) -> bool:
        """Whether the order waits for its payer's approval."""
        return self.status in {"CREATED", "PAYER_ACTION_REQUIRED"}


@dataclass(frozen=True, slots=True)
class PayPalAuthorization:
    """An authorization of an order's amount, approved or denied."""

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
    """One attempt to capture an order's money, from its authorization if it has one."""

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
    """One attempt to refund a capture. A ``reversal`` is made by PayPal, after a lost dispute."""

    id: str
    capture_id: str
    created: datetime
    updated: datetime
    money: Money
    status: RefundStatus
    custom_id: str | None
    invoice_id: str | None
    note: str | None
    fee_back: Money
    """The part of the capture's fee that the seller gets back."""
    reversal: bool = False


@dataclass(frozen=True, slots=True)
class DisputedCapture:
    """A disputed capture, and the amount of it that is disputed."""

    capture_id: str
    money: Money


@dataclass(frozen=True, slots=True)
class PayPalDispute:
    """A payer's dispute of one or more captures.

    ``taken`` is the amount that the decision took from the seller. ``given_back`` is the amount
    that the payer got: also from PayPal, and also by the seller's refunds during the dispute.
    """

    id: str
    disputed: tuple[DisputedCapture, ...]
    created: datetime
    updated: datetime
    status: DisputeStatus
    taken: Money
    given_back: Money
    chargeback: bool = False
    """Whether the card's bank took the money when the dispute began."""
    outcome: DisputeOutcome | None = None

    @property
    def money(self) -> Money:
        """The disputed amount of all captures."""
        total = sum(part.money.amount for part in self.disputed)
        return Money(total, self.disputed[0].money.currency)

    @property
    def capture_ids(self) -> tuple[str, ...]:
        """The ids of the disputed captures."""
        return tuple(part.capture_id for part in self.disputed)


@dataclass(slots=True)
class Records:
    """All records by id. A change replaces the old record by a new one."""

    orders: dict[str, PayPalOrder] = field(default_factory=dict)
    authorizations: dict[str, PayPalAuthorization] = field(default_factory=dict)
    captures: dict[str, PayPalCapture] = field(default_factory=dict)
    refunds: dict[str, PayPalRefund] = field(default_factory=dict)
    disputes: dict[str, PayPalDispute] = field(default_factory=dict)

    def authorizations_of(self, order_id: str) -> list[PayPalAuthorization]:
        """Return the authorization of an order, as a list of one or none."""
        return [found for found in self.authorizations.values() if found.order_id == order_id]

    def captures_of(self, order_id: str) -> list[PayPalCapture]:
        """Return all captures of an order, including the captures of its authorization."""
        return [found for found in self.captures.values() if found.order_id == order_id]

    def refunds_of(self, capture_id: str) -> list[PayPalRefund]:
        """Return the refunds and the reversals of a capture."""
        return [found for found in self.refunds.values() if found.capture_id == capture_id]

    def refunds_in(self, order_id: str) -> list[PayPalRefund]:
        """Return the refunds and the reversals of all captures of an order."""
        return [
            refund
            for capture in self.captures_of(order_id)
            for refund in self.refunds_of(capture.id)
        ]

    def dispute_in(
        self, order_id: str, wanted: Callable[[PayPalDispute], bool] = lambda _: True
    ) -> PayPalDispute | None:
        """Return the first dispute of an order's captures that ``wanted`` accepts, or None."""
        captures = {capture.id for capture in self.captures_of(order_id)}
        return next(
            (
                dispute
                for dispute in self.disputes.values()
                if not captures.isdisjoint(dispute.capture_ids) and wanted(dispute)
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class PayPalEvent:
    """An event as it is delivered. All its deliveries have the same bytes."""

    id: str
    type: str
    created: datetime
    transaction_id: str
    """The id of the event's object. For a dispute, the id of the disputed capture."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Webhook:
    """A client's endpoint for webhooks."""

    id: str
    url: str
    event_types: tuple[str, ...]

    def wants(self, event_type: str) -> bool:
        """Tell whether events of this type go there."""
        return "*" in self.event_types or event_type in self.event_types
