"""The objects of the Stripe simulator. Amounts are in Stripe's units, times in Unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from groat.kernel.money import Money
from groat.simulator.stripe.balance_model import StripeBalanceTransaction
from groat.simulator.stripe.cards import Decline, StripeCard
from groat.simulator.stripe.requests import Evidence, Shipping
from groat.simulator.stripe.units import as_money
from groat.simulator.wire import JsonObject

REFERENCE_KEY = "groat_payment"
"""Metadata key with the client's name for its payment, which the books record."""

REFUND_REFERENCE_KEY = "groat_refund"
"""Metadata key with the client's name for its refund, which the books record."""

IntentStatus = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "requires_capture",
    "processing",
    "succeeded",
    "canceled",
]
RefundStatus = Literal["pending", "succeeded", "failed"]
DisputeStatus = Literal[
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
    "prevented",
]
PendingReason = Literal["processing", "insufficient_funds", "charge_pending"]


@dataclass(frozen=True, slots=True)
class Method:
    """A payment method: a test card and the id that the simulator gave it."""

    id: str
    card: StripeCard
    customer: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IntentExtras:
    """Parameters of an intent that the simulator only shows again."""

    confirmation_method: str = "automatic"
    customer: str | None = None
    receipt_email: str | None = None
    setup_future_usage: str | None = None
    shipping: Shipping | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    transfer_group: str | None = None


@dataclass(slots=True, eq=False)
class Intent:
    """A payment intent: the amount to pay, and the progress of the payment."""

    id: str
    client_secret: str
    created: int
    amount: int
    currency: str
    capture_method: str
    allow_redirects: str | None
    """Whether the account's payment methods may redirect; None if the request lists methods."""
    payment_method_types: tuple[str, ...]
    description: str | None
    metadata: Mapping[str, str]
    return_url: str | None
    status: IntentStatus = "requires_payment_method"
    extras: IntentExtras = IntentExtras()
    method: Method | None = None
    charge: StripeCharge | None = None
    """The latest charge."""
    next_action: JsonObject | None = None
    error: JsonObject | None = None
    canceled_at: int | None = None
    cancellation_reason: str | None = None

    def money(self, amount: int) -> Money:
        """Return ``amount``, in Stripe's units of the intent's currency, as money."""
        return as_money(amount, self.currency)

    @property
    def awaits_customer(self) -> bool:
        """Whether the customer must act, for example pass an authentication."""
        return self.status == "requires_action"

    @property
    def authorized(self) -> bool:
        """Whether an amount is authorized and not captured yet."""
        return self.status == "requires_capture"

    @property
    def is_debited(self) -> bool:
        """Whether a bank debit is under way."""
        return self.status == "processing"

    @property
    def reference(self) -> str | None:
        """The client's name for its payment."""
        return self.metadata.get(REFERENCE_KEY)


@dataclass(slots=True, eq=False)
class StripeCharge:
    """One attempt to charge an intent."""

    id: str
    intent: Intent
    created: int
    method: Method
    capture_before: int | None
    """Time until which an authorization can be captured; None if it is captured at once."""
    captured: bool = False
    amount_captured: int = 0
    amount_refunded: int = 0
    balance_transaction: str | None = None
    failure_balance_transaction: str | None = None
    dispute: StripeDispute | None = None
    decline: Decline | None = None
    pending: bool = False
    """Whether a bank debit is under way."""

    @property
    def card(self) -> StripeCard:
        """The card or bank account that is charged."""
        return self.method.card

    @property
    def paid(self) -> bool:
        """Whether the issuer approved the charge."""
        return self.decline is None and not self.pending

    @property
    def unrefunded(self) -> int:
        """The captured amount that is not refunded yet."""
        return self.amount_captured - self.amount_refunded

    @property
    def disputable(self) -> bool:
        """Whether an unrefunded amount exists that was never disputed."""
        return self.dispute is None and self.unrefunded > 0


@dataclass(slots=True, eq=False)
class StripeRefund:
    """A refund of a charge, full or partial."""

    id: str
    charge: StripeCharge
    created: int
    amount: int
    reason: str | None
    metadata: Mapping[str, str]
    status: RefundStatus
    balance_transaction: str
    pending_reason: PendingReason = "processing"
    failure_balance_transaction: str | None = None

    @property
    def reference(self) -> str | None:
        """The client's name for its refund."""
        return self.metadata.get(REFUND_REFERENCE_KEY)


@dataclass(slots=True, eq=False)
class StripeDispute:
    """A dispute of a charge, by the customer's bank, and its progress."""

    id: str
    charge: StripeCharge
    created: int
    amount: int
    status: DisputeStatus = "needs_response"
    evidence: Evidence = field(default_factory=Evidence)
    submissions: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    transactions: list[StripeBalanceTransaction] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether the dispute is not decided yet."""
        return self.status in {"needs_response", "under_review"}

    @property
    def inquiry(self) -> bool:
        """Whether it is an inquiry, which takes no money."""
        return self.status.startswith("warning_")

    @property
    def open_inquiry(self) -> bool:
        """Whether it is an inquiry that is not closed yet."""
        return self.inquiry and self.status != "warning_closed"

    @property
    def answerable(self) -> bool:
        """Whether the merchant may still submit evidence."""
        return self.status in {"needs_response", "warning_needs_response"}

    @property
    def withdrawn(self) -> int:
        """The amount that the dispute has taken and not given back, in the settlement currency."""
        return -sum(transaction.amount for transaction in self.transactions)


@dataclass(frozen=True, slots=True)
class EventCause:
    """The request that caused an event, and the address to which it was sent."""

    request_id: str | None
    idempotency_key: str | None
    host: str = ""


NOBODY = EventCause(None, None)
"""The cause of events without a request, such as a dispute."""


@dataclass(frozen=True, slots=True)
class StripeEvent:
    """An event with its object, in the state of that time.

    ``previous`` has the earlier values of changed attributes, which only some events tell.
    """

    id: str
    type: str
    created: int
    subject: JsonObject
    cause: EventCause
    previous: JsonObject | None = None
    livemode: bool = False
    account: str | None = None
    """The connected account that the event belongs to, or None for the merchant's own."""


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """A client's endpoint for webhooks."""

    id: str
    secret: str
    older_secret: str
    """A second secret that also signs deliveries while a secret is rolled."""
    created: int
    url: str
    enabled_events: tuple[str, ...]
    description: str | None

    def wants(self, event_type: str) -> bool:
        """Tell whether events of this type are delivered to this endpoint."""
        return "*" in self.enabled_events or event_type in self.enabled_events
