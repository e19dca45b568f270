"""What the stand-in for Stripe remembers. Amounts are in minor units, times in Unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from groat.kernel.money import Money, exponent
from groat.simulator.stripe.cards import Decline, StripeCard
from groat.simulator.stripe.requests import Evidence
from groat.simulator.wire import JsonObject

REFERENCE_KEY = "groat_payment"
"""The metadata key under which the books find what the client calls its payment."""

REFUND_REFERENCE_KEY = "groat_refund"
"""And what it calls its refund."""

_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Where Stripe's decimals are not ISO 4217's. Source: Stripe, "Supported currencies"."""

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
DisputeStatus = Literal["needs_response", "under_review", "won", "lost"]


def smallest_step(currency: str) -> int:
    """Return how many of Stripe's units make one minor unit of ``currency``, in capitals."""
    return int(10 ** max(0, _stripe_decimals(currency) - exponent(currency)))


def _stripe_decimals(currency: str) -> int:
    return _DECIMALS.get(currency, exponent(currency))


@dataclass(frozen=True, slots=True)
class Method:
    """A test card under the id that it got."""

    id: str
    card: StripeCard


@dataclass(slots=True, eq=False)
class Intent:
    """A payment intent: what is to be paid, and how far that has come."""

    id: str
    client_secret: str
    created: int
    amount: int
    currency: str
    capture_method: str
    allow_redirects: str | None
    """None if the payment's methods are listed instead of being the account's."""
    payment_method_types: tuple[str, ...]
    description: str | None
    metadata: Mapping[str, str]
    return_url: str | None
    status: IntentStatus = "requires_payment_method"
    method: Method | None = None
    charge: StripeCharge | None = None
    """The latest one."""
    next_action: JsonObject | None = None
    error: JsonObject | None = None
    canceled_at: int | None = None
    cancellation_reason: str | None = None

    def money(self, amount: int) -> Money:
        """Return ``amount``, as Stripe counts the intent's currency, in minor units."""
        currency = self.currency.upper()
        minor_units = 10 ** max(0, exponent(currency) - _stripe_decimals(currency))
        return Money(amount * minor_units // smallest_step(currency), currency)

    @property
    def awaits_customer(self) -> bool:
        """Whether the customer has to do something."""
        return self.status == "requires_action"

    @property
    def authorized(self) -> bool:
        """Whether something is authorized and not captured yet."""
        return self.status == "requires_capture"

    @property
    def is_debited(self) -> bool:
        """Whether a bank debit is under way."""
        return self.status == "processing"

    @property
    def reference(self) -> str | None:
        """What the client calls its payment."""
        return self.metadata.get(REFERENCE_KEY)


@dataclass(slots=True, eq=False)
class StripeCharge:
    """One attempt to charge an intent."""

    id: str
    intent: Intent
    created: int
    method: Method
    capture_before: int | None
    """Until when it has to be captured, if it was only authorized at first."""
    captured: bool = False
    amount_captured: int = 0
    amount_refunded: int = 0
    balance_transaction: str | None = None
    dispute: StripeDispute | None = None
    decline: Decline | None = None
    pending: bool = False
    """Whether a bank debit is under way."""

    @property
    def card(self) -> StripeCard:
        """What it was charged to."""
        return self.method.card

    @property
    def paid(self) -> bool:
        """Whether the issuer said yes."""
        return self.decline is None and not self.pending

    @property
    def unrefunded(self) -> int:
        """How much can still be given back."""
        return self.amount_captured - self.amount_refunded

    @property
    def disputable(self) -> bool:
        """Whether there is anything to dispute, and nobody has yet."""
        return self.dispute is None and self.unrefunded > 0


@dataclass(slots=True, eq=False)
class StripeRefund:
    """Something of a charge given back, or on its way."""

    id: str
    charge: StripeCharge
    created: int
    amount: int
    reason: str | None
    metadata: Mapping[str, str]
    status: RefundStatus
    balance_transaction: str
    failure_balance_transaction: str | None = None

    @property
    def reference(self) -> str | None:
        """What the client calls its refund."""
        return self.metadata.get(REFUND_REFERENCE_KEY)


@dataclass(slots=True, eq=False)
class StripeDispute:
    """The customer's bank taking back what was charged, and what became of that."""

    id: str
    charge: StripeCharge
    created: int
    amount: int
    status: DisputeStatus = "needs_response"
    evidence: Evidence = field(default_factory=Evidence)
    submissions: int = 0
    transactions: list[StripeBalanceTransaction] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether it is not decided yet."""
        return self.status in {"needs_response", "under_review"}


@dataclass(frozen=True, slots=True)
class StripeBalanceTransaction:
    """One change of the account's balance: by ``amount``, less the ``fee``."""

    id: str
    kind: Literal["charge", "refund", "refund_failure", "adjustment"]
    reporting_category: str
    created: int
    amount: int
    fee: int
    currency: str
    source: str


@dataclass(frozen=True, slots=True)
class EventCause:
    """The request that made something happen, and the address under which it came."""

    request_id: str | None
    idempotency_key: str | None
    host: str = ""


NOBODY = EventCause(None, None)
"""What happens without a request of the client's."""


@dataclass(frozen=True, slots=True)
class StripeEvent:
    """Something that happened, with the object as it was at that moment."""

    id: str
    type: str
    created: int
    subject: JsonObject
    cause: EventCause


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Where a client wants to hear of events."""

    id: str
    secret: str
    older_secret: str
    """What deliveries are signed with as well while secrets are rolled."""
    created: int
    url: str
    enabled_events: tuple[str, ...]
    description: str | None

    def wants(self, event_type: str) -> bool:
        """Tell whether events of this type go there."""
        return "*" in self.enabled_events or event_type in self.enabled_events
